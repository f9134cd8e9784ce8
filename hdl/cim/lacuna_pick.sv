// Takes one of several words in half a four-input LUT a bit and word.
//
// A chain of pairs: where a pair is not taken, it passes on what comes from the pair before; where
// it is taken, that bit tells which of the two words, and pair 0 sends it as a constant.
//
// Contract: pair p is words 2p and 2p + 1. `select_i` = {take of pairs Pairs-1 .. 1, fixed, odd}:
//           word w is picked by odd = w[0], fixed = take[w / 2] = (w > 1), all else 0, as
//           lacuna_pick_select encodes it.
// Latency:  combinational.
module lacuna_pick #(
  parameter  int unsigned Words = 8,
  parameter  int unsigned Width = 50,
  localparam int unsigned Pairs = (Words + 1) / 2
) (
  input  logic [Words*Width-1:0] words_i,
  input  logic [Pairs:0]         select_i,

  output logic [Width-1:0]       word_o
);

  logic [2*Pairs*Width-1:0] words;
  logic [Pairs*Width-1:0]   chain;

  assign words  = (2*Pairs*Width)'(words_i);
  assign word_o = chain[(Pairs-1)*Width +: Width];

  // Whole words at a time: a simulator pays for every bit that is named on its own.
  assign chain[0 +: Width] = select_i[1] ? {Width{select_i[0]}}
                           : select_i[0] ? words[Width +: Width] : words[0 +: Width];

  for (genvar p = 1; p < Pairs; p++) begin : gen_pair
    logic [Width-1:0] below;
    assign below = chain[(p-1)*Width +: Width];
    assign chain[p*Width +: Width] = !select_i[p+1] ? below
                                   : (below & words[(2*p+1)*Width +: Width])
                                   | (~below & words[2*p*Width +: Width]);
  end

endmodule
