// Proves lacuna_product, as RTL and on carry cells, against a multiplication.
module lacuna_product_proof (
  input logic              clk_i,
  input logic              en_i,
  input logic signed [7:0] weight_i,
  input logic              no_high_i,
  input logic [3:0]        code_i
);

  logic [11:0]       below, above, expected, below_q, above_q;
  logic signed [4:0] digit;
  logic              past_q;

  lacuna_product u_product (
    .clk_i,
    .en_i,
    .weight_i,
    .high_i (no_high_i ? 8'sd0 : weight_i),
    .code_i,
    .below_o(below),
    .above_o(above)
  );

  // Its low part is -1 for 3, and the product then 1 less than it should be.
  assign digit    = (no_high_i ? 5'sd0 : code_i[2] ? 5'sd8 : 5'sd4)
                  + ((code_i[1:0] == 2'd3) ? -5'sd1 : $signed({3'b000, code_i[1:0]}));
  assign expected = 12'(weight_i) * 12'(digit) - 12'(code_i[1:0] == 2'd3);

  initial past_q = 1'b0;

  always_ff @(posedge clk_i) begin
    past_q  <= 1'b1;
    below_q <= !en_i ? below : code_i[3] ? '0 : expected;
    above_q <= !en_i ? above : code_i[3] ? expected : '0;
    if (past_q) begin
      multiplies_in_the_lower_plane: assert (below == below_q);
      multiplies_in_the_upper_plane: assert (above == above_q);
    end
  end

endmodule
