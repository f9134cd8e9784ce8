// Takes one of several words in half a four-input LUT a bit and word.
//
// A chain of pairs: where a pair is not taken, it passes on what comes from the pair before; where
// it is taken, that bit tells which of the two words, and pair 0 sends it as a constant.
//
// Contract: pair p is words 2p and 2p + 1. `select_i` = {take of pairs Pairs-1 .. 1, fixed, odd}:
//           word w is picked by odd = w[0], fixed = take[w / 2] = (w > 1), all else 0, as
//           lacuna_pick_select encodes it. Without `en_i`, `word_o` means nothing.
// Latency:  combinational.
//
// A simulator does not pick without `en_i`; `hdl/tech/ecp5` always does.
module lacuna_pick #(
  parameter  int unsigned Words = 8,
  parameter  int unsigned Width = 50,
  localparam int unsigned Pairs = (Words + 1) / 2
) (
  input  logic                   en_i,
  input  logic [Words*Width-1:0] words_i,
  input  logic [Pairs:0]         select_i,

  output logic [Width-1:0]       word_o
);

  logic [2*Pairs*Width-1:0] words;

  assign words = (2*Pairs*Width)'(words_i);

  // Whole words at a time: a simulator pays for every bit that is named on its own.
  always_comb begin
    word_o = 'x;
    if (en_i) begin
      word_o = select_i[1] ? {Width{select_i[0]}}
             : select_i[0] ? words[Width +: Width] : words[0 +: Width];
      for (int unsigned p = 1; p < Pairs; p++) begin
        if (select_i[p+1]) begin
          word_o = (word_o & words[(2*p+1)*Width +: Width]) | (~word_o & words[2*p*Width +: Width]);
        end
      end
    end
  end

endmodule
