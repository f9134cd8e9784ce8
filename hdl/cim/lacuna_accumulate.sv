// Adds products to a lane's registers, which may be inverted first: lacuna_xor_add with registers.
//
// Contract:   with `en_i`, each sum becomes (sum ^ flip_i) + (below ^ {above, fill_i}) + carry_i,
//             modulo 2^Width, both products sign-extended. Word c, Stride bits apart, has column c
//             in its low bits: ProductBits of the products, Width of the sums, whose others are 0.
//             Reset makes the sums 0.
// Throughput: one addition a cycle.
// Latency:    1 cycle.
//
// A simulator skips the sums without `en_i`, and adds several at a time where Stride is 32.
// `hdl/tech/ecp5` holds the same on carry cells.
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

  logic [Columns*Stride-1:0] sums;

  always_comb begin
    if (en_i) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        sums[Stride*c +: Stride] = {{(Stride-Width){1'b0}},
            (sums_o[Stride*c +: Width] ^ {Width{flip_i}})
            + (Width'($signed(below_i[Stride*c +: ProductBits]))
               ^ (Width'($signed(above_i[Stride*c +: ProductBits])) << 4 | Width'({4{fill_i}})))
            + Width'(carry_i)};
      end
    end else begin
      sums = 'x;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni)   sums_o <= '0;
    else if (en_i) sums_o <= sums;
  end

endmodule
