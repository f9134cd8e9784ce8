// The charge-domain macro, in integers: 64 rows in four quarters, bit-sliced columns, a readout of
// few bits normalised by the enabled rows. Behind the ports of lacuna_macro.
//
// Contract:   words, weights, `room_o`, `taken_o` and sums as lacuna_macro; beside them the mode,
//             the bits of inputs, weights and readout, which hold during a job. Gating `off`
//             enables all quarters, `row` those with a row that is not 0, `digit` chooses plane by
//             plane. XNOR knows no 0: a quarter is enabled if it has rows. `digits_o` counts word
//             lines that are driven, once for all columns.
// Throughput: a plane of 64 rows and ReduceColumns columns takes 1 cycle where nothing is enabled,
//             else 16 / Lanes cycles a quarter and readout bits + weight bits + 4.
// Latency:    sums leave in the cycle after a group's last plane.
module lacuna_charge_macro #(
  parameter  int unsigned Lanes         = 8,
  parameter  int unsigned Pages         = 512,
  parameter  int unsigned ReduceColumns = 4,
  parameter  int unsigned AccBits       = 22,
  localparam int unsigned Columns       = 2 * Lanes,
  localparam int unsigned SumBits       = AccBits + $clog2(Lanes),
  localparam int unsigned LaneWidth     = $clog2(Lanes),
  localparam int unsigned PageWidth     = $clog2(Pages),
  localparam int unsigned CountWidth    = $clog2(Columns + 1),
  localparam int unsigned GroupWidth    = lacuna_pkg::index_width(Columns / ReduceColumns),
  localparam int unsigned DigitsWidth   = $clog2(Lanes + 1)
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  input  logic                             start_i,
  input  logic [1:0]                       gating_i,
  input  logic                             mode_i,          // ChargeAnd or ChargeXnor
  input  logic [3:0]                       input_bits_i,    // 1 to 9
  input  logic [3:0]                       weight_bits_i,   // 1 to 8
  input  logic [3:0]                       readout_bits_i,  // 3 to 8

  input  logic                             weight_we_i,
  input  logic [LaneWidth-1:0]             weight_lane_i,
  input  logic [PageWidth-1:0]             weight_page_i,
  input  logic [Columns*8-1:0]             weight_data_i,

  output logic                             room_o,
  input  logic                             word_valid_i,
  input  logic [Columns*9-1:0]             word_data_i,
  input  logic [CountWidth-1:0]            word_count_i,
  input  logic [PageWidth-1:0]             word_page_i,
  input  logic                             word_last_i,

  output logic                             taken_o,
  output logic                             sum_valid_o,
  output logic [GroupWidth-1:0]            sum_group_o,
  output logic [ReduceColumns*SumBits-1:0] sums_o,

  output logic [DigitsWidth-1:0]           digits_o,
  output logic                             stall_feed_o,
  output logic                             stall_reduce_o
);

  localparam int unsigned Quarters     = lacuna_spec_pkg::ChargeQuarters;
  localparam int unsigned Planes       = lacuna_spec_pkg::ChargeInputBitsMax;
  localparam int unsigned QuarterPages = lacuna_spec_pkg::ChargeRows / Quarters / Lanes;
  localparam int unsigned BlockWords   = lacuna_spec_pkg::ChargeRows / Columns;
  localparam int unsigned IndexWidth   = $clog2(BlockWords);
  localparam int unsigned StepWidth    = $clog2(QuarterPages);
  localparam int unsigned Groups       = Columns / ReduceColumns;

  localparam logic [3:0] Wait = 4'd0, Scan = 4'd1, Plane = 4'd2, Count = 4'd3, Settle = 4'd4;
  localparam logic [3:0] Read = 4'd5, Fold = 4'd6, Add = 4'd7, Store = 4'd8;

  logic [3:0]             state_q, at_q, plane_q;
  logic [GroupWidth-1:0]  group_q;
  logic [IndexWidth-1:0]  index_q;
  logic [IndexWidth:0]    words_q;
  logic                   last_q, first_q, fresh_q;
  logic [Quarters-1:0]    left_q;
  logic [StepWidth-1:0]   step_q;
  logic [2:0]             quarters_q;
  logic [6:0]             rows_q;
  logic [Quarters*Planes-1:0] enabled_q;  // a bit a plane

  // Rows of the block.
  logic                   is_xnor;
  logic                   ready, last, freeing;
  logic [IndexWidth-1:0]  index;
  logic [CountWidth-1:0]  count;
  logic [PageWidth-1:0]   page;
  logic [Planes-1:0]      planes, enables;
  logic [Lanes-1:0]       drive, ones;
  logic [DigitsWidth-1:0] driven;

  lacuna_charge_rows #(.Lanes(Lanes), .Pages(Pages)) u_rows (
    .clk_i,
    .rst_ni,
    .start_i,
    .room_o,
    .word_valid_i,
    .word_data_i,
    .word_count_i,
    .word_page_i,
    .word_last_i,
    .ready_o     (ready),
    .index_i     (index),
    .second_i    (step_q[0]),
    .plane_i     (plane_q),
    .count_o     (count),
    .page_o      (page),
    .last_o      (last),
    .planes_o    (planes),
    .words_i     (words_q),
    .all_i       (is_xnor),
    .drive_o     (drive),
    .ones_o      (ones),
    .driven_o    (driven),
    .free_i      (freeing),
    .free_last_i (last_q)
  );

  assign is_xnor = mode_i == lacuna_spec_pkg::ChargeXnor;

  // Which planes a scanned word enables in its quarter.
  always_comb begin
    enables = planes;
    if (is_xnor) enables = '1;
    else if (gating_i != lacuna_spec_pkg::GatingDigit) enables = {Planes{planes != '0}};
  end

  // Enabled quarters of the plane, and the one that is read.
  logic [Quarters-1:0] enabled, rest;
  logic [1:0]          quarter;
  logic [2:0]          quarters;
  int unsigned         plane;

  assign plane = 32'(plane_q);

  always_comb begin
    quarter  = '0;
    quarters = '0;
    for (int unsigned q = 0; q < Quarters; q++) begin
      enabled[q] = enabled_q[Planes*q+plane];
      quarters   = quarters + 3'(enabled[q]);
    end
    for (int unsigned q = Quarters; q > 0; q--) begin
      if (left_q[q-1]) quarter = 2'(q - 1);
    end
    rest          = left_q;
    rest[quarter] = 1'b0;
  end

  if (QuarterPages > 2) begin : gen_index
    assign index = (state_q == Scan) ? index_q : {quarter, step_q[StepWidth-1:1]};
  end else begin : gen_index
    assign index = (state_q == Scan) ? index_q : quarter;
  end

  // The page that is counted: word lines, and a cycle later its weights.
  logic             count_q;
  logic [Lanes-1:0] drive_q, ones_q;

  always_ff @(posedge clk_i) begin
    drive_q <= drive;
    ones_q  <= ones;
  end

  logic [Lanes*Columns*8-1:0] weights;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    lacuna_ram_1r1w #(.Words(Pages), .WordBytes(Columns)) u_weights (
      .clk_i,
      .rd_en_i  (state_q == Count),
      .rd_addr_i(page),
      .rd_data_o(weights[Columns*8*l +: Columns*8]),
      .wr_be_i  ({Columns{weight_we_i && weight_lane_i == LaneWidth'(l)}}),
      .wr_addr_i(weight_page_i),
      .wr_data_i(weight_data_i)
    );
  end

  logic [ReduceColumns*SumBits-1:0] sums, held, totals;

  for (genvar c = 0; c < ReduceColumns; c++) begin : gen_column
    logic [8*Lanes-1:0] of_column;

    always_comb begin
      for (int unsigned l = 0; l < Lanes; l++) begin
        of_column[8*l +: 8] = weights[8*(Columns*l+ReduceColumns*group_q+c) +: 8];
      end
    end

    lacuna_charge_column #(.Lanes(Lanes), .SumBits(SumBits)) u_column (
      .clk_i,
      .xnor_i        (is_xnor),
      .clear_i       (state_q == Plane),
      .count_i       (count_q),
      .drive_i       (drive_q),
      .input_i       (ones_q),
      .weights_i     (of_column),
      .shift_i       (state_q == Read && at_q != readout_bits_i),
      .first_i       (at_q == '0),
      .round_i       (state_q == Read && at_q == readout_bits_i),
      .quarters_i    (quarters_q),
      .readout_bits_i,
      .fold_i        (state_q == Fold),
      .fold_first_i  (at_q == weight_bits_i - 1'b1),
      .slice_i       (at_q[2:0]),
      .rows_i        (rows_q),
      .add_i         (state_q == Add),
      .skip_i        (state_q == Plane && enabled == '0),
      .new_i         (fresh_q),
      .minus_i       (fresh_q && !is_xnor),
      .sum_o         (sums[SumBits*c +: SumBits])
    );

    assign totals[SumBits*c +: SumBits] = sums[SumBits*c +: SumBits]
                                        + (first_q ? '0 : held[SumBits*c +: SumBits]);
  end

  lacuna_ram_lut #(.Words(1 << GroupWidth), .Width(ReduceColumns * SumBits)) u_totals (
    .clk_i,
    .wr_en_i  (state_q == Store),
    .wr_addr_i(group_q),
    .wr_data_i(totals),
    .rd_en_i  (1'b1),
    .rd_addr_i(group_q),
    .rd_data_o(held)
  );

  logic last_group, plane_ends;

  assign last_group = group_q == GroupWidth'(Groups - 1);
  assign freeing    = state_q == Store && last_group;
  assign taken_o    = freeing && last_q;
  assign plane_ends = state_q == Add || (state_q == Plane && enabled == '0);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q      <= Wait;
      count_q      <= 1'b0;
      first_q      <= 1'b1;
      sum_valid_o  <= 1'b0;
      digits_o     <= '0;
      stall_feed_o <= 1'b0;
    end else begin
      // Once for all columns.
      digits_o     <= (state_q == Count && group_q == '0) ? driven : '0;
      stall_feed_o <= state_q == Wait && !ready;
      sum_valid_o  <= state_q == Store && last_q;
      count_q      <= state_q == Count;
      if (freeing) first_q <= last_q;
      unique case (state_q)
        Wait: if (ready) state_q <= Scan;
        Scan: if (last || index_q == IndexWidth'(BlockWords - 1)) state_q <= Plane;
        Plane: if (enabled != '0) state_q <= Count; else if (plane_q == '0) state_q <= Store;
        Count: if (rest == '0 && &step_q) state_q <= Settle;
        Settle: state_q <= Read;
        Read: if (at_q == readout_bits_i) state_q <= Fold;
        Fold: if (at_q == '0) state_q <= Add;
        Add: state_q <= (plane_q == '0) ? Store : Plane;
        default: state_q <= last_group ? Wait : Plane;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    index_q <= (state_q == Scan) ? index_q + 1'b1 : '0;
    if (state_q == Scan) begin
      words_q <= {1'b0, index_q} + 1'b1;
      last_q  <= last;
      rows_q  <= ((index_q == '0) ? '0 : rows_q) + 7'(count);
    end
    for (int unsigned q = 0; q < Quarters; q++) begin
      if (state_q == Wait) begin
        enabled_q[Planes*q +: Planes] <= {Planes{gating_i == lacuna_spec_pkg::GatingOff}};
      end else if (state_q == Scan && index_q[IndexWidth-1 -: 2] == 2'(q)) begin
        enabled_q[Planes*q +: Planes] <= enabled_q[Planes*q +: Planes] | enables;
      end
    end
    if (state_q == Scan) group_q <= '0;
    else if (state_q == Store) group_q <= group_q + 1'b1;
    if (state_q == Scan || state_q == Store) begin
      plane_q <= input_bits_i - 1'b1;
      fresh_q <= 1'b1;
    end else if (plane_ends) begin
      plane_q <= plane_q - 1'b1;
      fresh_q <= 1'b0;
    end
    if (state_q == Plane) begin
      left_q     <= enabled;
      quarters_q <= quarters;
      step_q     <= '0;
    end else if (state_q == Count) begin
      step_q <= step_q + 1'b1;
      if (&step_q) left_q <= rest;
    end
    if (state_q == Read) at_q <= (at_q == readout_bits_i) ? weight_bits_i - 1'b1 : at_q + 1'b1;
    else if (state_q == Fold) at_q <= at_q - 1'b1;
    else at_q <= '0;
    sum_group_o <= group_q;
    sums_o      <= totals;
  end

  assign stall_reduce_o = 1'b0;
endmodule
