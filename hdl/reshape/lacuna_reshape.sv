// Reshape engine of one tile: reads beats from its tile memory, or fills, and sends them to target
// tiles through the route.
//
// Contract:   `start_i` (cycle 0, engine idle) beside the instruction. `done_o` pulses in the cycle
//             after the last beat was taken: a read issued in the cycle after `done_o` sees it. A
//             job with a count of 0 has no beats and is done in cycle 1. `work_o`, the beats sent
//             (saturating), is valid from `done_o` until the next start. Read data is on
//             `rd_data_i` 2 cycles after the grant. Bytes of a beat from `beat_bytes_o` on mean
//             nothing.
// Throughput: one beat a cycle.
// Latency:    a beat is offered 3 cycles after its read is granted; Serial: 2.
module lacuna_reshape #(
  parameter  int unsigned Tiles     = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned WordBytes = 2 * lacuna_spec_pkg::BaseLanes,
  parameter  int unsigned TileWords = lacuna_spec_pkg::BaseTileWords,
  // Nothing else runs while this job does: `instr_i` is held until `done_o`, and every request is
  // granted at once.
  parameter  bit          Serial    = 1'b0,
  localparam int unsigned AddrBits  = $clog2(TileWords * WordBytes),
  localparam int unsigned ByteBits  = $clog2(WordBytes + 1)
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  input  logic                   start_i,
  input  logic [511:0]           instr_i,
  input  logic [AddrBits-1:0]    input_offset_i,
  input  logic [AddrBits-1:0]    output_offset_i,
  output logic                   done_o,
  output logic [lacuna_spec_pkg::ProfileBits-1:0] work_o,
  // A beat leaves in this cycle.
  output logic                   sent_o,

  output logic                   rd_req_o,
  input  logic                   rd_gnt_i,
  output logic [AddrBits-1:0]    rd_addr_o,
  input  logic [8*WordBytes-1:0] rd_data_i,

  output logic                   beat_valid_o,
  input  logic                   beat_ready_i,
  output logic [Tiles-1:0]       beat_targets_o,
  output logic [AddrBits-1:0]    beat_addr_o,
  output logic [ByteBits-1:0]    beat_bytes_o,
  output logic [8*WordBytes-1:0] beat_data_o
);

  // Issue, two cycles of read, one of queue: with four beats on the way no cycle is lost.
  localparam int unsigned InFlight   = 4;
  localparam int unsigned CreditBits = $clog2(InFlight + 1);
  localparam int unsigned WorkBits   = lacuna_spec_pkg::ProfileBits;

  lacuna_spec_pkg::head_t    head;
  lacuna_spec_pkg::reshape_t job;
  logic                      unused;

  assign head   = instr_i[127:0];
  assign job    = instr_i[511:128];
  assign unused = ^head;

  logic                 busy_q, issuing_q, fill_q;
  logic [7:0]           value_q;
  logic [ByteBits-1:0]  bytes_q;
  logic [Tiles-1:0]     targets_q;
  logic [WorkBits-1:0]  work_q;

  logic                empty, last, may_issue, issue, pop;
  logic [AddrBits-1:0] source, target;

  lacuna_reshape_walker #(.AddrBits(AddrBits), .Hold(!Serial)) u_walker (
    .clk_i,
    .load_i  (start_i),
    .job_i   (job),
    .source_i(job.source[AddrBits-1:0] + (input_offset_i & {AddrBits{head.from_input}})),
    .target_i(job.target[AddrBits-1:0] + (output_offset_i & {AddrBits{head.to_output}})),
    .empty_o (empty),
    .step_i  (issue),
    .last_o  (last),
    .source_o(source),
    .target_o(target)
  );

  assign may_issue = issuing_q && may_send;
  assign rd_req_o  = may_issue && !fill_q;
  assign rd_addr_o = source;
  assign issue     = may_issue && (fill_q || rd_gnt_i);

  // Two cycles of read; a fill waits as long, so that beats keep their order and their timing.
  logic                first_valid_q, second_valid_q;
  logic [AddrBits-1:0] first_target_q, second_target_q;

  always_ff @(posedge clk_i) begin
    first_valid_q   <= issue && rst_ni;
    second_valid_q  <= first_valid_q && rst_ni;
    first_target_q  <= target;
    second_target_q <= first_target_q;
  end

  // What leaves the read; `may_send` keeps beats on the way within the queue, `sent_all` tells that
  // there are none.
  logic [AddrBits+8*WordBytes-1:0] arrived;
  logic                            may_send, sent_all;

  assign arrived = {second_target_q, fill_q ? {WordBytes{value_q}} : rd_data_i};

  if (Serial) begin : gen_alone
    logic unused_ready;
    assign unused_ready                = beat_ready_i;
    assign beat_valid_o                = second_valid_q;
    assign {beat_addr_o, beat_data_o}  = arrived;
    assign may_send                    = 1'b1;
    assign sent_all                    = !first_valid_q && !second_valid_q;
  end else begin : gen_queue
    // Credits keep the queue from ever being full, so its ready is not looked at.
    logic [CreditBits-1:0] credit_q, unused_count;
    logic                  unused_ready;

    lacuna_fifo #(.Depth(InFlight), .Width(AddrBits + 8 * WordBytes)) u_queue (
      .clk_i,
      .rst_ni,
      .count_o(unused_count),
      .valid_i(second_valid_q),
      .ready_o(unused_ready),
      .data_i (arrived),
      .valid_o(beat_valid_o),
      .ready_i(beat_ready_i),
      .data_o ({beat_addr_o, beat_data_o})
    );

    assign may_send = credit_q != '0;
    assign sent_all = credit_q == CreditBits'(InFlight);

    always_ff @(posedge clk_i) begin
      if (!rst_ni) credit_q <= CreditBits'(InFlight);
      else         credit_q <= credit_q + CreditBits'(pop) - CreditBits'(issue);
    end
  end

  assign beat_targets_o = targets_q;
  assign beat_bytes_o   = bytes_q;
  assign pop            = beat_valid_o && (Serial || beat_ready_i);
  assign sent_o         = pop;
  assign work_o         = work_q;
  assign done_o         = busy_q && !issuing_q && sent_all;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q    <= 1'b0;
      issuing_q <= 1'b0;
    end else begin
      if (start_i)     busy_q <= 1'b1;
      else if (done_o) busy_q <= 1'b0;
      if (start_i)            issuing_q <= !empty;
      else if (issue && last) issuing_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_i)                    work_q <= '0;
    else if (pop && (work_q != '1)) work_q <= work_q + WorkBits'(1);
  end

  if (Serial) begin : gen_held
    assign fill_q    = job.fill;
    assign value_q   = job.value;
    assign bytes_q   = job.bytes[ByteBits-1:0];
    assign targets_q = head.targets[Tiles-1:0];
  end else begin : gen_hold
    always_ff @(posedge clk_i) begin
      if (start_i) begin
        fill_q    <= job.fill;
        value_q   <= job.value;
        bytes_q   <= job.bytes[ByteBits-1:0];
        targets_q <= head.targets[Tiles-1:0];
      end
    end
  end

endmodule
