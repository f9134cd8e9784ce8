// Multiplies two unsigned 32-bit operands on four 16x16 multipliers; or, for the residual add, sums
// the products of two bytes with two multipliers and a bias.
//
// Contract:   `step_i[k]`: operands are in cycle k; a cycle without them stands still. `pair_i` and
//             `bias_i` are held while anything is under way; the bias is 0 unless `pair_i`. Plain:
//             product = a * m. Pair: a[7:0] * m + a[23:16] * second + bias, modulo 2^48; the
//             product's bits from 48 mean nothing. `low_o`: some of the product's low 16 bits are
//             set; no one needs to know which. m is below 2^31.
// Throughput: one product a cycle.
// Latency:    4 cycles.
module lacuna_multiply (
  input  logic        clk_i,
  input  logic [3:0]  step_i,
  input  logic        pair_i,
  input  logic [47:0] bias_i,

  input  logic [31:0] a_i,
  input  logic [31:0] m_i,
  // `second`, its halves exchanged, for the pair; m otherwise.
  input  logic [31:0] n_i,

  output logic [62:16] product_o,
  output logic         low_o
);

  // The cross products meet at bit 16; exchanged halves bring the pair's high products there too.
  // The carry of their sum is told from the top bits (p1 is below 2^31). So p1 and p2 have a second
  // reader, which keeps the sum out of an SB_MAC16: Yosys 0.70 would lose its carry there, and give
  // the register between two multipliers to both, so that one has no operand.
  logic [31:0] p0_q, p1_q, p2_q, middle_q;
  logic [30:0] p3_q;
  logic        top_q;
  logic [32:0] middle_late_q;
  logic [62:0] outer_q, base_q;

  always_ff @(posedge clk_i) begin
    if (step_i[0]) begin
      p0_q <= {16'b0, a_i[15:0]}  * {16'b0, m_i[15:0]};
      p1_q <= {16'b0, a_i[15:0]}  * {16'b0, m_i[31:16]};
      p2_q <= {16'b0, a_i[31:16]} * {16'b0, n_i[15:0]};
      p3_q <= {15'b0, a_i[31:16]} * {15'b0, n_i[31:16]};
    end
  end

  always_ff @(posedge clk_i) begin
    if (step_i[1]) begin
      middle_q <= p1_q + p2_q;
      top_q    <= p1_q[31] || p2_q[31];
      if (pair_i) outer_q <= {38'b0, {1'b0, p0_q[23:0]} + {1'b0, p3_q[23:0]}};
      else        outer_q <= {p3_q, p0_q};
    end
  end

  always_ff @(posedge clk_i) begin
    if (step_i[2]) begin
      middle_late_q <= {top_q && !middle_q[31], middle_q};
      base_q        <= {outer_q[62:48], outer_q[47:0] + bias_i};
    end
  end

  always_ff @(posedge clk_i) begin
    if (step_i[3]) begin
      product_o <= base_q[62:16] + {14'b0, middle_late_q};
      low_o     <= base_q[15:0] != '0;
    end
  end

endmodule
