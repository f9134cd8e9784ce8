// lacuna_multiply on one 16x16 multiplier, half by half.
//
// Contract:   `step_i[k]` marks cycle k of a product, 0 to 4; the first four belong to it alone.
//             `a_i` is held in cycles 0 to 3, when `factor_i` are the halves of the multipliers.
//             Plain: low, high, low, high of m; product = a * m. Pair: low of m, low of n, high of
//             m, high of n; product = a[7:0] * m + a[23:16] * n + bias, modulo 2^48, is `total_o`
//             from bit 16 on, with the bias 0 unless `pair_i`. Multipliers are below 2^31.
//             `product_o` is the plain one. `low_o`: some of the low 16 bits are set.
// Throughput: one product in 4 cycles.
// Latency:    outputs are those of cycle 5, and hold for that one.
module lacuna_multiply_serial (
  input  logic        clk_i,
  input  logic        pair_i,
  input  logic [47:0] bias_i,

  input  logic [4:0]  step_i,
  input  logic [31:0] a_i,
  input  logic [15:0] factor_i,

  output logic [62:16] product_o,
  output logic [31:0]  total_o,
  output logic         low_o
);

  // Each step adds the product of two halves to the sum so far, first moved down by 16 bits where
  // the halves weigh more.
  logic        down, high_a, carry;
  logic [31:0] sum, add, total_q;
  logic [15:0] middle_q;
  logic        low_q, unused;

  assign down   = pair_i ? step_i[2] : step_i[1] || step_i[3];
  assign high_a = pair_i ? step_i[1] || step_i[3] : step_i[2] || step_i[3];

  always_comb begin
    add = sum;
    if (down) add = {15'b0, carry, sum[31:16]};
    if (step_i[0]) add = {16'b0, bias_i[15:0]};
  end

  lacuna_mac u_mac (
    .clk_i,
    .add_i  (add),
    .a_i    (high_a ? a_i[31:16] : a_i[15:0]),
    .b_i    (factor_i),
    .sum_o  (sum),
    .carry_o(carry)
  );

  // Bits that the next step moves out: the low ones are looked at and dropped, the middle kept.
  always_ff @(posedge clk_i) begin
    if (pair_i ? step_i[2] : step_i[1]) low_q <= sum[15:0] != '0;
    if (step_i[3]) middle_q <= sum[15:0];
    if (step_i[4]) total_q <= sum + bias_i[47:16];
  end

  assign unused    = total_q[31];
  assign total_o   = total_q;
  assign product_o = {total_q[30:0], middle_q};
  assign low_o     = low_q;

endmodule
