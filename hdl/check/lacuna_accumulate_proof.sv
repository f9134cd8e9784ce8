// Proves lacuna_accumulate, as RTL and on carry cells, against additions column by column.
module lacuna_accumulate_proof #(
  localparam int unsigned Columns     = 2,
  localparam int unsigned ProductBits = 12,
  localparam int unsigned Stride      = 32
) (
  input logic                      clk_i,
  input logic                      rst_ni,
  input logic                      en_i,
  input logic                      flip_i,
  input logic [Columns*Stride-1:0] below_i,
  input logic [Columns*Stride-1:0] above_i,
  input logic                      fill_i,
  input logic                      carry_i
);

  localparam int unsigned Width = 25;

  logic [Columns*Stride-1:0] sums, expected, expected_q;
  logic                      past_q;

  lacuna_accumulate #(
    .Columns(Columns), .ProductBits(ProductBits), .Width(Width), .Stride(Stride)
  ) u_sums (
    .clk_i, .rst_ni, .en_i, .flip_i, .below_i, .above_i, .fill_i, .carry_i, .sums_o(sums)
  );

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    logic signed [ProductBits-1:0] below;
    logic signed [ProductBits+3:0] above;
    logic signed [Width-1:0]       wide_below, wide_above;
    logic [Width-1:0]              sum;

    assign below      = below_i[Stride*c +: ProductBits];
    assign above      = {above_i[Stride*c +: ProductBits], {4{fill_i}}};
    assign wide_below = below;
    assign wide_above = above;
    assign sum        = sums[Stride*c +: Width];
    assign expected[Stride*c +: Stride] =
        Stride'(Width'((flip_i ? ~sum : sum) + (wide_below ^ wide_above) + Width'(carry_i)));
  end

  initial past_q = 1'b0;

  always_ff @(posedge clk_i) begin
    past_q     <= 1'b1;
    expected_q <= !rst_ni ? '0 : en_i ? expected : sums;
    if (past_q) adds_each_column: assert (sums == expected_q);
  end

endmodule
