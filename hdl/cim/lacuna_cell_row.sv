// The cells of one lane: weights times a digit, accumulated, without a multiplier.
//
// Contract:   the controls are those of lacuna_cells, each beside the register it steers. The
//             accumulators are never cleared: they run modulo 2^SumBits, a retire copies them to
//             the lane's holds, and lacuna_reduce takes the difference of two such copies. That
//             saves an AND on every bit. Reset makes the first difference right. At 4-bit digits
//             `flip_i` inverts the accumulators before they are added to: ~(~s + p) = s - p, so
//             that a lane whose accumulators are kept inverted after a negative digit never
//             negates a product.
//             Column c has byte c of a page, and word lacuna_pkg::cell_word(c) of the sums, Stride
//             bits of which SumBits are used.
// Throughput: one digit a cycle.
// Latency:    product_en_i to sum_en_i: one cycle.
module lacuna_cell_row #(
  parameter  int unsigned Columns   = 16,
  parameter  int unsigned DigitBits = 4,
  parameter  int unsigned SumBits   = 25,
  parameter  int unsigned Stride    = 32,
  localparam int unsigned CodeBits  = (DigitBits == 2) ? 2 : 4,
  localparam int unsigned FixBits   = (DigitBits == 2) ? 3 : 2
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic                      product_en_i,
  input  logic                      sum_en_i,

  input  logic [Columns*8-1:0]      weights_i,  // beside product_en_i
  input  logic [Columns*8-1:0]      highs_i,    // the weights, or 0 if the digit has no high term
  input  logic [CodeBits-1:0]       code_i,
  input  logic [FixBits-1:0]        fix_i,      // beside sum_en_i
  input  logic                      flip_i,
  output logic [Columns*Stride-1:0] sums_o
);

  localparam int unsigned ProductBits = (DigitBits == 2) ? 15 : 12;

  logic [Columns*Stride-1:0] below, above;
  logic                      fill;

  if (DigitBits == 2) begin : gen_2
    // code = {negate, two}: 1 or 2 weights, inverted to negate; the carry completes the negation.
    logic [Columns*9-1:0] products, products_q;
    logic [14:0]          shifted;
    logic                 carry, unused;

    always_comb begin
      products = 'x;
      if (product_en_i) begin
        for (int unsigned c = 0; c < Columns; c++) begin
          products[9*c +: 9] = (code_i[0] ? {weights_i[8*c +: 8], 1'b0}
                                          : {weights_i[8*c+7], weights_i[8*c +: 8]})
                               ^ {9{code_i[1]}};
        end
      end
    end

    always_ff @(posedge clk_i) begin
      if (product_en_i) products_q <= products;
    end

    assign carry = fix_i[0];

    always_comb begin
      below   = 'x;
      shifted = 'x;
      if (sum_en_i) begin
        for (int unsigned c = 0; c < Columns; c++) begin
          case (fix_i[2:1])
            2'd1:    shifted = {{4{products_q[9*c+8]}}, products_q[9*c +: 9], {2{carry}}};
            2'd2:    shifted = {{2{products_q[9*c+8]}}, products_q[9*c +: 9], {4{carry}}};
            2'd3:    shifted = {products_q[9*c +: 9], {6{carry}}};
            default: shifted = {{6{products_q[9*c+8]}}, products_q[9*c +: 9]};
          endcase
          below[Stride*lacuna_pkg::cell_word(c, Columns) +: Stride] = Stride'(shifted);
        end
      end
    end

    assign above  = '0;
    assign fill   = 1'b0;
    assign unused = ^highs_i;
  end else begin : gen_4
    // The digit's magnitude is low + 4 high; code = {plane, twice, low}: high is 2 if twice, else
    // 1, or 0 if highs_i is.
    lacuna_digit_products #(.Columns(Columns), .Stride(Stride)) u_products (
      .clk_i,
      .en_i    (product_en_i),
      .weights_i,
      .highs_i,
      .code_i,
      .below_o (below),
      .above_o (above)
    );

    // fix = {fill, carry}: bits filled in below the upper plane make the carry ripple up to it.
    assign fill = fix_i[1];
  end

  lacuna_accumulate #(
    .Columns    (Columns),
    .ProductBits(ProductBits),
    .Width      (SumBits),
    .Stride     (Stride)
  ) u_sums (
    .clk_i,
    .rst_ni,
    .en_i   (sum_en_i),
    .flip_i,
    .below_i(below),
    .above_i(above),
    .fill_i (fill),
    .carry_i(fix_i[0]),
    .sums_o
  );

endmodule
