// Adds to a value that is kept or dropped.
//
// Contract: sum_o = (keep_i ? a_i : 0) + b_i, modulo 2^Width.
// Latency:  combinational.
//
// `hdl/tech/ecp5` holds the same on carry cells, one bit each.
module lacuna_keep_add #(
  parameter int unsigned Width = 20
) (
  input  logic [Width-1:0] a_i,
  input  logic             keep_i,
  input  logic [Width-1:0] b_i,

  output logic [Width-1:0] sum_o
);

  assign sum_o = (a_i & {Width{keep_i}}) + b_i;

endmodule
