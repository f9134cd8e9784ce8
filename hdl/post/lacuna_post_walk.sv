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

  // Words left at each level. `base_q` are the addresses at the start of a turn of level 1 and of
  // level 2.
  logic [9:0]          left_0, left_1, left_2;
  logic [AddrBits-1:0] base_1_q, base_2_q, from, step, next;

  assign last_0_o = left_0 == 10'd1;
  assign last_1_o = left_1 == 10'd1;
  assign last_2_o = left_2 == 10'd1;
  assign last_o   = last_0_o && last_1_o && last_2_o;

  lacuna_count #(.Width(10), .Down(1'b1)) u_left_0 (
    .clk_i, .en_i(start_i || step_i),
    .set_i(start_i || last_0_o), .value_i(count_0_i), .count_o(left_0)
  );

  lacuna_count #(.Width(10), .Down(1'b1)) u_left_1 (
    .clk_i, .en_i(start_i || (step_i && last_0_o)),
    .set_i(start_i || last_1_o), .value_i(count_1_i), .count_o(left_1)
  );

  lacuna_count #(.Width(10), .Down(1'b1)) u_left_2 (
    .clk_i, .en_i(start_i || (step_i && last_0_o && last_1_o)),
    .set_i(start_i), .value_i(count_2_i), .count_o(left_2)
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
