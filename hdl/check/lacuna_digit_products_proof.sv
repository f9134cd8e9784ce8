// Proves lacuna_digit_products, as RTL and on carry cells, against a multiplication.
module lacuna_digit_products_proof #(
  localparam int unsigned Columns = 4
) (
  input logic                 clk_i,
  input logic                 en_i,
  input logic [Columns*8-1:0] weights_i,
  input logic                 no_high_i,
  input logic [3:0]           code_i
);

  localparam int unsigned Stride = 16;

  logic [Columns*Stride-1:0] below, above, below_q, above_q, expected;
  logic signed [4:0]         digit;
  logic                      past_q;

  lacuna_digit_products #(.Columns(Columns), .Stride(Stride)) u_products (
    .clk_i,
    .en_i,
    .weights_i,
    .highs_i(no_high_i ? '0 : weights_i),
    .code_i,
    .below_o(below),
    .above_o(above)
  );

  // Its low part is -1 for 3, and the product then 1 less than it should be.
  assign digit = (no_high_i ? 5'sd0 : code_i[2] ? 5'sd8 : 5'sd4)
               + ((code_i[1:0] == 2'd3) ? -5'sd1 : $signed({3'b000, code_i[1:0]}));

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    logic signed [7:0] weight;
    logic [11:0]       product;

    assign weight  = weights_i[8*c +: 8];
    assign product = 12'(weight) * 12'(digit) - 12'(code_i[1:0] == 2'd3);
    assign expected[Stride*lacuna_pkg::cell_word(c, Columns) +: Stride] = Stride'(product);
  end

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
