// Adds to a value that is kept or dropped.
//
// Contract: with `en_i`, sum_o = (keep_i ? a_i : 0) + b_i, modulo 2^Width; without it, sum_o means
//           nothing.
// Latency:  combinational.
//
// A simulator does not add without `en_i`. `hdl/tech/ecp5` holds the same on carry cells, one bit
// each, which always add.
module lacuna_keep_add #(
  parameter int unsigned Width = 20
) (
  input  logic             en_i,
  input  logic [Width-1:0] a_i,
  input  logic             keep_i,
  input  logic [Width-1:0] b_i,

  output logic [Width-1:0] sum_o
);

  always_comb begin
    sum_o = 'x;
    if (en_i) sum_o = (a_i & {Width{keep_i}}) + b_i;
  end

endmodule
