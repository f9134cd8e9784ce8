// Reshape engine of a chip with one tile and no transposer: reads beats from its tile memory, or
// fills, and writes them to it. It keeps neither job nor beats: nothing else runs meanwhile.
//
// Contract:   as lacuna_reshape; what comes beside `start_i` is held until `done_o`, and every
//             request is granted at once.
// Throughput: one beat a cycle.
// Latency:    a beat is offered 2 cycles after its read.
module lacuna_reshape_copy #(
  parameter  int unsigned Tiles     = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned WordBytes = 2 * lacuna_spec_pkg::BaseLanes,
  parameter  int unsigned TileWords = lacuna_spec_pkg::BaseTileWords,
  localparam int unsigned AddrBits  = $clog2(TileWords * WordBytes),
  localparam int unsigned ByteBits  = $clog2(WordBytes + 1)
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic                      start_i,
  input  logic [Tiles-1:0]          targets_i,
  input  lacuna_spec_pkg::reshape_t job_i,
  input  logic                      empty_i,
  output logic                      done_o,
  output logic [lacuna_spec_pkg::ProfileBits-1:0] work_o,
  // A beat leaves in this cycle.
  output logic                      sent_o,

  output logic                      rd_req_o,
  input  logic                      rd_gnt_i,
  output logic [AddrBits-1:0]       rd_addr_o,
  input  logic [8*WordBytes-1:0]    rd_data_i,

  output logic                      beat_valid_o,
  input  logic                      beat_ready_i,
  output logic [Tiles-1:0]          beat_targets_o,
  output logic [AddrBits-1:0]       beat_addr_o,
  output logic [ByteBits-1:0]       beat_bytes_o,
  output logic [8*WordBytes-1:0]    beat_data_o
);

  localparam int unsigned WorkBits = lacuna_spec_pkg::ProfileBits;

  logic                busy_q, issuing_q, unused;
  logic [1:0]          unused_ends;
  logic [WorkBits-1:0] work_q;

  assign unused = ^{rd_gnt_i, beat_ready_i};

  logic                last, issue, pop;
  logic [AddrBits-1:0] source, target;

  lacuna_reshape_walker #(.AddrBits(AddrBits), .Hold(1'b0)) u_walker (
    .clk_i,
    .load_i  (start_i),
    .job_i,
    .step_i  (issue),
    .last_o  (last),
    .ends_o  (unused_ends),
    .source_o(source),
    .target_o(target)
  );

  assign issue     = issuing_q;
  assign rd_req_o  = issuing_q && !job_i.fill;
  assign rd_addr_o = source;

  // Two cycles of read; a fill waits as long, so that beats keep their order and their timing.
  logic                first_valid_q, second_valid_q;
  logic [AddrBits-1:0] first_target_q, second_target_q;

  always_ff @(posedge clk_i) begin
    first_valid_q   <= issue && rst_ni;
    second_valid_q  <= first_valid_q && rst_ni;
    first_target_q  <= target;
    second_target_q <= first_target_q;
  end

  assign beat_valid_o   = second_valid_q;
  assign beat_targets_o = targets_i;
  assign beat_addr_o    = second_target_q;
  assign beat_bytes_o   = job_i.bytes[ByteBits-1:0];
  assign beat_data_o    = job_i.fill ? {WordBytes{job_i.value}} : rd_data_i;
  assign pop            = second_valid_q;
  assign sent_o         = pop;
  assign work_o         = work_q;
  assign done_o         = busy_q && !issuing_q && !first_valid_q && !second_valid_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q    <= 1'b0;
      issuing_q <= 1'b0;
    end else begin
      if (start_i)     busy_q <= 1'b1;
      else if (done_o) busy_q <= 1'b0;
      if (start_i)            issuing_q <= !empty_i;
      else if (issue && last) issuing_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_i)                    work_q <= '0;
    else if (pop && (work_q != '1)) work_q <= work_q + WorkBits'(1);
  end

endmodule
