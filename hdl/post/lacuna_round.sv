// Rounds a product to an integer, adds the zero point and clamps.
//
// Two roundings, as both rules have: the first to bit 31 of the product (rule A: halves up; rule B:
// to the 24 bits of an f32, ties to even), the second by `right_i` (rule A: halves away from zero;
// rule B: to even). The pair takes `total_i`, bits 47..16 of its sum, instead, with what is below
// kept for the second rounding, which is the only one.
//
// Contract:   `step_i[k]`: a product is in cycle k; a cycle without one stands still. `rule_i`,
//             `pair_i`, `zero_i` and the limits are held while anything is under way. Rule B's
//             products are 0 or lie in 2^54..2^56. `lost_i`: the result saturates. `vanish_i`: it
//             is 0.
// Throughput: one product a cycle.
// Latency:    5 cycles.
module lacuna_round (
  input  logic        clk_i,
  input  logic [4:0]  step_i,
  input  logic        rule_i,
  input  logic        pair_i,
  input  logic [7:0]  zero_i,
  input  logic [7:0]  clamp_lo_i,
  input  logic [7:0]  clamp_hi_i,

  input  logic [62:16] product_i,
  input  logic [31:0] total_i,
  input  logic        low_i,
  input  logic        sign_i,
  input  logic        lost_i,
  input  logic        vanish_i,
  input  logic [4:0]  right_i,

  output logic [7:0]  value_o
);

  logic rule_b;
  assign rule_b = rule_i == lacuna_spec_pkg::RuleB;

  // First rounding.
  logic [31:0] first_q;
  logic        first_sign_q, first_sticky_q, first_lost_q;
  logic [4:0]  first_right_q;

  // `inexact`: bits are set below those of the product.
  function automatic logic [31:0] rounded_once(input logic [62:16] value,
                                               input logic [31:0]  pair_sum,
                                               input logic         pair,
                                               input logic         to_even,
                                               input logic         inexact,
                                               input logic         negative);
    logic        rest, upper, add_0, add_1;
    logic [31:0] taken, result;
    rest  = inexact || (value[29:16] != '0);
    upper = value[55];
    taken = pair ? pair_sum ^ {32{negative}} : value[62:31];
    add_1 = 1'b0;
    if (pair) begin
      add_0 = negative && !inexact;
    end else if (!to_even) begin
      add_0 = value[30] && (!negative || rest);
    end else begin
      add_0 = !upper && value[30] && (value[31] || rest);
      add_1 = upper && value[31] && (value[32] || value[30] || rest);
    end
    result       = taken + {30'b0, add_1, add_0};
    rounded_once = {result[31:1], result[0] && (pair || !to_even || !upper)};
  endfunction

  logic sign;
  assign sign = pair_i ? total_i[31] : sign_i;

  always_ff @(posedge clk_i) begin
    if (step_i[0]) begin
      first_q        <= rounded_once(product_i, total_i, pair_i, rule_b, low_i, sign);
      if (vanish_i) first_q <= '0;
      first_sign_q   <= sign;
      first_sticky_q <= pair_i && low_i;
      first_lost_q   <= lost_i;
      first_right_q  <= right_i;
    end
  end

  // The second rounding's shift: by bytes, then by bits. Bit 0 is the half, bits 8..1 the integer.
  logic [32:0] half_in;
  logic [16:0] coarse_d, coarse_q;
  logic        coarse_sticky_d, coarse_sticky_q, coarse_lost_d, coarse_lost_q, coarse_sign_q;
  logic [2:0]  coarse_right_q;

  assign half_in = {first_q, 1'b0};

  lacuna_pick #(.Words(4), .Width(17)) u_coarse (
    .en_i    (step_i[1]),
    .words_i ({8'b0, half_in[32:24], half_in[32:16], half_in[24:8], half_in[16:0]}),
    .select_i({first_right_q[4], first_right_q[4:3]}),
    .word_o  (coarse_d)
  );

  always_comb begin
    coarse_sticky_d = 1'b0;
    coarse_lost_d   = 1'b0;
    if (step_i[1]) unique case (first_right_q[4:3])
      2'd0: begin
        coarse_sticky_d = 1'b0;
        coarse_lost_d   = half_in[32:17] != '0;
      end
      2'd1: begin
        coarse_sticky_d = half_in[7:0] != '0;
        coarse_lost_d   = half_in[32:25] != '0;
      end
      2'd2: begin
        coarse_sticky_d = half_in[15:0] != '0;
        coarse_lost_d   = 1'b0;
      end
      default: begin
        coarse_sticky_d = half_in[23:0] != '0;
        coarse_lost_d   = 1'b0;
      end
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (step_i[1]) begin
      coarse_q        <= coarse_d;
      coarse_sticky_q <= coarse_sticky_d || first_sticky_q;
      coarse_lost_q   <= coarse_lost_d || first_lost_q;
      coarse_sign_q   <= first_sign_q;
      coarse_right_q  <= first_right_q[2:0];
    end
  end

  logic [16:0] fine_d;
  logic [6:0]  dropped;
  logic [7:0]  fine_q;
  logic        half_q, fine_sticky_q, fine_lost_q, fine_sign_q;

  assign fine_d  = coarse_q >> coarse_right_q;
  assign dropped = coarse_q[6:0] & ~(7'h7f << coarse_right_q);

  always_ff @(posedge clk_i) begin
    if (step_i[2]) begin
      fine_q        <= fine_d[8:1];
      half_q        <= fine_d[0];
      fine_sticky_q <= coarse_sticky_q || (dropped != '0);
      fine_lost_q   <= coarse_lost_q || (fine_d[16:9] != '0);
      fine_sign_q   <= coarse_sign_q;
    end
  end

  // Second rounding and zero point: -(t + up) + zero = ~t + !up + zero.
  logic              up, sum_lost_q, sum_sign_q;
  logic signed [9:0] sum_q;

  assign up = half_q && (!rule_b || fine_sticky_q || fine_q[0]);

  always_ff @(posedge clk_i) begin
    if (step_i[3]) begin
      sum_q      <= {{2{zero_i[7]}}, zero_i} + ({2'b0, fine_q} ^ {10{fine_sign_q}})
                  + 10'(up ^ fine_sign_q);
      sum_lost_q <= fine_lost_q;
      sum_sign_q <= fine_sign_q;
    end
  end

  logic signed [9:0] lo, hi;
  logic              under, over;

  assign lo    = {{2{clamp_lo_i[7]}}, clamp_lo_i};
  assign hi    = {{2{clamp_hi_i[7]}}, clamp_hi_i};
  assign under = sum_lost_q ? sum_sign_q : sum_q < lo;
  assign over  = sum_lost_q ? !sum_sign_q : sum_q > hi;

  always_ff @(posedge clk_i) begin
    if (step_i[4]) begin
      if (under)     value_o <= clamp_lo_i;
      else if (over) value_o <= clamp_hi_i;
      else           value_o <= sum_q[7:0];
    end
  end

endmodule
