// Turns an accumulator into the multiplier's unsigned operand: magnitude, shift, f32 rounding.
//
// Rule B shifts the magnitude left until bit 31 is set and rounds it to the 24 bits of an f32, ties
// to even; rule A shifts it left by `left_i`. The sign is taken after the shifts, as one's
// complement, so that the missing one and the rounding share one adder.
//
// Contract:   `rule_i` is held while anything is under way. `carry_o`: rounding reached 2^32, which
//             shows as 2^31. `lost_o`: rule A shifted ones out, the result saturates. The shift of
//             rule B is `zeros_o`. `step_i[k]`: an accumulator is in cycle k; a cycle without one
//             stands still.
// Throughput: one accumulator a cycle.
// Latency:    3 cycles.
module lacuna_normalise (
  input  logic        clk_i,
  input  logic [2:0]  step_i,
  input  logic        rule_i,
  input  logic [31:0] acc_i,
  input  logic [4:0]  left_i,

  output logic [31:0] magnitude_o,
  output logic        carry_o,
  output logic        sign_o,
  output logic        lost_o,
  output logic [4:0]  zeros_o
);

  logic rule_b;
  assign rule_b = rule_i == lacuna_spec_pkg::RuleB;

  // By whole bytes.
  logic        sign;
  logic [31:0] byte_d, byte_q;
  logic [1:0]  byte_zeros, byte_shift;
  logic        byte_sign_q, byte_lost_q;
  logic [1:0]  byte_shift_q;
  logic [2:0]  byte_left_q;

  assign sign = acc_i[31];

  always_comb begin
    if (!step_i[0] || acc_i[31:24] != {8{sign}}) byte_zeros = 2'd0;
    else if (acc_i[23:16] != {8{sign}}) byte_zeros = 2'd1;
    else if (acc_i[15:8] != {8{sign}})  byte_zeros = 2'd2;
    else                               byte_zeros = 2'd3;
    byte_shift = rule_b ? byte_zeros : left_i[4:3];
  end

  // The upper half of each outcome has four sources, the lower fewer.
  lacuna_pick #(.Words(4), .Width(16)) u_byte (
    .en_i    (step_i[0]),
    .words_i ({acc_i[7:0], 8'b0, acc_i[15:0], acc_i[23:8], acc_i[31:16]}),
    .select_i({byte_shift[1], byte_shift}),
    .word_o  (byte_d[31:16])
  );

  assign byte_d[15:8] = byte_shift[1] ? '0 : byte_shift[0] ? acc_i[7:0] : acc_i[15:8];
  assign byte_d[7:0]  = (byte_shift == '0) ? acc_i[7:0] : '0;

  always_ff @(posedge clk_i) begin
    if (step_i[0]) begin
      byte_q       <= byte_d;
      byte_sign_q  <= sign;
      byte_shift_q <= byte_shift;
      byte_lost_q  <= byte_shift > byte_zeros;
      byte_left_q  <= left_i[2:0];
    end
  end

  // By pairs of bits.
  logic [31:0] pair_d, pair_q;
  logic [1:0]  pair_zeros, pair_shift;
  logic        pair_sign_q, pair_lost_q, pair_left_q;
  logic [3:0]  pair_shift_q;

  always_comb begin
    if (!step_i[1] || byte_q[31:30] != {2{byte_sign_q}}) pair_zeros = 2'd0;
    else if (byte_q[29:28] != {2{byte_sign_q}}) pair_zeros = 2'd1;
    else if (byte_q[27:26] != {2{byte_sign_q}}) pair_zeros = 2'd2;
    else                                         pair_zeros = 2'd3;
    pair_shift = rule_b ? pair_zeros : byte_left_q[2:1];
  end

  lacuna_pick #(.Words(4), .Width(32)) u_pair (
    .en_i    (step_i[1]),
    .words_i ({byte_q[25:0], 6'b0, byte_q[27:0], 4'b0, byte_q[29:0], 2'b0, byte_q}),
    .select_i({pair_shift[1], pair_shift}),
    .word_o  (pair_d)
  );

  always_ff @(posedge clk_i) begin
    if (step_i[1]) begin
      pair_q       <= pair_d;
      pair_sign_q  <= byte_sign_q;
      pair_shift_q <= {byte_shift_q, pair_shift};
      pair_lost_q  <= byte_lost_q || (pair_shift > pair_zeros);
      pair_left_q  <= byte_left_q[0];
    end
  end

  // By one bit and to one's complement; the magnitude is that plus the sign. Rounding to bit 8,
  // ties to even, adds 127 and bit 8 to the magnitude; where it is no tie, bit 8 makes no
  // difference, so that it may be taken before the sign is added. It is a carry into bit 0, as a
  // third term would be a second chain. Outcome: {shift, carry, magnitude}.
  function automatic logic [33:0] finished(input logic [31:0] pair, input logic to_f32,
                                           input logic negative, input logic left);
    logic        bit_shift;
    logic [31:0] ones;
    logic [32:0] sum;
    logic        unused;
    bit_shift = to_f32 ? (pair[31] == negative) : left;
    ones      = (bit_shift ? {pair[30:0], 1'b0} : pair) ^ {32{negative}};
    {sum, unused} = {1'b0, ones, 1'b1} + {25'b0, to_f32 && negative, {7{to_f32 && !negative}},
                                          to_f32 ? ones[8] : negative};
    finished  = {bit_shift, sum[32], sum[31] || sum[32], sum[30:8], to_f32 ? 8'b0 : sum[7:0]};
  endfunction

  always_ff @(posedge clk_i) begin
    if (step_i[2]) begin
      {zeros_o[0], carry_o, magnitude_o} <= finished(pair_q, rule_b, pair_sign_q, pair_left_q);
      lost_o       <= !rule_b && (pair_lost_q || (pair_left_q && (pair_q[31] != pair_sign_q)));
      sign_o       <= pair_sign_q;
      zeros_o[4:1] <= pair_shift_q;
    end
  end

endmodule
