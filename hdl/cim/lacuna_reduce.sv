// Sums a vector's columns over the lanes, one column group a cycle.
//
// Contract:   when every lane is busy, groups 0, 1, .. are issued one a cycle; `reduced_o` marks
//             the last. A group's sum is the total of the lanes' holds minus the total of the same
//             group one vector before, modulo 2^SumBits: cells do not clear their accumulators. So
//             every vector passes here, in order, and reset clears cells and totals together.
// Throughput: one group a cycle.
// Latency:    holds are read 4 cycles after a group is issued (then the retires have reached them)
//             and are on `shown_i` one later; one cycle a level of the tree and one for the
//             difference.
module lacuna_reduce #(
  parameter  int unsigned Lanes         = 8,
  parameter  int unsigned ReduceColumns = 4,
  parameter  int unsigned SumBits       = 25,
  localparam int unsigned Groups        = 2 * Lanes / ReduceColumns,
  localparam int unsigned GroupWidth    = lacuna_pkg::index_width(Groups),
  localparam int unsigned Levels        = $clog2(Lanes),
  localparam int unsigned GroupBits     = ReduceColumns * SumBits
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic [Lanes-1:0]           busy_i,
  output logic                       reduced_o,

  output logic                       show_o,
  output logic [GroupWidth-1:0]      show_group_o,
  input  logic [Lanes*GroupBits-1:0] shown_i,      // one cycle after show_o

  output logic                       sum_valid_o,
  output logic [GroupWidth-1:0]      sum_group_o,
  output logic [GroupBits-1:0]       sums_o
);

  localparam int unsigned ShowDelay = 4;
  localparam int unsigned Stages    = ShowDelay + 1 + Levels + 1;

  logic [GroupWidth-1:0] group_q;
  logic                  issue, last;

  assign issue     = &busy_i;
  assign last      = (group_q == GroupWidth'(Groups - 1));
  assign reduced_o = issue && last;

  // Stage k: k + 1 cycles after issue.
  logic [Stages-1:0]            valid_q;
  logic [Stages*GroupWidth-1:0] group_stage_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      group_q <= '0;
      valid_q <= '0;
    end else begin
      valid_q <= {valid_q[Stages-2:0], issue};
      if (issue) group_q <= last ? '0 : group_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    group_stage_q <= {group_stage_q[(Stages-1)*GroupWidth-1:0], group_q};
  end

  assign show_o       = valid_q[ShowDelay-1];
  assign show_group_o = group_stage_q[(ShowDelay-1)*GroupWidth +: GroupWidth];
  assign sum_valid_o  = valid_q[Stages-1];
  assign sum_group_o  = group_stage_q[(Stages-1)*GroupWidth +: GroupWidth];

  // Level v of the tree takes Lanes >> v summands a column and registers half as many.
  logic [GroupBits-1:0] total;

  for (genvar v = 0; v < Levels; v++) begin : gen_level
    localparam int unsigned Nodes = Lanes >> (v + 1);
    logic [2*Nodes*GroupBits-1:0] in;
    logic [Nodes*GroupBits-1:0]   sum_d, sum_q;

    if (v == 0) begin : gen_shown
      assign in = shown_i;
    end else begin : gen_below
      assign in = gen_level[v-1].sum_q;
    end
    for (genvar n = 0; n < Nodes; n++) begin : gen_node
      for (genvar c = 0; c < ReduceColumns; c++) begin : gen_column
        assign sum_d[n*GroupBits+c*SumBits +: SumBits] = in[2*n*GroupBits+c*SumBits +: SumBits]
                                                       + in[(2*n+1)*GroupBits+c*SumBits +: SumBits];
      end
    end
    always_ff @(posedge clk_i) begin
      if (valid_q[ShowDelay+v]) sum_q <= sum_d;
    end
  end

  assign total = gen_level[Levels-1].sum_q;

  // Totals of the vector before, oldest group first: groups come round in order.
  logic [Groups*GroupBits-1:0] totals_q;
  logic [GroupBits-1:0]        sums_d;

  for (genvar c = 0; c < ReduceColumns; c++) begin : gen_difference
    assign sums_d[c*SumBits +: SumBits] = total[c*SumBits +: SumBits]
                                        - totals_q[c*SumBits +: SumBits];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) totals_q <= '0;
    else if (valid_q[Stages-2]) totals_q <= (Groups*GroupBits)'({total, totals_q} >> GroupBits);
  end

  always_ff @(posedge clk_i) begin
    if (valid_q[Stages-2]) sums_o <= sums_d;
  end

endmodule
