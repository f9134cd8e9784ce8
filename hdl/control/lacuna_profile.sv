// Times the jobs of all units and keeps one record for each instruction and tile in block RAM.
//
// Units 0 to Tiles - 1 are the compute units of the tiles, the others their reshape engines.
//
// Contract:   records are written one a cycle from the cycle after `done_i` on, the lowest unit
//             first, but the one that is next keeps its turn. A unit is busy from the cycle after
//             its start until it is next, or written: whoever sees that it is not busy starts it a
//             cycle later or after that. `work_i` and `decisions_i` of a unit are stable from
//             `done_i` to the cycle of its next start; reshape engines decide nothing. Fields
//             saturate: `start` is the program's cycle in which the unit started, `cycles` counts
//             from then to the cycle of done, inclusive. A compute unit starts later than its tile
//             is given the job (`given_i`), which may be while it is at the one before. Records of instructions that have not run
//             mean nothing.
// Latency:    of a host read, one cycle.
module lacuna_profile #(
  parameter  int unsigned Tiles      = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned ProgramLen = lacuna_spec_pkg::BaseProgramLen,
  parameter  bit          Monitor    = lacuna_spec_pkg::BaseMonitor != 0,
  localparam int unsigned Bits       = lacuna_spec_pkg::ProfileBits,
  localparam int unsigned IndexBits  = $clog2(ProgramLen),
  localparam int unsigned TileBits   = $clog2(Tiles),
  localparam int unsigned AddrBits   = IndexBits + TileBits,
  localparam int unsigned Units      = 2 * Tiles,
  localparam int unsigned Fields     = Monitor ? 4 : 3
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  input  logic [31:0]                cycle_i,
  input  logic [IndexBits-1:0]       index_i,
  input  logic [Tiles-1:0]           given_i,
  input  logic [Units-1:0]           start_i,
  input  logic [Units-1:0]           done_i,
  input  logic [Units-1:0][Bits-1:0] work_i,
  input  logic [Tiles-1:0][Bits-1:0] decisions_i,
  output logic [Units-1:0]           busy_o,

  // A record: instruction above tile. Field 0 start, 1 cycles, 2 work, with Monitor 3 decisions.
  input  logic                       rd_en_i,
  input  logic [AddrBits-1:0]        rd_addr_i,
  input  logic [1:0]                 rd_field_i,
  output logic [Bits-1:0]            rd_data_o
);

  logic [Bits-1:0] now;
  assign now = (cycle_i[31:Bits] != '0) ? '1 : cycle_i[Bits-1:0];

  logic [Units-1:0]                busy_q, waits_q, next_q, writes, waits_next, writes_next;
  logic [Units-1:0][IndexBits-1:0] index_q;
  logic [Tiles-1:0][IndexBits-1:0] given_q;
  logic [Units-1:0][Bits-1:0]      start_q;
  // Cycles since the start; the top bit stops the count.
  logic [Units-1:0][Bits:0]        passed_q;

  assign writes      = (next_q != '0) ? next_q : waits_q & (~waits_q + Units'(1));
  assign waits_next  = waits_q & ~writes;
  assign writes_next = waits_next & (~waits_next + Units'(1));
  assign busy_o      = busy_q & ~writes & ~writes_next;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q  <= '0;
      waits_q <= '0;
      next_q  <= '0;
    end else begin
      busy_q  <= (busy_q & ~writes) | start_i;
      waits_q <= waits_next | done_i;
      next_q  <= writes_next;
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned t = 0; t < Tiles; t++) begin
      if (given_i[t]) given_q[t] <= index_i;
    end
    for (int unsigned u = 0; u < Units; u++) begin
      if (start_i[u]) begin
        index_q[u]  <= (u < Tiles) ? given_q[u % Tiles] : index_i;
        start_q[u]  <= now;
        passed_q[u] <= '0;
      end else if (!waits_q[u] && !passed_q[u][Bits]) begin
        passed_q[u] <= passed_q[u] + (Bits + 1)'(1);
      end
    end
  end

  logic [AddrBits-1:0]    wr_addr;
  logic [Fields*Bits-1:0] wr_record, rd_record;
  logic [Bits-1:0]        wr_start, wr_work, wr_decisions;
  logic [Bits:0]          wr_passed, wr_cycles;

  always_comb begin
    wr_addr      = '0;
    wr_start     = '0;
    wr_passed    = '0;
    wr_work      = '0;
    wr_decisions = '0;
    for (int unsigned u = 0; u < Units; u++) begin
      if (writes[u]) begin
        wr_addr   = AddrBits'({index_q[u], {TileBits{1'b0}}}) | AddrBits'(u % Tiles);
        wr_start  = start_q[u];
        wr_passed = passed_q[u];
        wr_work   = work_i[u];
        if (u < Tiles) wr_decisions = decisions_i[u % Tiles];
      end
    end
  end

  assign wr_cycles = wr_passed + (Bits + 1)'(!wr_passed[Bits]);
  assign wr_record = (Fields * Bits)'(
    {wr_decisions, wr_work, wr_cycles[Bits-1:0] | {Bits{wr_cycles[Bits]}}, wr_start});

  lacuna_ram_1r1w #(.Words(2 ** AddrBits), .WordBytes(Fields * Bits / 8)) u_records (
    .clk_i,
    .rd_en_i,
    .rd_addr_i,
    .rd_data_o(rd_record),
    .wr_be_i  ({Fields * Bits / 8{|writes}}),
    .wr_addr_i(wr_addr),
    .wr_data_i(wr_record)
  );

  logic [1:0] field_q;

  always_ff @(posedge clk_i) begin
    if (rd_en_i) field_q <= rd_field_i;
  end

  always_comb begin
    unique case (field_q)
      2'd0:    rd_data_o = rd_record[0 +: Bits];
      2'd1:    rd_data_o = rd_record[Bits +: Bits];
      2'd2:    rd_data_o = rd_record[2*Bits +: Bits];
      default: rd_data_o = rd_record[(Fields-1)*Bits +: Bits];
    endcase
  end

endmodule
