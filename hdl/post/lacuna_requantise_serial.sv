// lacuna_requantise with one multiplier: a value in four cycles.
//
// Contract:   as lacuna_requantise, but `step_i[k]` marks cycle k of a value, 0 to 8, and the next
//             value's cycle 0 is this one's 4 or later. `sum_i` and `bias_i` are those of cycle 0,
//             `shift_i` of cycle 1, and `factor_i` in cycles 4 to 7 as lacuna_multiply_serial has
//             them in 0 to 3. `rule_i` and `pair_i` are held from the cycle before cycle 0 on.
// Throughput: one value in 4 cycles.
// Latency:    14 cycles.
module lacuna_requantise_serial (
  input  logic        clk_i,

  input  logic        rule_i,
  input  logic        pair_i,
  input  logic [47:0] pair_bias_i,
  input  logic [7:0]  zero_i,
  input  logic [7:0]  clamp_lo_i,
  input  logic [7:0]  clamp_hi_i,

  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [8:0]  step_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic [31:0] sum_i,
  input  logic [31:0] bias_i,
  input  logic [5:0]  shift_i,
  input  logic [15:0] factor_i,

  output logic [7:0]  value_o
);

  // The instruction stands long before a value comes: its fields are not decoded in a value's way.
  logic rule_b_q, pair_q;

  always_ff @(posedge clk_i) begin
    rule_b_q <= !pair_i && (rule_i == lacuna_spec_pkg::RuleB);
    pair_q   <= pair_i;
  end

  logic [31:0] acc_q;
  logic [4:0]  left, right, right_1_q, right_2_q;

  assign left = (pair_q || shift_i[5]) ? '0 : shift_i[4:0];

  always_comb begin
    right = shift_i[5] ? ~shift_i[4:0] + 5'd1 : 5'd0;
    if (pair_q) right = shift_i[4:0] ^ 5'h10;
  end

  always_ff @(posedge clk_i) begin
    if (step_i[0]) acc_q <= pair_q ? sum_i : sum_i + bias_i;
    if (step_i[1]) right_1_q <= right;
    if (step_i[3]) right_2_q <= right_1_q;
  end

  // From cycle 4 on.
  logic [31:0] magnitude;
  logic        carry, sign, lost;
  logic [4:0]  zeros;

  lacuna_normalise u_normalise (
    .clk_i,
    .step_i     ({step_i[3], 2'b11}),
    .rule_i     (rule_b_q),
    .acc_i      (acc_q),
    .left_i     (left),
    .magnitude_o(magnitude),
    .carry_o    (carry),
    .sign_o     (sign),
    .lost_o     (lost),
    .zeros_o    (zeros)
  );

  // The mantissa of rule B's f32, with its hidden one; the upper half of the multiplier comes last.
  logic        upper;
  logic [15:0] factor;

  assign upper  = step_i[5] || step_i[7];
  assign factor = (rule_b_q && upper) ? {8'b0, 1'b1, factor_i[6:0]} : factor_i;

  logic [62:16] product;
  logic [31:0]  total;
  logic         low;

  lacuna_multiply_serial u_multiply (
    .clk_i,
    .pair_i   (pair_q),
    .bias_i   (pair_bias_i),
    .step_i   (step_i[8:4]),
    .a_i      (magnitude),
    .factor_i (factor),
    .product_o(product),
    .total_o  (total),
    .low_o    (low)
  );

  // As in lacuna_requantise; the exponent is there in cycle 7.
  logic signed [9:0] exact;
  logic [4:0]        shift_d, shift_q;
  logic              vanish_d, vanish_q, sign_q, lost_q;

  always_comb begin
    exact    = 10'sd118 - $signed({2'b0, factor_i[14:7]}) + $signed({5'b0, zeros})
             + $signed({9'b0, !carry});
    shift_d  = right_2_q;
    vanish_d = 1'b0;
    if (rule_b_q) begin
      shift_d  = exact[9] ? '0 : exact[4:0];
      vanish_d = !exact[9] && (exact[8:5] != '0);
    end
  end

  always_ff @(posedge clk_i) begin
    if (step_i[7]) begin
      shift_q  <= shift_d;
      vanish_q <= vanish_d;
      sign_q   <= sign;
      lost_q   <= lost && factor_i[14];
    end
  end

  lacuna_round u_round (
    .clk_i,
    .step_i   ('1),
    .rule_i,
    .pair_i   (pair_q),
    .zero_i,
    .clamp_lo_i,
    .clamp_hi_i,
    .product_i(product),
    .total_i  (total),
    .low_i    (low),
    .sign_i   (sign_q),
    .lost_i   (lost_q),
    .vanish_i (vanish_q),
    .right_i  (shift_q),
    .value_o
  );

endmodule
