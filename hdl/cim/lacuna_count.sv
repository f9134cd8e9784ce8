// A count that is set, or goes on by one, up or down.
//
// Throughput: one step a cycle.
// Latency:    the count as of the cycle before.
module lacuna_count #(
  parameter int unsigned Width = 10,
  parameter bit          Down  = 1'b0
) (
  input  logic             clk_i,

  input  logic             en_i,
  // Take `value_i` instead of going on.
  input  logic             set_i,
  input  logic [Width-1:0] value_i,
  output logic [Width-1:0] count_o
);

  localparam logic [Width-1:0] Step = Down ? '1 : Width'(1);

  logic [Width-1:0] count_q;

  assign count_o = count_q;

  always_ff @(posedge clk_i) begin
    if (en_i) count_q <= set_i ? value_i : count_q + Step;
  end

endmodule
