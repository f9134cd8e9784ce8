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
  input  logic                rst_ni,

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
  output logic                last_2_o,
  output logic                last_o
);

  // Counts from 1. `base_q` are the addresses at the start of a turn of level 1 and of level 2.
  logic [9:0]          count_0_q, count_1_q, count_2_q;
  logic [AddrBits-1:0] base_1_q, base_2_q, from, step, next;
  logic                last_1;

  assign last_0_o = count_0_q == count_0_i;
  assign last_1   = count_1_q == count_1_i;
  assign last_2_o = count_2_q == count_2_i;
  assign last_o   = last_0_o && last_1 && last_2_o;

  always_comb begin
    from = addr_o;
    step = step_0_i;
    if (last_0_o) begin
      from = last_1 ? base_2_q : base_1_q;
      step = last_1 ? step_2_i : step_1_i;
    end
    next = from + step;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || start_i) begin
      count_0_q <= 10'd1;
      count_1_q <= 10'd1;
      count_2_q <= 10'd1;
    end else if (step_i) begin
      count_0_q <= last_0_o ? 10'd1 : count_0_q + 1'b1;
      if (last_0_o) count_1_q <= last_1 ? 10'd1 : count_1_q + 1'b1;
      if (last_0_o && last_1) count_2_q <= count_2_q + 1'b1;
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
      if (last_0_o && last_1) base_2_q <= next;
    end
  end

endmodule
