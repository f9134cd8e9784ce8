// One cell: weight times digit, accumulated, without a multiplier.
//
// Contract:   `code_i` is the digit as lacuna_cells encodes it, `fix_i` = {plane, negate, carry}
//             one cycle later. The accumulator is never cleared: it runs modulo 2^SumBits, a retire
//             copies it to the hold register, and lacuna_reduce takes the difference of two such
//             copies. That saves an AND on every bit. Reset makes the first difference right. With
//             `show_en_i`, `shown_o` becomes the hold register if `show_i`, else 0: an OR then
//             picks a column.
// Throughput: one digit a cycle.
// Latency:    weight_en_i to product_en_i to sum_en_i: one cycle each.
module lacuna_cell #(
  parameter  int unsigned DigitBits = 4,
  parameter  int unsigned AccBits   = 22,
  parameter  int unsigned GuardBits = 3,
  localparam int unsigned SumBits   = AccBits + GuardBits,
  localparam int unsigned CodeBits  = (DigitBits == 2) ? 2 : (DigitBits == 4) ? 4 : 15,
  localparam int unsigned FixBits   = (DigitBits == 2) ? 3 : (DigitBits == 4) ? 3 : 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                weight_en_i,
  input  logic                product_en_i,
  input  logic                sum_en_i,
  input  logic                retire_i,
  input  logic                show_en_i,
  input  logic                show_i,

  input  logic [7:0]          weight_i,
  input  logic [CodeBits-1:0] code_i,
  input  logic [FixBits-1:0]  fix_i,
  output logic [SumBits-1:0]  shown_o
);

  logic [7:0]         weight_q;
  logic [SumBits-1:0] addend, sum_d, sum_q, hold_q, shown_q;
  logic               carry;

  if (DigitBits == 2) begin : gen_2
    // code = {negate, two}: 1 or 2 weights, inverted to negate; the carry completes the negation.
    logic [8:0]  product_d, product_q;
    logic [14:0] shifted;
    assign product_d = (code_i[0] ? {weight_q, 1'b0} : {weight_q[7], weight_q}) ^ {9{code_i[1]}};
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
    assign addend = {{(SumBits-15){shifted[14]}}, shifted};
    always_ff @(posedge clk_i) if (product_en_i) product_q <= product_d;
  end else if (DigitBits == 4) begin : gen_4
    // The digit is +-(low + 4 high), code = {high, low}; high is 0, 1 or 2 (one-hot), low 0, 1, 2,
    // or 3 for -1. For -1 the weight is only inverted: one less than the product, which the carry
    // makes good.
    logic [8:0]  low, high;
    logic [11:0] product_d, product_q;
    logic [15:0] shifted;
    always_comb begin
      low = '0;
      case (code_i[1:0])
        2'd1:    low = {weight_q[7], weight_q};
        2'd2:    low = {weight_q, 1'b0};
        2'd3:    low = ~{weight_q[7], weight_q};
        default: low = '0;
      endcase
    end
    assign high = ({9{code_i[2]}} & {weight_q[7], weight_q}) | ({9{code_i[3]}} & {weight_q, 1'b0});
    assign product_d[1:0]  = low[1:0];
    assign product_d[11:2] = {{3{low[8]}}, low[8:2]} + {high[8], high};
    assign carry   = fix_i[0];
    // Bits shifted in make the carry ripple up to the plane.
    assign shifted = fix_i[2] ? {product_q ^ {12{fix_i[1]}}, {4{carry}}}
                              : {{4{product_q[11]}}, product_q} ^ {16{fix_i[1]}};
    assign addend  = {{(SumBits-16){shifted[15]}}, shifted};
    always_ff @(posedge clk_i) if (product_en_i) product_q <= product_d;
  end else begin : gen_8
    // Five signed terms: two of them below, three above.
    logic [11:0] low_d, low_q;
    logic [12:0] high_d, high_q;
    logic [49:0] terms;
    logic        unused;
    for (genvar t = 0; t < 5; t++) begin : gen_term
      assign terms[10*t +: 10] =
        ({{10{code_i[3*t]}} & {{2{weight_q[7]}}, weight_q}
          | {10{code_i[3*t+1]}} & {weight_q[7], weight_q, 1'b0}} ^ {10{code_i[3*t+2]}})
        + {9'd0, code_i[3*t+2]};
    end
    assign low_d  = {{2{terms[9]}}, terms[9:0]} + {terms[19:10], 2'b00};
    assign high_d = {{3{terms[29]}}, terms[29:20]} + {terms[39], terms[39:30], 2'b00}
                  + {terms[48:40], 4'b0000};
    assign unused = terms[49];
    assign carry  = fix_i[0];
    assign addend = {{(SumBits-12){low_q[11]}}, low_q} + {{(SumBits-17){high_q[12]}}, high_q, 4'd0};
    always_ff @(posedge clk_i) begin
      if (product_en_i) begin
        low_q  <= low_d;
        high_q <= high_d;
      end
    end
  end

  assign sum_d   = sum_q + addend + SumBits'(carry);
  assign shown_o = shown_q;

  always_ff @(posedge clk_i) begin
    if (weight_en_i) weight_q <= weight_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) sum_q <= '0;
    else if (sum_en_i) sum_q <= sum_d;
  end

  always_ff @(posedge clk_i) begin
    if (retire_i) hold_q <= sum_q;
    if (show_en_i) shown_q <= show_i ? hold_q : '0;
  end

`ifdef LACUNA_CHECK
  // The compiler promises that no vector adds up to more than AccBits in one cell.
  logic [SumBits-1:0] last_q;
  logic [SumBits-1:0] vector;

  assign vector = sum_q - last_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) last_q <= '0;
    else if (retire_i) begin
      last_q <= sum_q;
      assert (vector[SumBits-1:AccBits-1] == {(GuardBits+1){vector[SumBits-1]}});
    end
  end
`endif

endmodule
