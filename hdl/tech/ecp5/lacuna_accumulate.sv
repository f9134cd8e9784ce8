// hdl/cim/lacuna_accumulate.sv on ECP5: lacuna_xor_add's carry cells before the registers.
module lacuna_accumulate #(
  parameter int unsigned Columns     = 16,
  parameter int unsigned ProductBits = 12,
  parameter int unsigned Width       = 25,
  parameter int unsigned Stride      = 32
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic                      en_i,
  input  logic                      flip_i,
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [Columns*Stride-1:0] below_i,
  input  logic [Columns*Stride-1:0] above_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic                      fill_i,
  input  logic                      carry_i,

  output logic [Columns*Stride-1:0] sums_o
);

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    logic [ProductBits-1:0] below, above;
    logic [Width-1:0]       sum, sum_q;

    assign below = below_i[Stride*c +: ProductBits];
    assign above = above_i[Stride*c +: ProductBits];

    lacuna_xor_add #(.Width(Width)) u_sum (
      .en_i,
      .a_i  (sum_q),
      .b_i  ({Width{flip_i}}),
      .c_i  ({{(Width-ProductBits){below[ProductBits-1]}}, below}),
      .d_i  ({{(Width-ProductBits-4){above[ProductBits-1]}}, above, {4{fill_i}}}),
      .carry_i,
      .sum_o(sum)
    );

    always_ff @(posedge clk_i) begin
      if (!rst_ni)   sum_q <= '0;
      else if (en_i) sum_q <= sum;
    end

    assign sums_o[Stride*c +: Stride] = Stride'(sum_q);
  end

endmodule
