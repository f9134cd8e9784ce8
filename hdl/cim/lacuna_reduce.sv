// Sums a vector's columns over the lanes, one column group a cycle.
//
// Contract:   when every lane is busy, groups 0, 1, .. are issued, one in GroupCycles cycles;
//             `taken_o` marks the first, `freed_o` the one with which the lanes' holds are free:
//             the last of the first columns that work in step (lacuna_pkg::part_columns). A group's
//             sum is the total of the lanes' holds minus the total of the same group one vector
//             before, modulo 2^SumBits: cells do not clear their accumulators. So every vector
//             passes here, in order. Reset clears the cells, and the totals before the first group
//             of a vector fed after it.
// Throughput: one group in GroupCycles cycles.
// Latency:    holds are read 4 cycles after a group is issued (then the retires have reached them);
//             one cycle a level of the tree and one for the difference.
module lacuna_reduce #(
  parameter  int unsigned Lanes         = 8,
  parameter  int unsigned ReduceColumns = 4,
  parameter  int unsigned SumBits       = 25,
  parameter  int unsigned GroupCycles   = 1,
  localparam int unsigned Groups        = 2 * Lanes / ReduceColumns,
  localparam int unsigned GroupWidth    = lacuna_pkg::index_width(Groups),
  localparam int unsigned Pairs         = (Groups + 1) / 2,
  localparam int unsigned PartGroups    = lacuna_pkg::part_columns(ReduceColumns) / ReduceColumns,
  localparam int unsigned Parts         = lacuna_pkg::parts(Lanes, ReduceColumns),
  localparam int unsigned Levels        = $clog2(Lanes),
  localparam int unsigned GroupBits     = ReduceColumns * SumBits
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic [Lanes-1:0]           busy_i,
  output logic                       freed_o,
  output logic                       taken_o,

  output logic                       show_o,
  output logic [Pairs:0]             show_select_o,  // for lacuna_pick
  output logic [Parts-1:0]           show_end_o,     // the last look at a part's holds
  // With show_o; a lane's sums are to be inverted where `inverted_i`.
  input  logic [Lanes*GroupBits-1:0] shown_i,
  input  logic [Lanes-1:0]           inverted_i,

  output logic                       sum_valid_o,
  output logic [GroupWidth-1:0]      sum_group_o,
  output logic [GroupBits-1:0]       sums_o
);

  localparam int unsigned ShowDelay = 4;
  localparam int unsigned Stages    = ShowDelay + Levels + 1;

  logic [GroupWidth-1:0] group_q;
  logic                  issue, last, ready;

  // Once a vector's first group is issued, its others are there when they are read.
  assign issue     = (&busy_i || group_q != '0) && ready;
  assign last      = (group_q == GroupWidth'(Groups - 1));
  assign taken_o   = issue && (group_q == '0);
  assign freed_o   = issue && (group_q == GroupWidth'(PartGroups - 1));

  if (GroupCycles == 1) begin : gen_always
    assign ready = 1'b1;
  end else begin : gen_wait
    localparam int unsigned WaitWidth = $clog2(GroupCycles);
    logic [WaitWidth-1:0] wait_q;

    assign ready = wait_q == '0;

    always_ff @(posedge clk_i) begin
      if (!rst_ni)     wait_q <= '0;
      else if (issue)  wait_q <= WaitWidth'(GroupCycles - 1);
      else if (!ready) wait_q <= wait_q - 1'b1;
    end
  end

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

  // The group of the next cycle's show_o.
  logic [GroupWidth-1:0] picked;
  logic [Pairs:0]        select;

  assign picked = group_stage_q[(ShowDelay-2)*GroupWidth +: GroupWidth];

  lacuna_pick_select #(.Words(Groups)) u_select (.word_i(picked), .select_o(select));

  always_ff @(posedge clk_i) begin
    show_select_o <= select;
    if (!rst_ni) begin
      show_end_o <= '0;
    end else begin
      for (int unsigned p = 0; p < Parts; p++) begin
        show_end_o[p] <= valid_q[ShowDelay-2] && picked == GroupWidth'((p + 1) * PartGroups - 1);
      end
    end
  end

  assign show_o      = valid_q[ShowDelay-1];
  assign sum_valid_o = valid_q[Stages-1];
  assign sum_group_o = group_stage_q[(Stages-1)*GroupWidth +: GroupWidth];

  // Level v of the tree takes Lanes >> v summands a column and registers half as many.
  logic [GroupBits-1:0] total;

  for (genvar v = 0; v < Levels; v++) begin : gen_level
    localparam int unsigned Nodes = Lanes >> (v + 1);
    logic [2*Nodes*GroupBits-1:0] in;
    logic [2*Nodes-1:0]           invert;
    logic [Nodes*GroupBits-1:0]   sum_d, sum_q;

    if (v == 0) begin : gen_shown
      assign in     = shown_i;
      assign invert = inverted_i;
    end else begin : gen_below
      assign in     = gen_level[v-1].sum_q;
      assign invert = '0;
    end
    for (genvar n = 0; n < Nodes; n++) begin : gen_node
      for (genvar c = 0; c < ReduceColumns; c++) begin : gen_column
        lacuna_xor_add #(.Width(SumBits)) u_add (
          .en_i   (valid_q[ShowDelay-1+v]),
          .a_i    (in[2*n*GroupBits+c*SumBits +: SumBits]),
          .b_i    ({SumBits{invert[2*n]}}),
          .c_i    (in[(2*n+1)*GroupBits+c*SumBits +: SumBits]),
          .d_i    ({SumBits{invert[2*n+1]}}),
          .carry_i(1'b0),
          .sum_o  (sum_d[n*GroupBits+c*SumBits +: SumBits])
        );
      end
    end
    always_ff @(posedge clk_i) begin
      if (!rst_ni) sum_q <= '0;
      else if (valid_q[ShowDelay-1+v]) sum_q <= sum_d;
    end
  end

  assign total = gen_level[Levels-1].sum_q;

  // Totals of the vector before.
  logic [GroupBits-1:0] past, sums_d;

  for (genvar c = 0; c < ReduceColumns; c++) begin : gen_difference
    assign sums_d[c*SumBits +: SumBits] = total[c*SumBits +: SumBits]
                                        - past[c*SumBits +: SumBits];
  end

  if (Groups > 4 || GroupCycles > 1) begin : gen_totals_ram
    // Cleared after reset by writing the tree's register, which is 0 until the first group: that
    // takes at least Stages cycles from a row word to there.
    logic [GroupWidth:0]   clear_q;
    logic [GroupWidth-1:0] group;
    logic                  write;

    if (Groups > Stages) begin : gen_bad_groups
      $error("lacuna_reduce: %0d groups are not cleared before the first of them", Groups);
    end

    assign group = clear_q[GroupWidth] ? group_stage_q[(Stages-2)*GroupWidth +: GroupWidth]
                                       : clear_q[GroupWidth-1:0];
    assign write = valid_q[Stages-2] || !clear_q[GroupWidth];

    always_ff @(posedge clk_i) begin
      if (!rst_ni) clear_q <= '0;
      else if (!clear_q[GroupWidth]) clear_q <= clear_q + 1'b1;
    end

    if (GroupCycles > 1) begin : gen_block
      // There is a cycle to read in before a group is written.
      localparam int unsigned Bytes = (GroupBits + 7) / 8;
      logic [8*Bytes-1:0] read;

      lacuna_ram_1r1w #(.Words(Groups), .WordBytes(Bytes)) u_totals (
        .clk_i,
        .rd_en_i  (valid_q[Stages-3]),
        .rd_addr_i(group_stage_q[(Stages-3)*GroupWidth +: GroupWidth]),
        .rd_data_o(read),
        .wr_be_i  ({Bytes{write}}),
        .wr_addr_i(group),
        .wr_data_i((8*Bytes)'(total))
      );

      assign past = read[GroupBits-1:0];

      if (8 * Bytes > GroupBits) begin : gen_spare
        logic unused;
        assign unused = ^read[8*Bytes-1:GroupBits];
      end
    end else begin : gen_lut
      lacuna_ram_lut #(.Words(Groups), .Width(GroupBits)) u_totals (
        .clk_i,
        .wr_en_i  (write),
        .wr_addr_i(group),
        .wr_data_i(total),
        .rd_en_i  (valid_q[Stages-2]),
        .rd_addr_i(group),
        .rd_data_o(past)
      );
    end
  end else begin : gen_totals_shift
    // Oldest group first: groups come round in order.
    logic [Groups*GroupBits-1:0] totals_q;

    assign past = totals_q[GroupBits-1:0];

    always_ff @(posedge clk_i) begin
      if (!rst_ni) totals_q <= '0;
      else if (valid_q[Stages-2]) totals_q <= (Groups*GroupBits)'({total, totals_q} >> GroupBits);
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_q[Stages-2]) sums_o <= sums_d;
  end

endmodule
