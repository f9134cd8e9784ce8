// What a count is next: a value that it is set to, or one more, or one less.
//
// Latency: combinational; the register is the user's.
module lacuna_count #(
  parameter int unsigned Width = 10,
  parameter bit          Down  = 1'b0
) (
  // Take `value_i` instead of going on.
  input  logic             set_i,
  input  logic [Width-1:0] value_i,
  input  logic [Width-1:0] count_i,
  output logic [Width-1:0] next_o
);

  localparam logic [Width-1:0] Step = Down ? '1 : Width'(1);

  assign next_o = set_i ? value_i : count_i + Step;

endmodule
