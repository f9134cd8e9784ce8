// Encodes the number of a word for lacuna_pick.
//
// Latency: combinational.
module lacuna_pick_select #(
  parameter  int unsigned Words     = 8,
  localparam int unsigned Pairs     = (Words + 1) / 2,
  localparam int unsigned WordWidth = lacuna_pkg::index_width(Words)
) (
  input  logic [WordWidth-1:0] word_i,

  output logic [Pairs:0]       select_o
);

  always_comb begin
    select_o    = '0;
    select_o[0] = word_i[0];
    select_o[1] = (word_i >> 1) != '0;
    for (int unsigned p = 1; p < Pairs; p++) select_o[p+1] = (word_i >> 1) == WordWidth'(p);
  end

endmodule
