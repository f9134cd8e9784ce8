// The profile of a chip that runs one job at a time: lacuna_profile with one clock and one counter
// of work, and records written field by field, the first at the start of a job, into a RAM of one
// field's width.
//
// Contract:   as lacuna_profile, for a single unit; it is busy until the last field of its record
//             is written, three cycles after `done_i`. `index_i` is stable from the start of a
//             job until then; `worked_i` is 0 outside its cycles.
// Latency:    of a host read, one cycle.
module lacuna_profile_serial #(
  parameter  int unsigned Lanes      = lacuna_spec_pkg::NanoLanes,
  parameter  int unsigned ProgramLen = lacuna_spec_pkg::NanoProgramLen,
  parameter  bit          Monitor    = lacuna_spec_pkg::NanoMonitor != 0,
  localparam int unsigned Bits       = lacuna_spec_pkg::ProfileBits,
  localparam int unsigned IndexBits  = $clog2(ProgramLen),
  localparam int unsigned DigitsBits = $clog2(Lanes + 1)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic [31:0]           cycle_i,
  input  logic [IndexBits-1:0]  index_i,
  input  logic                  start_i,
  input  logic                  done_i,
  // Work of this cycle: digits issued by `run`, else words written.
  input  logic [DigitsBits-1:0] worked_i,
  // Stable from `done_i` on.
  input  logic [Bits-1:0]       decisions_i,
  output logic                  busy_o,

  input  logic                  rd_en_i,
  input  logic [IndexBits-1:0]  rd_index_i,
  input  logic [1:0]            rd_field_i,
  output logic [Bits-1:0]       rd_data_o
);

  // Of a record.
  localparam logic [1:0] Start     = 2'd0;
  localparam logic [1:0] Cycles    = 2'd1;
  localparam logic [1:0] Work      = 2'd2;
  localparam logic [1:0] Decisions = 2'd3;

  logic            busy_q, waits_q;
  logic [1:0]      field_q;
  // Bit `Bits` stops a count.
  logic [31:0]     cycles, work;
  logic [Bits-1:0] field;
  logic            over, unused;

  if (Bits > 31) begin : gen_bad_bits
    $error("lacuna_profile_serial: Bits is %0d; a tally has 32", Bits);
  end

  assign busy_o = busy_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q  <= 1'b0;
      waits_q <= 1'b0;
      field_q <= 2'd0;
    end else begin
      field_q <= waits_q ? field_q + 2'd1 : 2'd0;
      if (start_i) busy_q <= 1'b1;
      if (done_i)  waits_q <= 1'b1;
      if (waits_q && (field_q == Work)) begin
        busy_q  <= 1'b0;
        waits_q <= 1'b0;
      end
    end
  end

  lacuna_tally #(.First(16'd1)) u_cycles (
    .clk_i,
    .begin_i(start_i),
    .add_i  (8'(!waits_q && !cycles[Bits])),
    .sum_o  (cycles)
  );

  lacuna_tally u_work (
    .clk_i,
    .begin_i(start_i),
    .add_i  (8'(worked_i) & {8{!work[Bits]}}),
    .sum_o  (work)
  );

  assign unused = ^{cycles, work, decisions_i};

  always_comb begin
    {over, field} = work[Bits:0];
    if (!waits_q)               {over, field} = {cycle_i[31:Bits] != '0, cycle_i[Bits-1:0]};
    else if (field_q == Cycles) {over, field} = cycles[Bits:0];
    else if (Monitor && (field_q == Start)) {over, field} = {1'b0, decisions_i};
  end

  // Decisions are written in the cycle before the others, in which the start has long been.
  logic [1:0] place;
  assign place = (Monitor && waits_q && (field_q == Start)) ? Decisions : field_q;

  lacuna_ram_1r1w #(.Words(4 * ProgramLen), .WordBytes(Bits / 8)) u_records (
    .clk_i,
    .rd_en_i,
    .rd_addr_i({rd_index_i, rd_field_i}),
    .rd_data_o,
    .wr_be_i  ({Bits / 8{start_i || (waits_q && (Monitor || (field_q != Start)))}}),
    .wr_addr_i({index_i, place}),
    .wr_data_i(field | {Bits{over}})
  );

endmodule
