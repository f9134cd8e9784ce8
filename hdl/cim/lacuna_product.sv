// Multiplies a weight by the magnitude of a 4-bit digit, into the register of the digit's plane.
//
// Contract:   code = {plane, twice, low}: the product is weight x low + high x (twice ? 8 : 4),
//             with low 0, 1, 2, or 3 for -1, where the weight is only inverted: one less than the
//             product. `high_i` is the weight or 0. With `en_i`, `above_o` takes the product of
//             plane 1 and `below_o` that of plane 0; the other becomes 0, so that nothing shifts.
// Throughput: one product a cycle.
// Latency:    1 cycle.
//
// The product is worked out inside its clocked block: a simulator then skips it without `en_i`.
// `hdl/tech/ecp5` holds the same on carry cells, `hdl/tech/ice40` with choices.
module lacuna_product (
  input  logic              clk_i,
  input  logic              en_i,
  input  logic [7:0]        weight_i,
  input  logic [7:0]        high_i,
  input  logic [3:0]        code_i,

  output logic [11:0]       below_o,
  output logic [11:0]       above_o
);

  function automatic logic [11:0] product(input logic [7:0] weight,
                                          input logic [7:0] shifted,
                                          input logic [2:0] terms);
    logic [11:0] by_low, by_high;
    // Factors, as all cells of a lane have the same: choices would be branches of a simulator.
    by_low  = {{10{terms[1] && terms[0]}}, terms[1:0]};
    by_high = {8'b0, terms[2], !terms[2], 2'b0};
    product = {{4{weight[7]}}, weight} * by_low + {{4{shifted[7]}}, shifted} * by_high
            - {11'b0, terms[1] && terms[0]};
  endfunction

  always_ff @(posedge clk_i) begin
    if (en_i && code_i[3]) begin
      above_o <= product(weight_i, high_i, code_i[2:0]);
      below_o <= '0;
    end else if (en_i) begin
      above_o <= '0;
      below_o <= product(weight_i, high_i, code_i[2:0]);
    end
  end

endmodule
