// Feeder: reads the windows of `run` and `post` and hands over row words, taps and parameters.
//
// A *slot* is issued a cycle: a parameter word, a window, or a flush of what a vector's last window
// left over. Its control travels beside the tile memory's two read cycles. lacuna_row_words packs
// the windows of a vector into row words.
//
// Contract:   the read port is granted at once. A `run` window or flush is issued only if `room_i`,
//             the first one of a vector only if fewer than lacuna_pkg::vectors_in_flight are fed
//             and not taken. The parameters of a block wait for a free bank. The last tap of a word
//             is issued Columns / ReduceColumns cycles after the one before it, or later, and none
//             while `give_way_i`; `tap_index_o` comes a cycle before its tap. Weights of
//             `depthwise` precede the other parameters, those of `product` a tap. Where the post
//             unit is serial (lacuna_pkg::group_cycles above 1), every tap keeps its distance:
//             Columns cycles, after the last tap of a word Columns * group_cycles; and `tap_data_o`
//             holds until the next slot. With Monitor, an output row of a monitored `run` is
//             measured before its first window: all its windows, each twice; then nothing is issued
//             until `decided_i`, from the cycle after which `gated_i` and `second_i` hold for the
//             row of `row_o`. Later blocks of a job are not measured again. With DigitBits of 8
//             (lacuna_pkg::double_feed), where two windows lie side by side in tile memory and are
//             a row word each, both are read at once (`rd_double_o`) and handed over at once
//             (`word_double_o`).
// Throughput: one window a cycle, or two.
// Latency:    start to first slot 1 cycle; slot to output 3 cycles.
module lacuna_feeder #(
  parameter  int unsigned Lanes         = 8,
  parameter  int unsigned Pages         = 512,
  parameter  int unsigned DigitBits     = 4,
  parameter  int unsigned TileWords     = 2048,
  parameter  int unsigned ReduceColumns = 4,
  parameter  int unsigned Slack         = 1,
  parameter  int unsigned DepthwiseTaps = 16,
  parameter  bit          Monitor       = 1'b0,
  localparam int unsigned WordBytes     = 2 * Lanes,
  localparam int unsigned OffWidth      = $clog2(WordBytes),
  localparam int unsigned AddrWidth     = $clog2(TileWords * WordBytes),
  localparam int unsigned PageWidth     = $clog2(Pages),
  localparam int unsigned MostVectors   = lacuna_pkg::vectors_in_flight(Slack),
  localparam int unsigned TagBits       = lacuna_pkg::tag_bits(Slack),
  localparam int unsigned IndexWidth    = (DepthwiseTaps > 16) ? $clog2(DepthwiseTaps) : 4,
  localparam int unsigned RowWidth      = $clog2(lacuna_spec_pkg::MonitorRows)
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  // The instruction is held from `start_i` to the end of the job.
  input  logic                   start_i,
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [511:0]           instr_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic [AddrWidth-1:0]   input_offset_i,  // held likewise
  // Array and post unit have come to the job. Before, only parameters of columns are read.
  input  logic                   served_i,
  // No job, or every slot of it is handed over before another one starts.
  output logic                   idle_o,

  output logic                   rd_req_o,
  output logic [AddrWidth-1:0]   rd_addr_o,
  output logic [OffWidth-1:0]    rd_position_o,
  output logic                   rd_double_o,
  // Two cycles after `rd_req_o`.
  input  logic [WordBytes*8-1:0] rd_data_i,
  input  logic [WordBytes*8-1:0] rd_next_i,

  // Every lane's queue has room for FeedLatency entries.
  input  logic                   room_i,
  // The reduction takes a vector.
  input  logic                   taken_i,
  // The reshape engine was refused the read port in the cycle before.
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic                   give_way_i,
  /* verilator lint_on UNUSEDSIGNAL */
  // Row i is bits 9*i of the data, two's complement; rows from the count on mean nothing.
  output logic                   word_valid_o,
  output logic [WordBytes*9-1:0] word_data_o,
  // The row word after it comes too, in `word_next_o`; both are whole.
  output logic                   word_double_o,
  output logic [WordBytes*9-1:0] word_next_o,
  output logic [OffWidth:0]      word_count_o,
  output logic [PageWidth-1:0]   word_page_o,
  output logic [TagBits-1:0]     word_tag_o,
  output logic                   word_last_o,
  output logic                   word_gated_o,

  // A window that is measured, in `word_data_o` and `word_count_o`; less the second gate value.
  output logic                   probe_valid_o,
  output logic                   probe_second_o,
  output logic                   probe_last_o,
  // What the monitor decides for an output row, modulo MonitorRows, the first is 1.
  output logic [RowWidth-1:0]    row_o,
  input  logic                   decided_i,
  input  logic                   gated_i,
  input  logic                   second_i,

  output logic                   tap_valid_o,
  // As `word_data_o`; of `depthwise` alone the gate value is subtracted.
  output logic [WordBytes*9-1:0] tap_data_o,
  // Of the tap of the next cycle, if there is one.
  output logic [IndexWidth-1:0]  tap_index_o,
  output logic                   tap_pad_o,
  output logic                   tap_first_o,
  output logic                   tap_last_o,

  // Post has finished with a block's parameters.
  input  logic                   block_done_i,
  output logic                   param_valid_o,
  // Weights of tap `param_index_o`.
  output logic                   param_weights_o,
  output logic                   param_signs_o,
  // Of columns, else constants.
  output logic                   param_columns_o,
  output logic [IndexWidth-1:0]  param_index_o,
  output logic                   param_bank_o,
  output logic [WordBytes*8-1:0] param_data_o
);

  // Cycles that the post unit takes for a word.
  localparam int unsigned Groups        = WordBytes / ReduceColumns;
  localparam int unsigned GroupCycles   = lacuna_pkg::group_cycles(Lanes);
  localparam bit          SerialPost    = GroupCycles > 1;
  localparam int unsigned GapWidth      = lacuna_pkg::index_width(Groups * GroupCycles);
  localparam int unsigned FlightWidth   = $clog2(MostVectors + 1);
  localparam bit          Double        = lacuna_pkg::double_feed(DigitBits, Lanes);

  // The highest bit is not needed unless there is a monitor.
  localparam logic [2:0] Idle    = 3'd0;
  localparam logic [2:0] Params  = 3'd1;
  localparam logic [2:0] Windows = 3'd2;
  localparam logic [2:0] Flush   = 3'd3;
  localparam logic [2:0] Probe   = 3'd4;
  localparam logic [2:0] Settle  = 3'd5;

  // The instruction's parts.
  /* verilator lint_off UNUSEDSIGNAL */
  lacuna_spec_pkg::head_t      head;
  lacuna_spec_pkg::walk_t      walk;
  lacuna_spec_pkg::run_tail_t  run_tail;
  lacuna_spec_pkg::post_tail_t post_tail;
  /* verilator lint_on UNUSEDSIGNAL */
  logic                        run, depthwise, product, wide, columns, has_params, monitored;

  assign head       = instr_i[127:0];
  assign walk       = instr_i[383:128];
  assign run_tail   = instr_i[511:384];
  assign post_tail  = instr_i[511:384];
  assign run        = head.opcode[0] == lacuna_spec_pkg::OpRun[0];
  assign depthwise  = !run && (DepthwiseTaps != 0)
                   && (post_tail.op == lacuna_spec_pkg::PostDepthwise);
  assign product    = depthwise && post_tail.product;
  assign wide       = depthwise && post_tail.wide;
  assign monitored  = Monitor && run && (run_tail.threshold != '0);
  assign columns    = run || depthwise;
  assign has_params = run || (post_tail.op != lacuna_spec_pkg::PostMax);

  // Windows come two at a time: whole words, at addresses of words, an even number of them in line.
  logic                double, apart;
  logic [OffWidth-1:0] places;

  assign places = walk.start[OffWidth-1:0] | walk.step_kx[OffWidth-1:0]
                | walk.step_ky[OffWidth-1:0] | walk.step_ox[OffWidth-1:0]
                | walk.step_oy[OffWidth-1:0]
                | (head.from_input ? input_offset_i[OffWidth-1:0] : '0);
  assign apart  = walk.segments[0] || (walk.tail != 5'(WordBytes)) || (places != '0);
  assign double = Double && run && !monitored && !apart;

  // The window that is next.
  logic                 issue_probe;
  logic [AddrWidth-1:0] window_addr;
  logic                 pad, first, last, row_end, block_end, job_end, next_window;
  logic [OffWidth:0]    bytes;
  logic [IndexWidth:0]  tap;

  lacuna_walker #(
    .Lanes(Lanes), .TileWords(TileWords), .BlocksMove(DepthwiseTaps != 0), .Double(Double),
    .Skip(DepthwiseTaps != 0), .TapWidth(IndexWidth + 1)
  ) u_walker (
    .clk_i,
    .walk_i(walk), .run_i(run), .double_i(double), .blocks_move_i(depthwise),
    .offset_i(head.from_input ? input_offset_i : '0),
    .load_i(start_i), .advance_i(next_window), .again_i(issue_probe),
    .addr_o(window_addr), .pad_o(pad), .bytes_o(bytes), .tap_o(tap), .first_o(first), .last_o(last),
    .row_end_o(row_end), .block_end_o(block_end), .job_end_o(job_end)
  );

  // Issue.
  logic [2:0]            state_q, row_start;
  logic [FlightWidth-1:0] in_flight_q; // vectors fed and not taken
  logic [GapWidth-1:0]   gap_q;        // cycles until a (last) tap may be issued
  logic                  probe_second_q;
  // `product`: the next window is a tap, and whether the one before it was the word's first.
  logic                  tap_next_q, first_q;
  logic                  operand;

  logic issue_param, issue_window, issue_flush, param_end, part_end;
  logic word_full, left_over, word_out, vector_end;
  logic [OffWidth-1:0] fill;
  logic [OffWidth:0]   count;

  logic [AddrWidth-1:0] param_addr;

  lacuna_param_reader #(
    .Lanes(Lanes), .TileWords(TileWords), .IndexWidth(IndexWidth)
  ) u_params (
    .clk_i, .rst_ni,
    .start_i, .run_i(run), .depthwise_i(depthwise), .wide_i(wide), .monitored_i(monitored),
    .addr_i(post_tail.params[AddrWidth-1:0]), .taps_i(post_tail.taps), .block_done_i,
    .read_i((state_q == Params) && (columns || served_i)), .issue_o(issue_param),
    .part_end_o(part_end), .end_o(param_end), .addr_o(param_addr)
  );

  assign issue_window = (state_q == Windows) && served_i
                     && (run ? room_i && (!first || in_flight_q != FlightWidth'(MostVectors))
                             : SerialPost ? gap_q == '0
                             : !give_way_i && (!last || (gap_q == '0)));
  assign issue_flush  = (state_q == Flush) && room_i;
  assign operand      = issue_window && product && !tap_next_q;
  assign issue_probe  = Monitor && (state_q == Probe) && served_i;

  lacuna_row_words #(.Lanes(Lanes)) u_row_words (
    .clk_i, .start_i,
    .window_i(issue_window && run), .flush_i(issue_flush), .double_i(double),
    .bytes_i(bytes), .last_i(last),
    .fill_o(fill), .position_o(rd_position_o), .count_o(count), .full_o(word_full),
    .left_over_o(left_over), .word_o(word_out), .vector_end_o(vector_end)
  );

  assign next_window = run ? issue_flush || (issue_window && !(last && left_over))
                             || (issue_probe && probe_second_q)
                           : issue_window;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Idle;
    end else if (start_i) begin
      state_q <= has_params ? Params : Windows;
    end else if (issue_param) begin
      if (param_end) state_q <= row_start;
    end else if (issue_probe) begin
      if (probe_second_q && row_end) state_q <= Settle;
    end else if (Monitor && (state_q == Settle)) begin
      if (decided_i) state_q <= Windows;
    end else if (issue_window && run && last && left_over) begin
      state_q <= Flush;
    end else if (next_window) begin
      state_q <= job_end ? Idle : block_end ? Params : row_end ? row_start : Windows;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) in_flight_q <= '0;
    else in_flight_q <= in_flight_q + FlightWidth'(run && issue_window && first)
                                    - FlightWidth'(taken_i);
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      gap_q          <= '0;
      probe_second_q <= 1'b0;
    end else begin
      if (issue_window && last) gap_q <= GapWidth'(Groups * GroupCycles - 1);
      else if (SerialPost && issue_window) gap_q <= GapWidth'(Groups - 1);
      else if (gap_q != '0) gap_q <= gap_q - GapWidth'(1);

      probe_second_q <= issue_probe && !probe_second_q;
    end
  end

  if (DepthwiseTaps != 0) begin : gen_product
    always_ff @(posedge clk_i) begin
      if (start_i) tap_next_q <= 1'b0;
      else if (issue_window) tap_next_q <= product && !tap_next_q;
      if (issue_window) first_q <= first;
    end
  end else begin : gen_no_product
    assign {tap_next_q, first_q} = '0;
  end

  // The output row: its windows are measured once, while the first block is fed.
  if (Monitor) begin : gen_row
    logic [RowWidth-1:0] row_q;
    logic                first_block_q;

    always_ff @(posedge clk_i) begin
      if (start_i || (vector_end && block_end)) row_q <= RowWidth'(1);
      else if (vector_end && row_end) row_q <= row_q + RowWidth'(1);
      if (start_i) first_block_q <= 1'b1;
      else if (vector_end && block_end) first_block_q <= 1'b0;
    end

    assign row_o     = row_q;
    assign row_start = (monitored && first_block_q) ? Probe : Windows;
  end else begin : gen_no_row
    assign row_o     = '0;
    assign row_start = Windows;
  end

  assign rd_req_o      = issue_param || ((issue_window || issue_probe) && !pad);
  assign rd_addr_o     = (state_q == Params) ? param_addr : window_addr;
  assign rd_double_o   = double && (state_q == Windows);

  // The slot that is issued.
  logic [3:0] kind;  // probe, parameter, tap, word
  logic       slot_last;

  assign kind = {issue_probe, issue_param || operand, issue_window && !run && !operand, word_out};

  always_comb begin
    slot_last = run ? vector_end : last;
    if (issue_param) slot_last = part_end;
    if (issue_probe) slot_last = probe_second_q && row_end;
  end

  logic slot_last_out;

  lacuna_slots #(
    .Lanes(Lanes), .Pages(Pages), .IndexWidth(IndexWidth), .TagBits(TagBits), .Monitor(Monitor),
    .Double(Double)
  ) u_slots (
    .clk_i, .rst_ni,
    .start_i, .columns_i(columns), .depthwise_i(depthwise), .wide_i(wide), .double_i(double),
    .pad_byte_i(walk.pad),
    .operand_index_i(IndexWidth'(post_tail.taps - 7'd1)),
    .gate_i(post_tail.gate), .second_gate_i(run_tail.second),
    .page_i(run_tail.page[PageWidth-1:0]), .vector_pages_i(run_tail.vector_pages[PageWidth-1:0]),
    .kind_i(kind), .keep_i(issue_window && run), .pad_i((issue_window || issue_probe) && pad),
    .flush_i(issue_flush), .full_i(word_full), .first_i(product ? first_q : first),
    .last_i(slot_last), .operand_i(operand), .block_end_i(block_end),
    .tap_i(product ? tap[IndexWidth:1] : tap[IndexWidth-1:0]), .gated_i,
    .second_i(issue_probe ? probe_second_q : Monitor && second_i),
    .position_i(fill), .count_i(count), .window_i(rd_data_i),
    .next_window_i(rd_next_i),
    .kind_o({probe_valid_o, param_valid_o, tap_valid_o, word_valid_o}),
    .data_o(word_data_o), .double_o(word_double_o), .next_o(word_next_o), .raw_o(param_data_o),
    .count_o(word_count_o),
    .tap_o(tap_index_o), .pad_o(tap_pad_o), .first_o(tap_first_o), .last_o(slot_last_out),
    .gated_o(word_gated_o), .second_o(probe_second_o), .page_o(word_page_o), .tag_o(word_tag_o),
    .weights_o(param_weights_o), .signs_o(param_signs_o), .index_o(param_index_o),
    .bank_o(param_bank_o)
  );

  logic rested_q;

  always_ff @(posedge clk_i) rested_q <= state_q == Idle;

  assign idle_o          = rested_q && (state_q == Idle);
  assign param_columns_o = columns;
  assign word_last_o     = slot_last_out;
  assign probe_last_o    = slot_last_out;
  assign tap_last_o      = slot_last_out;
  assign tap_data_o      = word_data_o;

endmodule
