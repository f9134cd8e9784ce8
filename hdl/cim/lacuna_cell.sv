// One cell: weight times digit, accumulated, without a multiplier.
//
// Contract:   the controls are those of lacuna_cells, each beside the register it steers. The
//             accumulator is never cleared: it runs modulo 2^SumBits, a retire copies it to the
//             lane's holds, and lacuna_reduce takes the difference of two such copies. That saves
//             an AND on every bit. Reset makes the first difference right. At 4-bit digits `flip_i`
//             inverts the accumulator before it is added to: ~(~s + p) = s - p, so that a lane
//             whose accumulators are kept inverted after a negative digit never negates a product.
// Throughput: one digit a cycle.
// Latency:    product_en_i to sum_en_i: one cycle.
module lacuna_cell #(
  parameter  int unsigned DigitBits = 4,
  parameter  int unsigned AccBits   = 22,
  parameter  int unsigned GuardBits = 3,
  localparam int unsigned SumBits   = AccBits + GuardBits,
  localparam int unsigned CodeBits  = (DigitBits == 2) ? 2 : 4,
  localparam int unsigned FixBits   = (DigitBits == 2) ? 3 : 2
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                product_en_i,
  input  logic                sum_en_i,

  input  logic [7:0]          weight_i,  // beside product_en_i
  input  logic [7:0]          high_i,    // the weight, or 0 if the digit has no high term
  input  logic [CodeBits-1:0] code_i,
  input  logic [FixBits-1:0]  fix_i,     // beside sum_en_i
  input  logic                flip_i,
  output logic [SumBits-1:0]  sum_o
);

  logic [SumBits-1:0] below, above;
  logic               carry;

  if (DigitBits == 2) begin : gen_2
    // code = {negate, two}: 1 or 2 weights, inverted to negate; the carry completes the negation.
    logic [8:0]  product_d, product_q;
    logic [14:0] shifted;
    logic        unused;
    assign product_d = (code_i[0] ? {weight_i, 1'b0} : {weight_i[7], weight_i}) ^ {9{code_i[1]}};
    assign carry     = fix_i[0];
    always_comb begin
      shifted = {{6{product_q[8]}}, product_q};
      case (fix_i[2:1])
        2'd1:    shifted = {{4{product_q[8]}}, product_q, {2{carry}}};
        2'd2:    shifted = {{2{product_q[8]}}, product_q, {4{carry}}};
        2'd3:    shifted = {product_q, {6{carry}}};
        default: shifted = {{6{product_q[8]}}, product_q};
      endcase
    end
    assign below  = {{(SumBits-15){shifted[14]}}, shifted};
    assign above  = '0;
    assign unused = ^high_i;
    always_ff @(posedge clk_i) if (product_en_i) product_q <= product_d;
  end else begin : gen_4
    // The digit's magnitude is low + 4 high; code = {plane, twice, low}: high is 2 if twice, else
    // 1, or 0 if high_i is.
    logic [11:0] below_q, above_q;
    lacuna_product u_product (
      .clk_i,
      .en_i    (product_en_i),
      .weight_i,
      .high_i,
      .code_i,
      .below_o (below_q),
      .above_o (above_q)
    );
    // fix = {fill, carry}: bits filled in below the upper plane make the carry ripple up to it.
    assign carry = fix_i[0];
    assign below = {{(SumBits-12){below_q[11]}}, below_q};
    assign above = {{(SumBits-16){above_q[11]}}, above_q, {4{fix_i[1]}}};
  end

  lacuna_accumulate #(.Width(SumBits)) u_sum (
    .clk_i,
    .rst_ni,
    .en_i   (sum_en_i),
    .flip_i,
    .a_i    (below),
    .b_i    (above),
    .carry_i(carry),
    .sum_o
  );

endmodule
