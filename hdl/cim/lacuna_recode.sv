// Recodes one gated difference into the digit slots that a lane issues.
//
// Contract:   `terms_o` holds radix-4 terms {neg, two, one}, each 0, +-1 or +-2, lowest first: the
//             non-adjacent form of `d_i`, whose terms are D0..D3 and D4 in {0, +-1}. Slot p takes
//             the DigitBits/2 terms of plane p, and D4, worth 4 in the plane of D3, is split: 2
//             stay with D3, 2 become the excess slot, which is the highest. `used_o[s]` tells
//             whether slot s is not 0. The terms of an excess slot not used and the `neg` of a
//             term 0 mean nothing. `d_i` is -255 to 255.
// Latency:    combinational.
module lacuna_recode #(
  parameter  int unsigned DigitBits = 4,
  localparam int unsigned SlotTerms = DigitBits / 2,
  localparam int unsigned Slots     = 8 / DigitBits + 1,
  localparam int unsigned Terms     = Slots * SlotTerms
) (
  input  logic [8:0]         d_i,
  output logic [3*Terms-1:0] terms_o,
  output logic [Slots-1:0]   used_o
);

  // Two bits a step, from the right. A carry into bit k makes it d[k] + 1; a bit that is then 1 is
  // not 0 in the form, is negative if the next bit of d is 1 as well, and then carries. Each signal
  // is a function of three bits of d and the step's carry.
  logic [10:0] wide;
  logic [5:0]  carry;
  logic [4:0]  one, two, neg;

  assign wide     = {{2{d_i[8]}}, d_i};
  assign carry[0] = 1'b0;

  for (genvar t = 0; t < 5; t++) begin : gen_term
    logic middle;  // carry into the upper bit
    assign middle     = (wide[2*t] & wide[2*t+1]) | (carry[t] & (wide[2*t] | wide[2*t+1]));
    assign carry[t+1] = (wide[2*t+1] & wide[2*t+2]) | (middle & (wide[2*t+1] | wide[2*t+2]));
    assign one[t]     = wide[2*t] ^ carry[t];
    assign two[t]     = wide[2*t+1] ^ middle;
    assign neg[t]     = two[t] ? wide[2*t+2] : wide[2*t+1];
  end

  // When D4 is not 0, D3 is 0 or minus its sign: D3 + 2 D4 has D4's sign and needs no adder.
  for (genvar t = 0; t < 3; t++) begin : gen_pack
    assign terms_o[3*t +: 3] = {neg[t], two[t], one[t]};
  end
  assign terms_o[9 +: 3] = one[4] ? {neg[4], ~one[3], one[3]} : {neg[3], two[3], one[3]};
  if (SlotTerms > 1) begin : gen_rest
    assign terms_o[12 +: 3*(SlotTerms-1)] = '0;
  end
  assign terms_o[3*Terms-1 -: 3] = {neg[4], 2'b10};
  assign used_o[Slots-1]         = one[4];

  for (genvar s = 0; s < Slots - 1; s++) begin : gen_used
    logic [SlotTerms-1:0] magnitude;
    for (genvar t = 0; t < SlotTerms; t++) begin : gen_magnitude
      assign magnitude[t] = |terms_o[3*(s*SlotTerms+t) +: 2];
    end
    assign used_o[s] = |magnitude;
  end

  // D4 is 0 or +-1.
  logic unused;
  assign unused = two[4] ^ carry[5];

endmodule
