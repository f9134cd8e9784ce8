// One lane of the post unit: requantises an accumulator by rule A or B, or computes a residual add.
//
// Both rules are a small float pipeline: normalise, multiply, round twice; they equal
// `host/spec/src/numerics.rs`. The residual add `a*ma + b*mb + bias` uses the same four
// multipliers, the same last rounding and the same clamp; its operands are unsigned, a + 128 in
// bits 7:0 and b + 128 in bits 23:16 of the sum, which the bias makes up for.
//
// Contract:   mode inputs are held while anything is under way. `step_i[k]`: a value is in cycle k;
//             a cycle without one stands still. `sum_i`, `bias_i` and `shift_i` are those of cycle
//             0, `multiplier_i` comes 3 cycles later. Rule A: multiplier 0 or in 2^30..2^31-1,
//             shift -31..30. Rule B: a positive normal f32. Pair: bias_i is not looked at,
//             multiplier_i is ma, both multipliers at least 0; shift 17..40.
// Throughput: one value a cycle.
// Latency:    13 cycles.
module lacuna_requantise (
  input  logic        clk_i,
  input  logic [12:0] step_i,

  input  logic        rule_i,
  input  logic        pair_i,
  input  logic [31:0] pair_mb_i,
  input  logic [47:0] pair_bias_i,
  input  logic [7:0]  zero_i,
  input  logic [7:0]  clamp_lo_i,
  input  logic [7:0]  clamp_hi_i,

  input  logic [31:0] sum_i,
  input  logic [31:0] bias_i,
  input  logic [5:0]  shift_i,
  input  logic [31:0] multiplier_i,

  output logic [7:0]  value_o
);

  // Cycles from a sum's multiplier to its product; both sides of the shift wait for it.
  localparam int unsigned ProductDelay = 4;

  logic rule_b;
  assign rule_b = !pair_i && (rule_i == lacuna_spec_pkg::RuleB);

  // Accumulate.
  logic [31:0] acc_q;
  logic [4:0]  left_q, right_d, right_q;

  always_comb begin
    right_d = shift_i[5] ? ~shift_i[4:0] + 5'd1 : 5'd0;
    if (pair_i) right_d = shift_i[4:0] ^ 5'h10;
  end

  always_ff @(posedge clk_i) begin
    if (step_i[0]) begin
      acc_q   <= pair_i ? sum_i : sum_i + bias_i;
      left_q  <= (pair_i || shift_i[5]) ? '0 : shift_i[4:0];
      right_q <= right_d;
    end
  end

  // Normalise; `normal_` is beside the multiplier's operands.
  logic [31:0] magnitude, m_q, n_q;
  logic [7:0]  exponent_q;
  logic        carry, sign, lost;
  logic [4:0]  zeros;
  logic [14:0] right_late_q;

  lacuna_normalise u_normalise (
    .clk_i,
    .step_i     (step_i[3:1]),
    .rule_i     (rule_b),
    .acc_i      (acc_q),
    .left_i     (left_q),
    .magnitude_o(magnitude),
    .carry_o    (carry),
    .sign_o     (sign),
    .lost_o     (lost),
    .zeros_o    (zeros)
  );

  logic [31:0] operand;
  assign operand = {multiplier_i[31:24] & {8{!rule_b}},
                    multiplier_i[23] || rule_b,
                    multiplier_i[22:0]};

  always_ff @(posedge clk_i) begin
    right_late_q <= {right_late_q[9:0], right_q};
    if (step_i[3]) begin
      m_q        <= operand;
      n_q        <= pair_i ? {pair_mb_i[15:0], pair_mb_i[31:16]} : operand;
      exponent_q <= multiplier_i[30:23];
    end
  end

  logic [62:16] product;
  logic         low;

  lacuna_multiply u_multiply (
    .clk_i,
    .step_i   (step_i[7:4]),
    .pair_i,
    .bias_i   (pair_bias_i),
    .a_i      (magnitude),
    .m_i      (m_q),
    .n_i      (n_q),
    .product_o(product),
    .low_o    (low)
  );

  // Rule B: magnitude * mantissa * 2^-(31 + right), so right = 119 - exponent + zeros - carry.
  // Below 0 the result saturates at 0 already, above 31 it vanishes. What rule A shifted out is
  // lost only if the multiplier is not 0.
  logic signed [9:0] exact;
  logic [4:0]        shift_d;
  logic              vanish_d;
  // One word: a simulator shifts it at once.
  logic [8*ProductDelay-1:0] late_q;

  always_comb begin
    exact    = 10'sd118 - $signed({2'b0, exponent_q}) + $signed({5'b0, zeros})
             + $signed({9'b0, !carry});
    shift_d  = right_late_q[14:10];
    vanish_d = 1'b0;
    if (rule_b) begin
      shift_d  = exact[9] ? '0 : exact[4:0];
      vanish_d = !exact[9] && (exact[8:5] != '0);
    end
  end

  always_ff @(posedge clk_i) begin
    late_q <= {late_q[8*ProductDelay-9:0], lost && m_q[30], sign, vanish_d, shift_d};
  end

  lacuna_round u_round (
    .clk_i,
    .step_i   (step_i[12:8]),
    .rule_i,
    .pair_i,
    .zero_i,
    .clamp_lo_i,
    .clamp_hi_i,
    .product_i(product),
    .total_i  (product[47:16]),
    .low_i    (low),
    .sign_i   (late_q[8*ProductDelay-2]),
    .lost_i   (late_q[8*ProductDelay-1]),
    .vanish_i (late_q[8*ProductDelay-3]),
    .right_i  (late_q[8*ProductDelay-4 -: 5]),
    .value_o
  );

endmodule
