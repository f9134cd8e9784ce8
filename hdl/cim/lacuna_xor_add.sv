// Adds two operands, each the exclusive or of two: an inversion or a choice costs no logic.
//
// Contract: with `en_i`, sum_o = (a_i ^ b_i) + (c_i ^ d_i) + carry_i, modulo 2^Width; without it,
//           sum_o means nothing.
// Latency:  combinational.
//
// A simulator does not add without `en_i`. `hdl/tech/ecp5` holds the same on carry cells, one bit
// each, which always add.
module lacuna_xor_add #(
  parameter int unsigned Width = 25
) (
  input  logic             en_i,
  input  logic [Width-1:0] a_i,
  input  logic [Width-1:0] b_i,
  input  logic [Width-1:0] c_i,
  input  logic [Width-1:0] d_i,
  input  logic             carry_i,

  output logic [Width-1:0] sum_o
);

  always_comb begin
    sum_o = 'x;
    if (en_i) sum_o = (a_i ^ b_i) + (c_i ^ d_i) + Width'(carry_i);
  end

endmodule
