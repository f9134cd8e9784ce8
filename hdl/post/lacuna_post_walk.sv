// Walks the output words of `run` and `post`: three nested loops over byte addresses.
//
// Contract:   counts and steps are held from `start_i` to the last step. Level 0 is the innermost;
//             counts are at least 1. Addresses wrap at the end of the tile memory.
// Throughput: one step a cycle.
// Latency:    the first address one cycle after `start_i`, the next one cycle after a step.
module lacuna_post_walk #(
  parameter int unsigned AddrBits = 15
) (
  input  logic                clk_i,

  input  logic                start_i,
  input  logic [AddrBits-1:0] origin_i,
  input  logic [9:0]          count_0_i,
  input  logic [9:0]          count_1_i,
  input  logic [9:0]          count_2_i,
  input  logic [AddrBits-1:0] step_0_i,
  input  logic [AddrBits-1:0] step_1_i,
  input  logic [AddrBits-1:0] step_2_i,

  input  logic                step_i,
  output logic [AddrBits-1:0] addr_o,
  output logic                last_0_o,
  output logic                last_1_o,
  output logic                last_2_o,
  output logic                last_o
);

  // The addresses at the start of a turn of level 1 and of level 2.
  logic [AddrBits-1:0] base_1_q, base_2_q, from, step, next;

  assign last_o = last_0_o && last_1_o && last_2_o;

  lacuna_left #(.Width(10)) u_left_0 (
    .clk_i, .en_i(start_i || step_i),
    .set_i(start_i || last_0_o), .turns_i(count_0_i), .last_o(last_0_o)
  );

  lacuna_left #(.Width(10)) u_left_1 (
    .clk_i, .en_i(start_i || (step_i && last_0_o)),
    .set_i(start_i || last_1_o), .turns_i(count_1_i), .last_o(last_1_o)
  );

  lacuna_left #(.Width(10)) u_left_2 (
    .clk_i, .en_i(start_i || (step_i && last_0_o && last_1_o)),
    .set_i(start_i), .turns_i(count_2_i), .last_o(last_2_o)
  );

  // A simulator skips it unless there is a step.
  always_comb begin
    {from, step, next} = 'x;
    if (step_i) begin
      from = addr_o;
      step = step_0_i;
      if (last_0_o) begin
        from = last_1_o ? base_2_q : base_1_q;
        step = last_1_o ? step_2_i : step_1_i;
      end
      next = from + step;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      addr_o   <= origin_i;
      base_1_q <= origin_i;
      base_2_q <= origin_i;
    end else if (step_i) begin
      addr_o <= next;
      if (last_0_o) base_1_q <= next;
      if (last_0_o && last_1_o) base_2_q <= next;
    end
  end

endmodule
