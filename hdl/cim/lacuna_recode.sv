// Recodes one gated difference into the digit slots that a lane issues.
//
// Contract:   `terms_o` holds radix-4 terms {neg, two, one}, each 0, +-1 or +-2, lowest first: the
//             non-adjacent form of `d_i`, whose terms are D0..D3 and D4 in {0, +-1}. At 8-bit digits
//             all five belong to the one slot. Below, slot p takes the DigitBits/2 terms of plane p,
//             and D4, worth 4 in the plane of D3, is split: 2 stay with D3, 2 become the excess slot,
//             which is the highest. `used_o[s]` tells whether slot s is not 0. `d_i` is -255 to 255.
// Latency:    combinational.
module lacuna_recode #(
  parameter  int unsigned DigitBits = 4,
  localparam int unsigned SlotTerms = (DigitBits == 8) ? 5 : DigitBits / 2,
  localparam int unsigned Slots     = (DigitBits == 8) ? 1 : 8 / DigitBits + 1,
  localparam int unsigned Terms     = Slots * SlotTerms
) (
  input  logic [8:0]         d_i,
  output logic [3*Terms-1:0] terms_o,
  output logic [Slots-1:0]   used_o
);

  // With x3 = 3 d, the form is (x3 & ~d) - (d & ~x3), one place down: bit k is not 0 where x3 and d
  // differ at k + 1, and is negative where d is 1 there.
  // Bit 0 of x3 is that of d, so the sum starts at bit 1.
  logic [10:0] wide;
  logic [9:0]  thrice, live;
  logic [4:0]  one, two, neg;

  assign wide   = {{2{d_i[8]}}, d_i};
  assign thrice = wide[10:1] + wide[9:0];
  assign live   = thrice ^ wide[10:1];

  for (genvar t = 0; t < 5; t++) begin : gen_term
    assign one[t] = live[2*t];
    assign two[t] = live[2*t+1];
    assign neg[t] = live[2*t+1] ? wide[2*t+2] : (live[2*t] & wide[2*t+1]);
  end

  if (DigitBits == 8) begin : gen_whole
    for (genvar t = 0; t < 5; t++) begin : gen_pack
      assign terms_o[3*t +: 3] = {neg[t], two[t], one[t]};
    end
    assign used_o[0] = |live;
  end else begin : gen_split
    // When D4 is not 0, D3 is 0 or minus its sign: D3 + 2 D4 has D4's sign and needs no adder.
    for (genvar t = 0; t < 3; t++) begin : gen_pack
      assign terms_o[3*t +: 3] = {neg[t], two[t], one[t]};
    end
    assign terms_o[9 +: 3]           = one[4] ? {neg[4], ~one[3], one[3]} : {neg[3], two[3], one[3]};
    assign terms_o[3*Terms-1 -: 3]   = {neg[4] & one[4], one[4], 1'b0};
    if (SlotTerms > 1) begin : gen_rest
      assign terms_o[12 +: 3*(SlotTerms-1)] = '0;
    end
    for (genvar s = 0; s < Slots; s++) begin : gen_used
      logic [SlotTerms-1:0] magnitude;
      for (genvar t = 0; t < SlotTerms; t++) begin : gen_magnitude
        assign magnitude[t] = |terms_o[3*(s*SlotTerms+t) +: 2];
      end
      assign used_o[s] = |magnitude;
    end
    // D4 is 0 or +-1, so its `two` is never set.
    logic unused_two;
    assign unused_two = two[4];
  end

endmodule
