// Post unit: turns the array's sums, or taps, into output words and writes them.
//
// `run`: bias, requantise rule A or B, clamp. `post`: maximum, sum (requantised), residual add or
// depthwise products (summed, then as `run`) of taps. Both pass the same lanes, ReduceColumns
// columns a cycle; the groups of a word are collected and written at once.
// `host/spec/src/numerics.rs` is what the lanes equal.
//
// Contract:   the instruction is held from `start_i` to `done_o`. Groups of a word come in order;
//             last taps are at least Groups cycles apart; taps of a serial unit, and the hold of
//             their data, as lacuna_pool_serial wants them. `block_done_o`: the parameters of a
//             block of `run` or `depthwise` are no longer needed. `done_o`: a read issued in the
//             next cycle sees the last word. `written_o`: words written by the present or last job.
// Throughput: one group in lacuna_pkg::group_cycles.
// Latency:    a word is written 14 cycles after its last group of sums, and Groups + 15 cycles
//             after its last tap, or Groups + 16 where there are multipliers (DepthwiseTaps > 0);
//             where the unit is serial, 15 and 16 + (Groups - 1) * group_cycles.
module lacuna_post #(
  parameter  int unsigned Lanes         = 8,
  parameter  int unsigned ReduceColumns = 4,
  parameter  int unsigned AccBits       = 22,
  parameter  int unsigned TileWords     = 2048,
  parameter  int unsigned DepthwiseTaps = 16,
  parameter  bit          Monitor       = 1'b0,
  localparam int unsigned WordBytes     = 2 * Lanes,
  localparam int unsigned Groups        = WordBytes / ReduceColumns,
  localparam int unsigned GroupWidth    = lacuna_pkg::index_width(Groups),
  localparam int unsigned SumBits       = AccBits + $clog2(Lanes),
  localparam int unsigned AddrBits      = $clog2(TileWords * WordBytes),
  localparam int unsigned ByteBits      = $clog2(WordBytes + 1),
  localparam int unsigned IndexBits     = (DepthwiseTaps > 16) ? $clog2(DepthwiseTaps) : 4,
  localparam int unsigned RowWidth      = $clog2(lacuna_spec_pkg::MonitorRows)
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,

  input  logic                             start_i,
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [511:0]                     instr_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic [AddrBits-1:0]              output_offset_i,

  input  logic                             sum_valid_i,
  input  logic [GroupWidth-1:0]            sum_group_i,
  input  logic [ReduceColumns*SumBits-1:0] sums_i,

  // The output row, modulo MonitorRows, the first is 1; its sums are by the second gate value.
  output logic [RowWidth-1:0]              row_o,
  input  logic                             second_i,

  input  logic                             tap_valid_i,
  // Of `depthwise`: which tap the next cycle's is.
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [IndexBits-1:0]             tap_index_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic [WordBytes*9-1:0]           tap_data_i,
  input  logic                             tap_pad_i,
  input  logic                             tap_first_i,
  input  logic                             tap_last_i,

  input  logic                             param_valid_i,
  input  logic                             param_weights_i,
  // Of weights: their signs, for the multipliers if there are any.
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic                             param_signs_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic                             param_columns_i,
  input  logic [IndexBits-1:0]             param_index_i,
  input  logic                             param_bank_i,
  input  logic [WordBytes*8-1:0]           param_data_i,

  output logic                             wr_en_o,
  output logic [AddrBits-1:0]              wr_addr_o,
  output logic [ByteBits-1:0]              wr_bytes_o,
  output logic [WordBytes*8-1:0]           wr_data_o,

  output logic                             block_done_o,
  output logic                             done_o,
  output logic [23:0]                      written_o
);

  localparam int unsigned MultiplierDelay = 4;  // a cycle for the lanes' input registers included
  localparam int unsigned PoolBits        = ((DepthwiseTaps != 0) ? 17 : 16) + IndexBits;
  localparam bit          Serial          = lacuna_pkg::group_cycles(Lanes) > 1;
  localparam int unsigned LaneLatency     = Serial ? 14 : 13;
  localparam int unsigned EntryBits       = GroupWidth + 1;
  // Makes a byte of a pair unsigned; lacuna_pool_serial has done so.
  localparam logic [7:0]  Flip            = Serial ? 8'h00 : 8'h80;

  // The instruction's parts.
  /* verilator lint_off UNUSEDSIGNAL */
  lacuna_spec_pkg::head_t      head;
  lacuna_spec_pkg::walk_t      walk;
  lacuna_spec_pkg::run_tail_t  run_tail;
  lacuna_spec_pkg::post_tail_t post_tail;
  /* verilator lint_on UNUSEDSIGNAL */
  logic       run, depthwise, by_column, is_max, pair;
  logic [7:0] zero;

  assign head      = instr_i[127:0];
  assign walk      = instr_i[383:128];
  assign run_tail  = instr_i[511:384];
  assign post_tail = instr_i[511:384];

  // What `run` and `post` share is in the same place of both tails. `by_column`: with parameters of
  // each column.
  always_comb begin
    run       = head.opcode[0] == lacuna_spec_pkg::OpRun[0];
    depthwise = !run && (DepthwiseTaps != 0) && (post_tail.op == lacuna_spec_pkg::PostDepthwise);
    by_column = run || depthwise;
    is_max    = !run && (post_tail.op == lacuna_spec_pkg::PostMax);
    pair      = is_max || (!run && (post_tail.op == lacuna_spec_pkg::PostAdd));
    zero      = pair ? '0 : post_tail.zero;
  end

  // Taps.
  logic                              pool_valid;
  logic [GroupWidth-1:0]             pool_group;
  logic [ReduceColumns*PoolBits-1:0] pooled;

  if (Serial) begin : gen_pool_serial
    logic [WordBytes*8-1:0] tap_bytes;
    logic                   unused;

    // No gate value is subtracted without `depthwise`, so that a byte holds all of a tap.
    for (genvar c = 0; c < WordBytes; c++) begin : gen_byte
      assign tap_bytes[8*c +: 8] = tap_data_i[9*c +: 8];
    end
    assign unused = ^tap_data_i;

    lacuna_pool_serial #(.Columns(WordBytes)) u_pool (
      .clk_i,
      .rst_ni,
      .op_i       (post_tail.op),
      .tap_valid_i,
      .tap_data_i (tap_bytes),
      .tap_pad_i,
      .tap_first_i,
      .tap_last_i,
      .valid_o    (pool_valid),
      .group_o    (pool_group),
      .value_o    (pooled)
    );
  end else begin : gen_pool
    lacuna_pool #(
      .Columns(WordBytes), .ReduceColumns(ReduceColumns), .DepthwiseTaps(DepthwiseTaps)
    ) u_pool (
      .clk_i,
      .rst_ni,
      .op_i          (post_tail.op),
      .depthwise_i   (depthwise),
      .weight_valid_i(param_valid_i && param_weights_i),
      .weight_sign_i (param_signs_i),
      .weight_tap_i  (param_index_i),
      .weight_data_i (param_data_i),
      .tap_valid_i,
      .tap_index_i,
      .tap_data_i,
      .tap_pad_i,
      .tap_first_i,
      .tap_last_i,
      .valid_o       (pool_valid),
      .group_o       (pool_group),
      .values_o      (pooled)
    );
  end

  // Which block's parameters: the bank changes after the last group of a block.
  logic [GroupWidth-1:0] group;
  logic                  bank_q, vector_end, last_of_block, block_end;

  assign group      = run ? sum_group_i : pool_group;
  assign vector_end = (run ? sum_valid_i : depthwise && pool_valid)
                   && (group == GroupWidth'(Groups - 1));
  assign block_end  = vector_end && last_of_block;

  always_ff @(posedge clk_i) begin
    if (!rst_ni)        bank_q <= 1'b0;
    else if (block_end) bank_q <= !bank_q;
  end

  // Index k: k cycles after a group came.
  logic [LaneLatency+1:0]   stage;
  logic [LaneLatency:0]     valid_q;
  logic [MultiplierDelay:0] block_end_q;

  assign stage = {valid_q, run ? sum_valid_i : pool_valid};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q     <= '0;
      block_end_q <= '0;
    end else begin
      valid_q     <= stage[LaneLatency:0];
      block_end_q <= {block_end_q[MultiplierDelay-1:0], block_end};
    end
  end

  assign block_done_o = block_end_q[MultiplierDelay];

  // Parameters.
  logic [ReduceColumns*32-1:0] bias;
  logic [ReduceColumns*6-1:0]  shift;
  logic [47:0]                 pair_bias;

  // Lanes.
  logic [ReduceColumns*32-1:0] sums_q;
  logic [ReduceColumns*8-1:0]  values;

  for (genvar l = 0; l < ReduceColumns; l++) begin : gen_lane
    logic [SumBits-1:0]  sum;
    logic [PoolBits-1:0] pool;

    assign sum  = sums_i[SumBits*l +: SumBits];
    assign pool = pooled[PoolBits*l +: PoolBits];

    always_ff @(posedge clk_i) begin
      if (stage[0]) begin
        if (run)       sums_q[32*l +: 32] <= {{(32-SumBits){sum[SumBits-1]}}, sum};
        else if (pair) sums_q[32*l +: 32] <= {8'b0, pool[15:8] ^ Flip, 8'b0, pool[7:0] ^ Flip};
        else           sums_q[32*l +: 32] <= {{(32-PoolBits){pool[PoolBits-1]}}, pool};
      end
    end
  end

  // A serial unit has words of four bytes, of which a column has its own: block RAM holds them.
  if (Serial) begin : gen_serial
    logic [15:0] factor;

    lacuna_post_params_ram u_params (
      .clk_i,
      .start_i,
      .run_i        (by_column),
      .pair_i       (pair),
      .max_i        (is_max),
      .param_valid_i(param_valid_i && !param_weights_i),
      .param_columns_i,
      .param_index_i(param_index_i[3:0]),
      .param_bank_i,
      .param_data_i,
      .step_i       (stage[8:0]),
      .entry_i      ({bank_q, group}),
      .bias_o       (bias),
      .shift_o      (shift),
      .factor_o     (factor),
      .pair_bias_o  (pair_bias)
    );

    if (Monitor) begin : gen_bad_monitor
      $error("lacuna_post: a serial unit has no biases for a second gate value");
    end

    logic unused_second;
    assign unused_second = second_i;

    lacuna_requantise_serial u_requantise (
      .clk_i,
      .rule_i     (post_tail.rule),
      .pair_i     (pair),
      .pair_bias_i(pair_bias),
      .zero_i     (zero),
      .clamp_lo_i (post_tail.clamp_lo),
      .clamp_hi_i (post_tail.clamp_hi),
      .step_i     (stage[9:1]),
      .sum_i      (sums_q),
      .bias_i     (bias),
      .shift_i    (shift),
      .factor_i   (factor),
      .value_o    (values)
    );
  end else begin : gen_parallel
    // A multiplier is there MultiplierDelay cycles after its sum, and read one before.
    logic [(MultiplierDelay-1)*EntryBits-1:0] entry_q;
    logic [ReduceColumns*32-1:0]              multiplier;
    logic [31:0]                              pair_mb;

    always_ff @(posedge clk_i) begin
      entry_q <= {entry_q[(MultiplierDelay-2)*EntryBits-1:0], bank_q, group};
    end

    lacuna_post_params #(
      .Columns(WordBytes), .ReduceColumns(ReduceColumns), .Monitor(Monitor)
    ) u_params (
      .clk_i,
      .rst_ni,
      .start_i,
      .run_i             (by_column),
      .pair_i            (pair),
      .param_valid_i     (param_valid_i && !param_weights_i),
      .param_columns_i,
      .param_index_i     (param_index_i[3:0]),
      .param_bank_i,
      .param_data_i,
      .en_i              (stage[0]),
      .entry_i           ({bank_q, group}),
      .second_i,
      .bias_o            (bias),
      .shift_o           (shift),
      .multiplier_entry_i(entry_q[(MultiplierDelay-1)*EntryBits-1 -: EntryBits]),
      .multiplier_en_i   (stage[MultiplierDelay]),
      .multiplier_o      (multiplier),
      .pair_mb_o         (pair_mb),
      .pair_bias_o       (pair_bias)
    );

    for (genvar l = 0; l < ReduceColumns; l++) begin : gen_lane
      lacuna_requantise u_requantise (
        .clk_i,
        .step_i      (stage[LaneLatency:1]),
        .rule_i      (post_tail.rule),
        .pair_i      (pair),
        .pair_mb_i   (pair_mb),
        .pair_bias_i (pair_bias),
        .zero_i      (zero),
        .clamp_lo_i  (post_tail.clamp_lo),
        .clamp_hi_i  (post_tail.clamp_hi),
        .sum_i       (sums_q[32*l +: 32]),
        .bias_i      (bias[32*l +: 32]),
        .shift_i     (shift[6*l +: 6]),
        .multiplier_i(multiplier[32*l +: 32]),
        .value_o     (values[8*l +: 8])
      );
    end
  end

  // Collect the groups of a word.
  logic [GroupWidth-1:0]                     group_q;
  logic [(WordBytes-ReduceColumns)*8-1:0]    collect_q;
  logic                                      valid;

  assign valid     = stage[LaneLatency+1];
  assign wr_data_o = {values, collect_q};
  assign wr_en_o   = valid && (group_q == GroupWidth'(Groups - 1));

  always_ff @(posedge clk_i) begin
    if (!rst_ni)    group_q <= '0;
    else if (valid) group_q <= wr_en_o ? '0 : group_q + 1'b1;
    if (valid) collect_q <= wr_data_o[WordBytes*8-1:ReduceColumns*8];
  end

  // Where words go. By column: block, row, column; else row, column, segment.
  logic                last_0, last_1, last_2, last;
  logic [ByteBits-1:0] last_bytes;
  logic                done_q;
  logic [AddrBits-1:0] step_y, step_x;

  assign step_y = AddrBits'(unsigned'(post_tail.out_step_y));
  assign step_x = AddrBits'({{8{post_tail.out_step_x[11]}}, post_tail.out_step_x});

  lacuna_post_walk #(.AddrBits(AddrBits)) u_walk (
    .clk_i,
    .start_i,
    .origin_i (AddrBits'(unsigned'(walk.out_start)) + (head.to_output ? output_offset_i : '0)),
    .count_0_i(by_column ? walk.out_w : walk.segments),
    .count_1_i(by_column ? walk.out_h : walk.out_w),
    .count_2_i(by_column ? {3'b0, walk.blocks} : walk.out_h),
    .step_0_i (by_column ? step_x : AddrBits'(WordBytes)),
    .step_1_i (by_column ? step_y : step_x),
    .step_2_i (by_column ? AddrBits'(WordBytes) : step_y),
    .step_i   (wr_en_o),
    .addr_o   (wr_addr_o),
    .last_0_o (last_0),
    .last_1_o (last_1),
    .last_2_o (last_2),
    .last_o   (last)
  );

  if (Serial) begin : gen_written
    // A word is written before the last group of the next one comes: the walk is where that is.
    if (LaneLatency + 2 > Groups * lacuna_pkg::group_cycles(Lanes)) begin : gen_bad_latency
      $error("lacuna_post: a word takes %0d cycles to be written, the next one comes before",
             LaneLatency + 2);
    end

    assign last_of_block = last_0 && last_1;
    assign row_o         = '0;
  end else begin : gen_counted
    logic [9:0] x_q, y_q;
    logic       last_x, last_y, unused;

    assign unused        = last_1;
    assign last_x        = x_q == walk.out_w;
    assign last_y        = y_q == walk.out_h;
    assign last_of_block = last_x && last_y;
    assign row_o         = y_q[RowWidth-1:0];

    always_ff @(posedge clk_i) begin
      if (!rst_ni || start_i) begin
        x_q <= 10'd1;
        y_q <= 10'd1;
      end else if (vector_end) begin
        x_q <= last_x ? 10'd1 : x_q + 1'b1;
        if (last_x) y_q <= last_y ? 10'd1 : y_q + 1'b1;
      end
    end
  end

  assign last_bytes = ByteBits'(run ? run_tail.last_columns : walk.tail);
  assign wr_bytes_o = (by_column ? last_2 : last_0) ? last_bytes : ByteBits'(WordBytes);
  assign done_o     = done_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      done_q    <= 1'b0;
      written_o <= '0;
    end else begin
      done_q <= wr_en_o && last;
      if (start_i)                          written_o <= '0;
      else if (wr_en_o && written_o != '1)  written_o <= written_o + 1'b1;
    end
  end

endmodule
