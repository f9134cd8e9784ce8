// Rotates a word right by bytes: byte `(k + turn_i) mod WordBytes` of `data_i` becomes byte k.
//
// WordBytes is a power of two.
module lacuna_rotate #(
  parameter  int unsigned WordBytes = 16,
  localparam int unsigned TurnWidth = $clog2(WordBytes)
) (
  input  logic [TurnWidth-1:0]   turn_i,
  input  logic [WordBytes*8-1:0] data_i,
  output logic [WordBytes*8-1:0] data_o
);

  localparam int unsigned Bits = WordBytes * 8;

  // Stage s has turned by the bits below s.
  logic [(TurnWidth+1)*Bits-1:0] stage;

  assign stage[0 +: Bits] = data_i;
  for (genvar s = 0; s < TurnWidth; s++) begin : gen_stage
    localparam int unsigned Turn = 8 << s;
    assign stage[(s+1)*Bits +: Bits] = turn_i[s]
                                     ? {stage[s*Bits +: Turn], stage[s*Bits+Turn +: Bits-Turn]}
                                     : stage[s*Bits +: Bits];
  end
  assign data_o = stage[TurnWidth*Bits +: Bits];

endmodule
