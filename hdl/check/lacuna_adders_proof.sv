// Proves lacuna_xor_add, lacuna_select_add and lacuna_keep_add, as RTL and as carry cells, against
// plain arithmetic, and lacuna_pick with lacuna_pick_select against an index.
module lacuna_adders_proof #(
  parameter  int unsigned Width     = 9,
  parameter  int unsigned Words     = 8,
  localparam int unsigned WordWidth = lacuna_pkg::index_width(Words)
) (
  input logic             clk_i,
  input logic             en_i,
  input logic [Width-1:0] a_i,
  input logic [Width-1:0] b_i,
  input logic [Width-1:0] c_i,
  input logic [Width-1:0] d_i,
  input logic             carry_i,
  input logic             select_i,

  input logic [Words*Width-1:0] words_i,
  input logic [WordWidth-1:0]   word_i
);

  logic [Width-1:0] xor_sum, select_sum, keep_sum, one, other, chosen, kept, picked;
  logic [(Words+1)/2:0] pick_select;

  lacuna_xor_add #(.Width(Width)) u_xor (
    .en_i, .a_i, .b_i, .c_i, .d_i, .carry_i, .sum_o(xor_sum)
  );

  lacuna_select_add #(.Width(Width)) u_select (
    .en_i, .a_i, .b_i, .c_i, .select_i, .sum_o(select_sum)
  );

  lacuna_keep_add #(.Width(Width)) u_keep (
    .en_i, .a_i, .keep_i(select_i), .b_i, .sum_o(keep_sum)
  );

  lacuna_pick_select #(.Words(Words)) u_pick_select (.word_i, .select_o(pick_select));

  lacuna_pick #(.Words(Words), .Width(Width)) u_pick (
    .en_i, .words_i, .select_i(pick_select), .word_o(picked)
  );

  assign one    = a_i ^ b_i;
  assign other  = c_i ^ d_i;
  assign chosen = select_i ? b_i : c_i;
  assign kept   = select_i ? a_i : '0;

  always_ff @(posedge clk_i) begin
    sums_inverted_operands: assert (!en_i || xor_sum == Width'(one + other + Width'(carry_i)));
    sums_the_chosen_operand: assert (!en_i || select_sum == Width'(a_i + chosen));
    sums_what_is_kept: assert (!en_i || keep_sum == Width'(kept + b_i));
    picks_the_word: assert (!en_i || 32'(word_i) >= Words
                          || picked == words_i[Width*word_i +: Width]);
  end

endmodule
