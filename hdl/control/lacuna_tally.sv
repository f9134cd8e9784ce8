// A counter that begins anew when it is told to, and adds up to 255 in any other cycle.
//
// Throughput: one sum a cycle.
// Latency:    the sum as of the cycle before.
module lacuna_tally #(
  parameter logic [15:0] First = 16'd0
) (
  input  logic        clk_i,

  input  logic        begin_i,
  input  logic [7:0]  add_i,
  output logic [31:0] sum_o
);

  logic [31:0] sum_q;

  assign sum_o = sum_q;

  always_ff @(posedge clk_i) sum_q <= begin_i ? 32'(First) : sum_q + 32'(add_i);

endmodule
