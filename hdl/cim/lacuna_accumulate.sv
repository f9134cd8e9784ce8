// Adds two operands to a register that may be inverted first: lacuna_xor_add with its register.
//
// Contract:   with `en_i`, sum_o becomes (sum_o ^ flip_i) + (a_i ^ b_i) + carry_i, modulo 2^Width.
//             Reset makes it 0.
// Throughput: one addition a cycle.
// Latency:    1 cycle.
//
// The sum is worked out inside its clocked block: a simulator then skips it without `en_i` and
// stores it once. `hdl/tech/ecp5` holds the same on carry cells.
module lacuna_accumulate #(
  parameter int unsigned Width = 25
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             en_i,
  input  logic             flip_i,
  input  logic [Width-1:0] a_i,
  input  logic [Width-1:0] b_i,
  input  logic             carry_i,

  output logic [Width-1:0] sum_o
);

  always_ff @(posedge clk_i) begin
    if (!rst_ni)   sum_o <= '0;
    else if (en_i) sum_o <= (sum_o ^ {Width{flip_i}}) + (a_i ^ b_i) + Width'(carry_i);
  end

endmodule
