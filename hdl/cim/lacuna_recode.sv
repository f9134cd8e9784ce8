// Recodes one gated difference into the digit slots that a lane issues.
//
// Contract:   `terms_o` holds radix-4 terms {neg, two, one}, each 0, +-1 or +-2, lowest first: the
//             non-adjacent form of `d_i`, whose terms are D0..D3 and D4 in {0, +-1}. Slot p takes
//             the DigitBits/2 terms of plane p, and D4, worth 4 in the plane of D3, is split: 2
//             stay with D3, 2 become the excess slot, which is the highest. `used_o[s]` tells
//             whether slot s is not 0. The terms of an excess slot not used and the `neg` of a
//             term 0 mean nothing, nor does anything without `en_i`. `d_i` is -255 to 255.
// Latency:    combinational.
//
// A simulator skips it all without `en_i`.
module lacuna_recode #(
  parameter  int unsigned DigitBits = 4,
  localparam int unsigned SlotTerms = DigitBits / 2,
  localparam int unsigned Slots     = 8 / DigitBits + 1,
  localparam int unsigned Terms     = Slots * SlotTerms
) (
  input  logic               en_i,
  input  logic [8:0]         d_i,
  output logic [3*Terms-1:0] terms_o,
  output logic [Slots-1:0]   used_o
);

  // Two bits a step, from the right. A carry into bit k makes it d[k] + 1; a bit that is then 1 is
  // not 0 in the form, is negative if the next bit of d is 1 as well, and then carries. Each signal
  // is a function of three bits of d and the step's carry.
  logic [10:0] wide;
  logic        carry, middle;  // into the lower and the upper bit of a step
  logic [4:0]  one, two, neg;

  always_comb begin
    wide             = '0;
    {carry, middle}  = '0;
    {one, two, neg}  = '0;
    terms_o          = '0;
    used_o           = '0;
    if (en_i) begin
      wide = {{2{d_i[8]}}, d_i};
      for (int unsigned t = 0; t < 5; t++) begin
        middle = (wide[2*t] & wide[2*t+1]) | (carry & (wide[2*t] | wide[2*t+1]));
        one[t] = wide[2*t] ^ carry;
        two[t] = wide[2*t+1] ^ middle;
        neg[t] = two[t] ? wide[2*t+2] : wide[2*t+1];
        carry  = (wide[2*t+1] & wide[2*t+2]) | (middle & (wide[2*t+1] | wide[2*t+2]));
      end

      // When D4 is not 0, D3 is 0 or minus its sign: D3 + 2 D4 has D4's sign and needs no adder.
      for (int unsigned t = 0; t < 3; t++) terms_o[3*t +: 3] = {neg[t], two[t], one[t]};
      terms_o[9 +: 3]         = one[4] ? {neg[4], ~one[3], one[3]} : {neg[3], two[3], one[3]};
      terms_o[3*Terms-1 -: 3] = {neg[4], 2'b10};

      for (int unsigned t = 0; t < 4; t++) begin
        if (terms_o[3*t +: 2] != '0) used_o[t/SlotTerms] = 1'b1;
      end
      used_o[Slots-1] = one[4];
    end
  end

  // D4 is 0 or +-1.
  logic unused;
  assign unused = two[4] ^ carry;

endmodule
