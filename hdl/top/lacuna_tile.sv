// One tile: memory, feeder, macro and post unit, and the ports of the memory for everyone else.
//
// Contract:   `start_i` comes beside the instruction (`run` or `post`) when the tile is not
//             `occupied_o`: it holds no job, or one whose windows are all issued. The feeder starts
//             one cycle later, and reads parameters of columns beforehand; monitor, macro and post
//             unit begin (`begin_o`) when `turn_i`: the job before is done, and its work need not
//             be held any longer; `waits_o` until then. Windows and what else is read come after
//             that: jobs of a tile may depend on each other. `done_o`: a read granted in the next
//             cycle sees the last word. Offsets are stable during a job. Weights are never refused;
//             other clients keep their request until the grant, which does not depend on it. Read
//             data, one bus for all, comes 2 cycles after the grant.
// Throughput: one read and one write of a word a cycle, shared (at 8-bit digits the feeder reads
//             two); see lacuna_feeder, lacuna_macro and lacuna_post for jobs.
// Latency:    an idle tile begins 2 cycles after `start_i`. Events (`digits_o`, stalls) are one
//             cycle late. `work_o` holds from `done_o` to the cycle of `begin_o`: digits issued by
//             `run`, words written by `post`; so does `decisions_o`, what the monitor decided in a
//             `run`, else 0.
module lacuna_tile #(
  parameter  int unsigned Lanes         = 8,
  parameter  int unsigned Pages         = 512,
  parameter  int unsigned DigitBits     = 4,
  parameter  int unsigned TileWords     = 2048,
  parameter  int unsigned ReduceColumns = 4,
  parameter  int unsigned Slack         = 1,
  parameter  int unsigned AccBits       = 22,
  parameter  int unsigned DepthwiseTaps = 16,
  parameter  bit          Monitor       = 1'b0,
  // Keep copies of the instructions and count work; else `instr_i` is held until `done_o`, before
  // which there is no start, all units begin one cycle after it, and `work_o` is 0.
  parameter  bit          Hold          = 1'b1,
  localparam int unsigned WordBytes     = 2 * Lanes,
  localparam int unsigned AddrBits      = $clog2(TileWords * WordBytes),
  localparam int unsigned ByteBits      = $clog2(WordBytes + 1),
  localparam int unsigned OffWidth      = $clog2(WordBytes),
  localparam int unsigned DigitsBits    = $clog2(Lanes + 1),
  localparam int unsigned WorkBits      = lacuna_spec_pkg::ProfileBits
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,

  input  logic                     start_i,
  input  logic [511:0]             instr_i,
  input  logic [AddrBits-1:0]      input_offset_i,
  input  logic [AddrBits-1:0]      output_offset_i,
  input  logic                     turn_i,
  output logic                     occupied_o,
  output logic                     waits_o,
  output logic                     begin_o,
  output logic                     done_o,
  output logic [WorkBits-1:0]      work_o,
  output logic [WorkBits-1:0]      decisions_o,
  // Work of this cycle, for whoever counts it in place of the tile.
  output logic [DigitsBits-1:0]    worked_o,

  output logic [DigitsBits-1:0]    digits_o,
  output logic                     stall_feed_o,
  output logic                     stall_reduce_o,

  input  logic                     weight_en_i,
  input  logic [$clog2(Lanes)-1:0] weight_lane_i,
  input  logic [$clog2(Pages)-1:0] weight_page_i,
  input  logic [WordBytes*8-1:0]   weight_data_i,

  input  logic                     reshape_req_i,
  output logic                     reshape_gnt_o,
  input  logic [AddrBits-1:0]      reshape_addr_i,
  input  logic [OffWidth-1:0]      reshape_position_i,
  input  logic                     host_rd_req_i,
  output logic                     host_rd_gnt_o,
  input  logic [AddrBits-1:0]      host_rd_addr_i,
  output logic [WordBytes*8-1:0]   rd_data_o,

  input  logic                     route_req_i,
  output logic                     route_gnt_o,
  input  logic [AddrBits-1:0]      route_addr_i,
  input  logic [ByteBits-1:0]      route_bytes_i,
  input  logic [OffWidth-1:0]      route_position_i,
  input  logic [WordBytes*8-1:0]   route_data_i,
  input  logic                     host_wr_req_i,
  output logic                     host_wr_gnt_o,
  input  logic [AddrBits-1:0]      host_wr_addr_i,
  input  logic [ByteBits-1:0]      host_wr_bytes_i,
  input  logic [WordBytes*8-1:0]   host_wr_data_i
);

  localparam int unsigned PageWidth  = $clog2(Pages);
  localparam int unsigned SumBits    = AccBits + $clog2(Lanes);
  localparam int unsigned GroupWidth = lacuna_pkg::index_width(WordBytes / ReduceColumns);
  localparam int unsigned IndexWidth = (DepthwiseTaps > 16) ? $clog2(DepthwiseTaps) : 4;
  localparam int unsigned RowWidth   = $clog2(lacuna_spec_pkg::MonitorRows);
  localparam int unsigned TagBits    = lacuna_pkg::tag_bits(Slack);

  logic         feeder_start, feeder_idle, busy, run;
  logic [511:0] feeder_instr, instr;

  /* verilator lint_off UNUSEDSIGNAL */
  lacuna_spec_pkg::head_t     head;
  lacuna_spec_pkg::run_tail_t run_tail;
  /* verilator lint_on UNUSEDSIGNAL */

  lacuna_handover #(.Hold(Hold)) u_handover (
    .clk_i,
    .rst_ni,
    .start_i,
    .instr_i,
    .turn_i,
    .done_i        (done_o),
    .feeder_start_o(feeder_start),
    .feeder_instr_o(feeder_instr),
    .waits_o,
    .begin_o,
    .instr_o       (instr),
    .busy_o        (busy)
  );

  assign occupied_o = feeder_start || waits_o || !feeder_idle;

  assign head     = instr[127:0];
  assign run_tail = instr[511:384];
  assign run      = head.opcode[0] == lacuna_spec_pkg::OpRun[0];

  // Here and in the units one bit tells the two instructions of a tile apart: a register, where a
  // comparison would stand before everything that depends on it.
  if (lacuna_spec_pkg::OpRun[0] == lacuna_spec_pkg::OpPost[0]) begin : gen_bad_opcodes
    $error("lacuna_tile: run and post share their lowest bit");
  end

  // Memory.
  logic                   feed_rd_req;
  logic [AddrBits-1:0]    feed_rd_addr;
  logic [OffWidth-1:0]    feed_rd_position;
  logic                   feed_rd_double;
  logic [WordBytes*8-1:0] rd_next;
  logic                   post_wr_en;
  logic [AddrBits-1:0]    post_wr_addr;
  logic [ByteBits-1:0]    post_wr_bytes;
  logic [WordBytes*8-1:0] post_wr_data;
  logic                   rd_en, wr_en;
  logic [AddrBits-1:0]    rd_addr, wr_addr;
  logic [OffWidth-1:0]    rd_position, wr_position;
  logic [ByteBits-1:0]    wr_bytes;
  logic [WordBytes*8-1:0] wr_data;

  lacuna_tile_ports #(.Lanes(Lanes), .TileWords(TileWords)) u_ports (
    .feed_rd_req_i     (feed_rd_req),
    .feed_rd_addr_i    (feed_rd_addr),
    .feed_rd_position_i(feed_rd_position),
    .reshape_rd_req_i  (reshape_req_i),
    .reshape_rd_gnt_o  (reshape_gnt_o),
    .reshape_rd_addr_i (reshape_addr_i),
    .reshape_rd_position_i(reshape_position_i),
    .host_rd_req_i,
    .host_rd_gnt_o,
    .host_rd_addr_i,
    .post_wr_req_i     (post_wr_en),
    .post_wr_addr_i    (post_wr_addr),
    .post_wr_bytes_i   (post_wr_bytes),
    .post_wr_data_i    (post_wr_data),
    .route_wr_req_i    (route_req_i),
    .route_wr_gnt_o    (route_gnt_o),
    .route_wr_addr_i   (route_addr_i),
    .route_wr_bytes_i  (route_bytes_i),
    .route_wr_position_i(route_position_i),
    .route_wr_data_i   (route_data_i),
    .host_wr_req_i,
    .host_wr_gnt_o,
    .host_wr_addr_i,
    .host_wr_bytes_i,
    .host_wr_data_i,
    .rd_en_o           (rd_en),
    .rd_addr_o         (rd_addr),
    .rd_position_o     (rd_position),
    .wr_en_o           (wr_en),
    .wr_addr_o         (wr_addr),
    .wr_bytes_o        (wr_bytes),
    .wr_position_o     (wr_position),
    .wr_data_o         (wr_data)
  );

  lacuna_tile_memory #(
    .Lanes(Lanes), .TileWords(TileWords), .Double(lacuna_pkg::double_feed(DigitBits, Lanes))
  ) u_memory (
    .clk_i,
    .rd_en_i      (rd_en),
    .rd_addr_i    (rd_addr),
    .rd_position_i(rd_position),
    .rd_double_i  (feed_rd_double),
    .rd_data_o,
    .rd_next_o    (rd_next),
    .wr_en_i      (wr_en),
    .wr_addr_i    (wr_addr),
    .wr_bytes_i   (wr_bytes),
    .wr_position_i(wr_position),
    .wr_data_i    (wr_data)
  );

  // A depthwise layer would leave the reshape engine nothing to read with.
  logic refused_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) refused_q <= 1'b0;
    else         refused_q <= reshape_req_i && !reshape_gnt_o;
  end

  // Feeder, macro, post.
  logic                             room, vector_taken, word_valid, word_last, word_gated;
  logic                             probe_valid, probe_second, probe_last;
  logic                             decided, gated, second, post_second;
  logic [RowWidth-1:0]              row, post_row;
  logic                             word_double;
  logic [WordBytes*9-1:0]           word_data, word_next;
  logic [OffWidth:0]                word_count;
  logic [PageWidth-1:0]             word_page;
  logic [TagBits-1:0]               word_tag;
  logic                             tap_valid, tap_pad, tap_first, tap_last;
  logic [WordBytes*9-1:0]           tap_data;
  logic [IndexWidth-1:0]            tap_index;
  logic [WordBytes*8-1:0]           param_data;
  logic                             param_valid, param_weights, param_signs, param_columns;
  logic                             param_bank;
  logic                             block_done;
  logic [IndexWidth-1:0]            param_index;
  logic                             sum_valid;
  logic [GroupWidth-1:0]            sum_group;
  logic [ReduceColumns*SumBits-1:0] sums;
  logic                             stall_feed;
  logic [WorkBits-1:0]              written;

  lacuna_feeder #(
    .Lanes(Lanes), .Pages(Pages), .DigitBits(DigitBits), .TileWords(TileWords),
    .ReduceColumns(ReduceColumns), .Slack(Slack), .DepthwiseTaps(DepthwiseTaps),
    .Monitor(Monitor)
  ) u_feeder (
    .clk_i,
    .rst_ni,
    .start_i        (feeder_start),
    .instr_i        (feeder_instr),
    .served_i       (!waits_o),
    .idle_o         (feeder_idle),
    .input_offset_i,
    .rd_req_o       (feed_rd_req),
    .rd_addr_o      (feed_rd_addr),
    .rd_position_o  (feed_rd_position),
    .rd_double_o    (feed_rd_double),
    .rd_data_i      (rd_data_o),
    .rd_next_i      (rd_next),
    .room_i         (room),
    .taken_i        (vector_taken),
    .give_way_i     (refused_q),
    .word_valid_o   (word_valid),
    .word_data_o    (word_data),
    .word_double_o  (word_double),
    .word_next_o    (word_next),
    .word_count_o   (word_count),
    .word_page_o    (word_page),
    .word_tag_o     (word_tag),
    .word_last_o    (word_last),
    .word_gated_o   (word_gated),
    .probe_valid_o  (probe_valid),
    .probe_second_o (probe_second),
    .probe_last_o   (probe_last),
    .row_o          (row),
    .decided_i      (decided),
    .gated_i        (gated),
    .second_i       (second),
    .tap_valid_o    (tap_valid),
    .tap_data_o     (tap_data),
    .tap_index_o    (tap_index),
    .tap_pad_o      (tap_pad),
    .tap_first_o    (tap_first),
    .tap_last_o     (tap_last),
    .block_done_i   (block_done),
    .param_valid_o  (param_valid),
    .param_weights_o(param_weights),
    .param_signs_o  (param_signs),
    .param_columns_o(param_columns),
    .param_index_o  (param_index),
    .param_bank_o   (param_bank),
    .param_data_o   (param_data)
  );

  if (Monitor) begin : gen_monitor
    lacuna_monitor #(.Lanes(Lanes), .DigitBits(DigitBits)) u_monitor (
      .clk_i,
      .rst_ni,
      .start_i       (begin_o),
      .on_i          (run && (run_tail.threshold != '0)),
      .threshold_i   (run_tail.threshold),
      .hysteresis_i  (run_tail.hysteresis),
      .probe_valid_i (probe_valid),
      .probe_data_i  (word_data),
      .probe_count_i (word_count),
      .probe_second_i(probe_second),
      .probe_last_i  (probe_last),
      .decided_o     (decided),
      .row_i         (row),
      .gated_o       (gated),
      .second_o      (second),
      .post_row_i    (post_row),
      .post_second_o (post_second),
      .counts_o      (decisions_o)
    );
  end else begin : gen_no_monitor
    logic unused;
    assign unused      = ^{probe_valid, probe_second, probe_last, row, post_row};
    assign decided     = 1'b0;
    assign gated       = 1'b1;
    assign second      = 1'b0;
    assign post_second = 1'b0;
    assign decisions_o = '0;
  end

  lacuna_macro #(
    .Lanes(Lanes), .Pages(Pages), .DigitBits(DigitBits), .ReduceColumns(ReduceColumns),
    .Slack(Slack), .AccBits(AccBits), .Monitor(Monitor)
  ) u_macro (
    .clk_i,
    .rst_ni,
    .start_i       (begin_o),
    .gating_i      (run_tail.gating),
    .weight_we_i   (weight_en_i),
    .weight_lane_i,
    .weight_page_i,
    .weight_data_i,
    .room_o        (room),
    .word_valid_i  (word_valid),
    .word_data_i   (word_data),
    .word_double_i (word_double),
    .word_next_i   (word_next),
    .word_count_i  (word_count),
    .word_page_i   (word_page),
    .word_tag_i    (word_tag),
    .word_last_i   (word_last),
    .word_gated_i  (word_gated),
    .taken_o       (vector_taken),
    .sum_valid_o   (sum_valid),
    .sum_group_o   (sum_group),
    .sums_o        (sums),
    .digits_o,
    .stall_feed_o  (stall_feed),
    .stall_reduce_o
  );

  lacuna_post #(
    .Lanes(Lanes), .ReduceColumns(ReduceColumns), .AccBits(AccBits), .TileWords(TileWords),
    .DepthwiseTaps(DepthwiseTaps), .Monitor(Monitor)
  ) u_post (
    .clk_i,
    .rst_ni,
    .start_i        (begin_o),
    .instr_i        (instr),
    .output_offset_i,
    .sum_valid_i    (sum_valid),
    .sum_group_i    (sum_group),
    .sums_i         (sums),
    .row_o          (post_row),
    .second_i       (post_second),
    .tap_valid_i    (tap_valid),
    .tap_data_i     (tap_data),
    .tap_index_i    (tap_index),
    .tap_pad_i      (tap_pad),
    .tap_first_i    (tap_first),
    .tap_last_i     (tap_last),
    .param_valid_i  (param_valid),
    .param_weights_i(param_weights),
    .param_signs_i  (param_signs),
    .param_columns_i(param_columns),
    .param_index_i  (param_index),
    .param_bank_i   (param_bank),
    .param_data_i   (param_data),
    .wr_en_o        (post_wr_en),
    .wr_addr_o      (post_wr_addr),
    .wr_bytes_o     (post_wr_bytes),
    .wr_data_o      (post_wr_data),
    .block_done_o   (block_done),
    .done_o,
    .written_o      (written)
  );

  if (Hold) begin : gen_work
    logic                runs_q;  // in the cycle of `begin_o` still of the job before
    logic [WorkBits-1:0] issued_q;
    logic [WorkBits:0]   issued;

    assign issued = {1'b0, issued_q} + (WorkBits + 1)'(digits_o);

    always_ff @(posedge clk_i) begin
      if (begin_o) runs_q <= run;
      if (begin_o) issued_q <= '0;
      else issued_q <= issued[WorkBits] ? '1 : issued[WorkBits-1:0];
    end

    assign work_o = runs_q ? issued_q : written;
  end else begin : gen_no_work
    logic unused;
    assign unused = ^written;
    assign work_o = '0;
  end

  // Events. An array that runs no job does not wait for its feeder.
  assign worked_o     = run ? digits_o : DigitsBits'(post_wr_en);
  assign stall_feed_o = stall_feed && busy && run;

endmodule
