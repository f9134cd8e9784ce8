// hdl/cim/lacuna_product.sv on ECP5: the sum in a carry cell a pair of bits, choice included; what
// becomes 0 does so by its register's synchronous reset.
module lacuna_product (
  input  logic              clk_i,
  input  logic              en_i,
  input  logic [7:0]        weight_i,
  input  logic [7:0]        high_i,
  input  logic [3:0]        code_i,

  output logic [11:0]       below_o,
  output logic [11:0]       above_o
);

  logic [8:0]  low;
  logic [11:0] product;

  always_comb begin
    low = '0;
    case (code_i[1:0])
      2'd1:    low = {weight_i[7], weight_i};
      2'd2:    low = {weight_i, 1'b0};
      2'd3:    low = ~{weight_i[7], weight_i};
      default: low = '0;
    endcase
  end

  assign product[1:0] = low[1:0];

  lacuna_select_add #(.Width(10)) u_add (
    .en_i,
    .a_i     ({{3{low[8]}}, low[8:2]}),
    .b_i     ({high_i[7], high_i, 1'b0}),
    .c_i     ({{2{high_i[7]}}, high_i}),
    .select_i(code_i[2]),
    .sum_o   (product[11:2])
  );

  always_ff @(posedge clk_i) begin
    if (en_i && code_i[3]) below_o <= '0;
    else if (en_i)         below_o <= product;
    if (en_i && !code_i[3]) above_o <= '0;
    else if (en_i)          above_o <= product;
  end

endmodule
