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

  for (genvar b = 0; b < Width; b++) begin : gen_bit
    assign chain[b] = select_i[1] ? select_i[0] : select_i[0] ? words[Width+b] : words[b];
  end

  for (genvar p = 1; p < Pairs; p++) begin : gen_pair
    for (genvar b = 0; b < Width; b++) begin : gen_bit
      assign chain[p*Width+b] = !select_i[p+1] ? chain[(p-1)*Width+b]
                              : chain[(p-1)*Width+b] ? words[(2*p+1)*Width+b]
                                                     : words[2*p*Width+b];
    end
  end

endmodule
