// Multiplies the weights of one lane by the magnitude of a 4-bit digit, into the registers of the
// digit's plane.
//
// Contract:   code = {plane, twice, low}: the product is weight x low + high x (twice ? 8 : 4),
//             with low 0, 1, 2, or 3 for -1, where the weight is only inverted: one less than the
//             product. A column of `highs_i` is its weight or 0. With `en_i`, `above_o` takes the
//             products of plane 1 and `below_o` those of plane 0; the others become 0, so that
//             nothing shifts. Column c has byte c of the weights and the 12 low bits of word
//             lacuna_pkg::cell_word(c) of the products, Stride bits apart; the others are 0.
// Throughput: one page a cycle.
// Latency:    1 cycle.
//
// A simulator skips the products without `en_i`, and works several out at a time where Stride is
// 32. `hdl/tech/ecp5` holds the same on carry cells.
module lacuna_digit_products #(
  parameter int unsigned Columns = 16,
  parameter int unsigned Stride  = 32
) (
  input  logic                      clk_i,
  input  logic                      en_i,
  input  logic [Columns*8-1:0]      weights_i,
  input  logic [Columns*8-1:0]      highs_i,
  input  logic [3:0]                code_i,

  output logic [Columns*Stride-1:0] below_o,
  output logic [Columns*Stride-1:0] above_o
);

  localparam int unsigned ProductBits = 12;

  // Masks, as all cells of a lane have the same: choices would be branches of a simulator.
  logic [ProductBits-1:0]    single, double, minus, once, twice;
  logic [Columns*Stride-1:0] products;

  always_comb begin
    {single, double, minus, once, twice} = 'x;
    if (en_i) begin
      single = {ProductBits{code_i[0]}};
      double = {ProductBits{code_i[1] && !code_i[0]}};
      minus  = {ProductBits{code_i[1] && code_i[0]}};
      once   = {ProductBits{!code_i[2]}};
      twice  = {ProductBits{code_i[2]}};
      for (int unsigned c = 0; c < Columns; c++) begin
        products[Stride*lacuna_pkg::cell_word(c, Columns) +: Stride] = {
            {(Stride-ProductBits){1'b0}},
            (((ProductBits'($signed(weights_i[8*c +: 8])) & single)
              | (ProductBits'($signed(weights_i[8*c +: 8])) << 1 & double)) ^ minus)
            + ((ProductBits'($signed(highs_i[8*c +: 8])) << 2 & once)
               | (ProductBits'($signed(highs_i[8*c +: 8])) << 3 & twice))};
      end
    end else begin
      products = 'x;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i && code_i[3]) begin
      above_o <= products;
      below_o <= '0;
    end else if (en_i) begin
      above_o <= '0;
      below_o <= products;
    end
  end

endmodule
