// Adds two operands, each the exclusive or of two: an inversion or a choice costs no logic.
//
// Contract: sum_o = (a_i ^ b_i) + (c_i ^ d_i) + carry_i, modulo 2^Width.
// Latency:  combinational.
//
// `hdl/tech/ecp5` holds the same on carry cells, one bit each.
module lacuna_xor_add #(
  parameter int unsigned Width = 25
) (
  input  logic [Width-1:0] a_i,
  input  logic [Width-1:0] b_i,
  input  logic [Width-1:0] c_i,
  input  logic [Width-1:0] d_i,
  input  logic             carry_i,

  output logic [Width-1:0] sum_o
);

  assign sum_o = (a_i ^ b_i) + (c_i ^ d_i) + Width'(carry_i);

endmodule
