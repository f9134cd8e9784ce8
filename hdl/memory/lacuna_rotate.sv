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

  for (genvar s = 0; s < TurnWidth; s++) begin : gen_stage
    localparam int unsigned Turn = 8 << s;

    // Turned by the bits below s, and by bit s too.
    logic [Bits-1:0] origin, turned;

    if (s == 0) begin : gen_first
      assign origin = data_i;
    end else begin : gen_next
      assign origin = gen_stage[s-1].turned;
    end

    assign turned = turn_i[s] ? {origin[Turn-1:0], origin[Bits-1:Turn]} : origin;
  end

  assign data_o = gen_stage[TurnWidth-1].turned;

endmodule
