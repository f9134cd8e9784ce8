// Multiplies two unsigned 16-bit operands and adds.
//
// Contract:   {carry_o, sum_o} = add_i + a_i * b_i of the cycle before.
// Throughput: one a cycle.
// Latency:    1 cycle.
//
// `hdl/tech/ice40` holds the same on a multiplier block with its adder.
module lacuna_mac (
  input  logic        clk_i,

  input  logic [31:0] add_i,
  input  logic [15:0] a_i,
  input  logic [15:0] b_i,

  output logic [31:0] sum_o,
  output logic        carry_o
);

  always_ff @(posedge clk_i) begin
    {carry_o, sum_o} <= {1'b0, add_i} + {1'b0, {16'b0, a_i} * {16'b0, b_i}};
  end

endmodule
