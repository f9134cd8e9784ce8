// Adds one of two operands.
//
// Contract: sum_o = a_i + (select_i ? b_i : c_i), modulo 2^Width.
// Latency:  combinational.
//
// `hdl/tech/ecp5` holds the same on carry cells, one bit each.
module lacuna_select_add #(
  parameter int unsigned Width = 10
) (
  input  logic [Width-1:0] a_i,
  input  logic [Width-1:0] b_i,
  input  logic [Width-1:0] c_i,
  input  logic             select_i,

  output logic [Width-1:0] sum_o
);

  assign sum_o = a_i + (select_i ? b_i : c_i);

endmodule
