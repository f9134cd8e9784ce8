// hdl/cim/lacuna_digit_products.sv on ECP5: the sum in a carry cell a pair of bits, choice
// included; what becomes 0 does so by its register's synchronous reset.
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

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    localparam int unsigned At = Stride * lacuna_pkg::cell_word(c, Columns);

    logic [7:0]  weight, high;
    logic [8:0]  low;
    logic [11:0] product, below_q, above_q;

    assign weight = weights_i[8*c +: 8];
    assign high   = highs_i[8*c +: 8];

    always_comb begin
      low = '0;
      case (code_i[1:0])
        2'd1:    low = {weight[7], weight};
        2'd2:    low = {weight, 1'b0};
        2'd3:    low = ~{weight[7], weight};
        default: low = '0;
      endcase
    end

    assign product[1:0] = low[1:0];

    lacuna_select_add #(.Width(10)) u_add (
      .en_i,
      .a_i     ({{3{low[8]}}, low[8:2]}),
      .b_i     ({high[7], high, 1'b0}),
      .c_i     ({{2{high[7]}}, high}),
      .select_i(code_i[2]),
      .sum_o   (product[11:2])
    );

    always_ff @(posedge clk_i) begin
      if (en_i && code_i[3]) below_q <= '0;
      else if (en_i)         below_q <= product;
      if (en_i && !code_i[3]) above_q <= '0;
      else if (en_i)          above_q <= product;
    end

    assign below_o[At +: Stride] = Stride'(below_q);
    assign above_o[At +: Stride] = Stride'(above_q);
  end

endmodule
