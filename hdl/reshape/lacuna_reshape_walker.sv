// Five nested loops over two addresses in step: where a beat is read and where it goes.
//
// Each level keeps the address at which its present iteration began, so that a step is one
// addition: the innermost level that is not at its end moves on from its own address, and the
// levels inside it begin there.
//
// Contract:   `load_i` registers the job and puts both addresses at their start. Each `step_i`
//             moves to the next beat; `last_o` tells that the present beat is the last. Addresses
//             wrap at 2^AddrBits. No count may be 0.
// Throughput: one step a cycle.
// Latency:    one cycle.
module lacuna_reshape_walker #(
  parameter int unsigned AddrBits = 15,
  // Keep a copy of the job; else `job_i` is held until the last step.
  parameter bit          Hold     = 1'b1
) (
  input  logic                      clk_i,

  input  logic                      load_i,
  input  lacuna_spec_pkg::reshape_t job_i,

  input  logic                      step_i,
  output logic                      last_o,
  // Levels 0 and 1 are in their last iteration.
  output logic [1:0]                ends_o,
  output logic [AddrBits-1:0]       source_o,
  output logic [AddrBits-1:0]       target_o
);

  localparam int unsigned Levels = lacuna_spec_pkg::ReshapeLevels;
  localparam int unsigned CountBits = 11;

  logic [Levels-1:0][CountBits-1:0] count, count_q, left_q;
  logic [Levels-1:0][AddrBits-1:0]  source_step, source_step_q, source_q;
  logic [Levels-1:0][AddrBits-1:0]  target_step, target_step_q, target_q;

  assign count = {job_i.count_4, job_i.count_3, job_i.count_2, job_i.count_1, job_i.count_0};
  assign source_step = {
    job_i.source_step_4[AddrBits-1:0], job_i.source_step_3[AddrBits-1:0],
    job_i.source_step_2[AddrBits-1:0], job_i.source_step_1[AddrBits-1:0],
    job_i.source_step_0[AddrBits-1:0]
  };
  assign target_step = {
    job_i.target_step_4[AddrBits-1:0], job_i.target_step_3[AddrBits-1:0],
    job_i.target_step_2[AddrBits-1:0], job_i.target_step_1[AddrBits-1:0],
    job_i.target_step_0[AddrBits-1:0]
  };

  // The fields of the descriptor that are not the walk's.
  logic unused;
  assign unused = ^job_i;

  // `ends[l]`: level l is in its last iteration. `moves[l]`: it begins a new iteration or, being
  // inside the level that does, starts over.
  logic [Levels-1:0]   ends, turns, moves;
  logic [AddrBits-1:0] source_from, source_by, target_from, target_by;

  always_comb begin
    for (int unsigned l = 0; l < Levels; l++) ends[l] = left_q[l] == CountBits'(1);
  end

  assign last_o = &ends;
  assign ends_o = ends[1:0];

  // A simulator skips it unless there is a step.
  always_comb begin
    {source_from, source_by, target_from, target_by, turns, moves} = 'x;
    if (step_i) begin
      {source_from, source_by, target_from, target_by, turns, moves} = '0;
      for (int unsigned l = 0; l < Levels; l++) begin
        // Every level inside this one ends, and this one does not.
        turns[l] = !ends[l];
        for (int unsigned k = 0; k < l; k++) if (!ends[k]) turns[l] = 1'b0;
        for (int unsigned k = 0; k <= l; k++) if (turns[l]) moves[k] = 1'b1;
        source_from = source_from | (source_q[l] & {AddrBits{turns[l]}});
        source_by   = source_by | (source_step_q[l] & {AddrBits{turns[l]}});
        target_from = target_from | (target_q[l] & {AddrBits{turns[l]}});
        target_by   = target_by | (target_step_q[l] & {AddrBits{turns[l]}});
      end
    end
  end

  logic [AddrBits-1:0] source_next, target_next;

  assign source_next = source_from + source_by;
  assign target_next = target_from + target_by;
  assign source_o    = source_q[0];
  assign target_o    = target_q[0];

  if (Hold) begin : gen_hold
    always_ff @(posedge clk_i) begin
      if (load_i) begin
        count_q       <= count;
        source_step_q <= source_step;
        target_step_q <= target_step;
      end
    end
  end else begin : gen_held
    assign count_q       = count;
    assign source_step_q = source_step;
    assign target_step_q = target_step;
  end

  always_ff @(posedge clk_i) begin
    if (load_i) begin
      left_q   <= count;
      source_q <= {Levels{job_i.source[AddrBits-1:0]}};
      target_q <= {Levels{job_i.target[AddrBits-1:0]}};
    end else if (step_i) begin
      for (int unsigned l = 0; l < Levels; l++) begin
        if (moves[l]) begin
          left_q[l]   <= turns[l] ? left_q[l] - CountBits'(1) : count_q[l];
          source_q[l] <= source_next;
          target_q[l] <= target_next;
        end
      end
    end
  end

endmodule
