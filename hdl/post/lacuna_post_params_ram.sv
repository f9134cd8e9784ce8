// lacuna_post_params for words of four bytes and a serial post unit, in block RAM.
//
// Every word is written to two memories: one is read for the bias and the shift of a column, the
// other for the halves of the multipliers. The constants of `post` lie in the first bank. Only the
// pair's bias, which is wanted whole, is a register.
//
// Contract:   as lacuna_post_params; `step_i[k]` marks cycle k of a column, 0 to 8, and `entry_i`
//             is that of cycle 0. `bias_o` is there in cycle 1, `shift_o` in cycle 2, `factor_o`,
//             as lacuna_multiply_serial wants it, in cycles 5 to 8. `bias_o` means nothing while
//             `pair_i`. `max_i`: no constants are read, tap a passes unchanged.
// Throughput: one column in 4 cycles.
module lacuna_post_params_ram (
  input  logic        clk_i,
  input  logic        start_i,
  input  logic        run_i,
  input  logic        pair_i,
  input  logic        max_i,

  input  logic        param_valid_i,
  input  logic        param_columns_i,
  input  logic [3:0]  param_index_i,
  input  logic        param_bank_i,
  input  logic [31:0] param_data_i,

  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [8:0]  step_i,
  /* verilator lint_on UNUSEDSIGNAL */
  // Bank, then group.
  input  logic [2:0]  entry_i,
  output logic [31:0] bias_o,
  output logic [5:0]  shift_o,
  output logic [15:0] factor_o,

  output logic [47:0] pair_bias_o
);

  // Words of PostConstants; the shift is byte ConstantShift of the last.
  localparam logic [3:0] WordMa        = 4'd0;
  localparam logic [3:0] WordMb        = 4'd1;
  localparam logic [3:0] WordBias      = 4'd2;
  localparam logic [3:0] WordShift     = 4'd3;
  localparam logic [1:0] ConstantShift = 2'd2;
  // The shifts of a block.
  localparam logic [3:0] WordShifts    = 4'd8;
  // Multiply tap a by 2^17, and shift it back; taps are bytes plus 128.
  localparam int unsigned MaxShift     = 17;
  localparam logic [47:0] MaxBias      = -(48'd128 << MaxShift);

  // From the cycle after `start_i` on, when nothing is read yet.
  logic run_q, pair_q, max_q;

  always_ff @(posedge clk_i) begin
    run_q  <= run_i;
    pair_q <= pair_i;
    max_q  <= max_i;
  end

  // The entry as long as it is wanted.
  logic [2:0] entry_1_q, entry_4_q;

  always_ff @(posedge clk_i) begin
    if (step_i[0]) entry_1_q <= entry_i;
    if (step_i[3]) entry_4_q <= entry_1_q;
  end

  logic [4:0]  wr_addr, bias_addr, multiplier_addr;
  logic [31:0] bias, multiplier;
  logic [1:0]  shift_byte;
  logic        second, upper;

  assign wr_addr = {param_bank_i && param_columns_i, param_index_i};

  always_comb begin
    bias_addr = run_q ? {entry_1_q[2], WordShifts} : {1'b0, WordShift};
    if (step_i[0]) bias_addr = run_q ? {entry_i[2], 2'b00, entry_i[1:0]} : {1'b0, WordMb};
  end

  // Beside the reads of cycles 4 to 7.
  assign second          = step_i[5] || step_i[7];
  assign multiplier_addr = run_q ? {entry_4_q[2], 2'b01, entry_4_q[1:0]}
                         : {1'b0, (pair_q && second) ? WordMb : WordMa};

  lacuna_ram_1r1w #(.Words(32), .WordBytes(4)) u_bias (
    .clk_i,
    .rd_en_i  (1'b1),
    .rd_addr_i(bias_addr),
    .rd_data_o(bias),
    .wr_be_i  ({4{param_valid_i}}),
    .wr_addr_i(wr_addr),
    .wr_data_i(param_data_i)
  );

  lacuna_ram_1r1w #(.Words(32), .WordBytes(4)) u_multiplier (
    .clk_i,
    .rd_en_i  (1'b1),
    .rd_addr_i(multiplier_addr),
    .rd_data_o(multiplier),
    .wr_be_i  ({4{param_valid_i}}),
    .wr_addr_i(wr_addr),
    .wr_data_i(param_data_i)
  );

  assign shift_byte = run_q ? entry_1_q[1:0] : ConstantShift;
  assign shift_o    = max_q ? 6'(MaxShift) : bias[8*shift_byte +: 6];
  assign bias_o     = bias;

  // Halves: low, high, low, high; of a pair low, low, high, high.
  assign upper = pair_q ? step_i[7] || step_i[8] : step_i[6] || step_i[8];

  always_comb begin
    factor_o = upper ? multiplier[31:16] : multiplier[15:0];
    if (max_q) factor_o = step_i[7] ? 16'(1 << (MaxShift - 16)) : '0;
  end

  logic [47:0] pair_bias_q;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      pair_bias_q <= max_i ? MaxBias : '0;
    end else if (param_valid_i && pair_q) begin
      if (param_index_i == WordBias)  pair_bias_q[31:0]  <= param_data_i;
      if (param_index_i == WordShift) pair_bias_q[47:32] <= param_data_i[15:0];
    end
  end

  assign pair_bias_o = pair_bias_q;

endmodule
