// The compute-in-memory macro: Lanes x 2 Lanes cells behind a stream of row words.
//
// Contract:   a row word is taken in the cycle it is valid; the feeder reads `room_o` FeedLatency -
//             1 cycles ahead and keeps at most lacuna_pkg::vectors_in_flight vectors between first
//             window and `taken_o`. `start_i` comes when all vectors have left: the next has tag 0.
//             Weights may be written at any time, a page only while no row uses it. At 8-bit digits
//             (lacuna_pkg::double_feed) a second row word may come with a whole one.
// Throughput: one row word (2 Lanes rows), or two, in and Lanes digit slots a cycle; ReduceColumns
//             sums in lacuna_pkg::group_cycles.
// Latency:    see hdl/README.md; counters are one cycle late.
module lacuna_macro #(
  parameter  int unsigned Lanes         = 8,
  parameter  int unsigned Pages         = 512,
  parameter  int unsigned DigitBits     = 4,
  parameter  int unsigned ReduceColumns = 4,
  parameter  int unsigned Slack         = 1,
  parameter  int unsigned AccBits       = 22,
  parameter  bit          Monitor       = 1'b0,
  localparam int unsigned Columns       = 2 * Lanes,
  localparam int unsigned SumBits       = AccBits + $clog2(Lanes),
  localparam int unsigned LaneWidth     = $clog2(Lanes),
  localparam int unsigned Tags          = lacuna_pkg::vectors_in_flight(Slack),
  localparam int unsigned TagBits       = lacuna_pkg::tag_bits(Slack),
  localparam int unsigned PageWidth     = $clog2(Pages),
  localparam int unsigned CountWidth    = $clog2(Columns + 1),
  localparam int unsigned GroupWidth    = lacuna_pkg::index_width(Columns / ReduceColumns),
  localparam int unsigned DigitsWidth   = $clog2(Lanes + 1)
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  input  logic                             start_i,
  input  logic [1:0]                       gating_i,

  input  logic                             weight_we_i,
  input  logic [LaneWidth-1:0]             weight_lane_i,
  input  logic [PageWidth-1:0]             weight_page_i,
  input  logic [Columns*8-1:0]             weight_data_i,

  output logic                             room_o,
  input  logic                             word_valid_i,
  input  logic [Columns*9-1:0]             word_data_i,   // differences, signed, -255 to 255
  // The row word after it comes too; of no effect without lacuna_pkg::double_feed.
  input  logic                             word_double_i,
  input  logic [Columns*9-1:0]             word_next_i,
  input  logic [CountWidth-1:0]            word_count_i,  // rows present, 1 to Columns
  input  logic [PageWidth-1:0]             word_page_i,
  input  logic [TagBits-1:0]               word_tag_i,
  input  logic                             word_last_i,   // the last word of its vector
  // The gating mode holds for this vector, else `off`; 1 unless Monitor.
  input  logic                             word_gated_i,

  output logic                             taken_o,
  output logic                             sum_valid_o,
  output logic [GroupWidth-1:0]            sum_group_o,
  output logic [ReduceColumns*SumBits-1:0] sums_o,

  output logic [DigitsWidth-1:0]           digits_o,
  output logic                             stall_feed_o,
  output logic                             stall_reduce_o
);

  // At 8-bit digits a lane needs no recoding, and cells have multipliers.
  localparam bit          Whole      = DigitBits == 8;
  localparam bit          Double     = lacuna_pkg::double_feed(DigitBits, Lanes);
  localparam int unsigned Rows       = Double ? 4 : 2;  // that a lane is handed at once
  localparam int unsigned GroupBits  = ReduceColumns * SumBits;
  localparam int unsigned Pairs      = (Columns / ReduceColumns + 1) / 2;
  localparam int unsigned Parts      = lacuna_pkg::parts(Lanes, ReduceColumns);

  if (Lanes != 2 && Lanes != 4 && Lanes != 8) begin : gen_bad_lanes
    $error("lacuna_macro: Lanes is %0d; choose 2, 4 or 8", Lanes);
  end
  if (DigitBits != 2 && DigitBits != 4 && DigitBits != 8) begin : gen_bad_digits
    $error("lacuna_macro: DigitBits is %0d; choose 2, 4 or 8", DigitBits);
  end
  if (Slack != 1 && Slack != 2 && Slack != 4 && Slack != 8) begin : gen_bad_slack
    $error("lacuna_macro: Slack is %0d; choose 1, 2, 4 or 8", Slack);
  end
  if (Slack != 1 && Lanes == 2) begin : gen_serial_slack
    $error("lacuna_macro: Slack is %0d; two lanes have 1", Slack);
  end
  if (Columns % ReduceColumns != 0) begin : gen_bad_reduce
    $error("lacuna_macro: ReduceColumns is %0d; it must divide %0d", ReduceColumns, Columns);
  end

  // Vectors handed over whole, modulo twice the tags.
  logic [TagBits:0] fed_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) fed_q <= '0;
    else if (start_i) fed_q <= '0;
    else if (word_valid_i && word_last_i) fed_q <= fed_q + 1'b1;
  end

  logic [Lanes-1:0]           room, busy, issuing, starved, blocked;
  logic [Lanes*GroupBits-1:0] shown;
  logic [Lanes-1:0]           inverted;
  logic [Pairs:0]             show_select;
  logic [Parts-1:0]           show_end;
  logic                       show, freed, gate_zero;

  assign room_o    = &room;
  assign gate_zero = (gating_i != lacuna_spec_pkg::GatingOff) && (word_gated_i || !Monitor);

  // Of the vectors in flight, by tag: they are gated by digits.
  logic [Tags-1:0] essential, gated;

  assign essential = gated & {Tags{gating_i == lacuna_spec_pkg::GatingDigit}};

  if (Monitor && !Whole) begin : gen_gated
    logic [Tags-1:0] gated_q;
    always_ff @(posedge clk_i) begin
      if (word_valid_i) gated_q[word_tag_i] <= word_gated_i;
    end
    assign gated = gated_q;
  end else begin : gen_all_gated
    logic unused;
    assign unused = ^{essential, word_gated_i};
    assign gated  = '1;
  end

  if (!Double) begin : gen_single
    logic unused;
    assign unused = ^{word_double_i, word_next_i};
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [8:0]           first, second;
    logic [9*Rows-1:0]    rows;
    logic [Rows-1:0]      live;
    logic                 issue, retire, push, weight_we;
    logic [PageWidth-1:0] page;

    assign first   = word_data_i[9*l +: 9];
    assign second  = word_data_i[9*(l+Lanes) +: 9];

    if (Double) begin : gen_four
      assign rows = {word_next_i[9*(l+Lanes) +: 9], word_next_i[9*l +: 9], second, first};
    end else begin : gen_two
      assign rows = {second, first};
    end

    always_comb begin
      live = 'x;
      if (word_valid_i) begin
        live[0] = word_count_i > CountWidth'(l) && !(gate_zero && first == '0);
        live[1] = word_count_i > CountWidth'(l + Lanes) && !(gate_zero && second == '0);
        for (int unsigned r = 2; r < Rows; r++) begin
          live[r] = word_double_i && !(gate_zero && rows[9*r +: 9] == '0);
        end
      end
    end

    assign push      = word_valid_i && live != '0;
    assign weight_we = weight_we_i && weight_lane_i == LaneWidth'(l);

    if (Whole) begin : gen_whole
      logic       negative;
      logic [7:0] ones;

      lacuna_lane_whole #(.Pages(Pages), .Rows(Rows), .Slack(Slack)) u_lane (
        .clk_i,
        .rst_ni,
        .start_i,
        .push_i       (push),
        .push_tag_i   (word_tag_i),
        .push_page_i  (word_page_i),
        .push_live_i  (live),
        .push_rows_i  (rows),
        .fed_i        (fed_q),
        .room_o       (room[l]),
        .freed_i      (freed),
        .busy_o       (busy[l]),
        .issue_o      (issue),
        .retire_o     (retire),
        .page_o       (page),
        .negative_o   (negative),
        .ones_o       (ones),
        .issuing_o    (issuing[l]),
        .starved_o    (starved[l]),
        .blocked_o    (blocked[l])
      );

      lacuna_cells_whole #(
        .Lanes        (Lanes),
        .Pages        (Pages),
        .ReduceColumns(ReduceColumns),
        .Slack        (Slack),
        .AccBits      (AccBits)
      ) u_cells (
        .clk_i,
        .rst_ni,
        .issue_i      (issue),
        .retire_i     (retire),
        .page_i       (page),
        .negative_i   (negative),
        .ones_i       (ones),
        .weight_we_i  (weight_we),
        .weight_page_i,
        .weight_data_i,
        .show_i       (show),
        .show_select_i(show_select),
        .show_end_i   (show_end),
        .shown_o      (shown[GroupBits*l +: GroupBits])
      );

      assign inverted[l] = 1'b0;
    end else begin : gen_slots
      localparam int unsigned PlaneWidth = $clog2(8 / DigitBits);
      localparam int unsigned SlotTerms  = DigitBits / 2;

      logic [PlaneWidth-1:0]  plane;
      logic [3*SlotTerms-1:0] terms;

      lacuna_lane #(.Pages(Pages), .DigitBits(DigitBits), .Slack(Slack)) u_lane (
        .clk_i,
        .rst_ni,
        .start_i,
        .essential_i  (essential),
        .push_i       (push),
        .push_tag_i   (word_tag_i),
        .push_page_i  (word_page_i),
        .push_live_i  (live),
        .push_first_i (first),
        .push_second_i(second),
        .fed_i        (fed_q),
        .room_o       (room[l]),
        .freed_i      (freed),
        .busy_o       (busy[l]),
        .issue_o      (issue),
        .retire_o     (retire),
        .page_o       (page),
        .plane_o      (plane),
        .terms_o      (terms),
        .issuing_o    (issuing[l]),
        .starved_o    (starved[l]),
        .blocked_o    (blocked[l])
      );

      lacuna_cells #(
        .Lanes        (Lanes),
        .Pages        (Pages),
        .DigitBits    (DigitBits),
        .ReduceColumns(ReduceColumns),
        .Slack        (Slack),
        .AccBits      (AccBits)
      ) u_cells (
        .clk_i,
        .rst_ni,
        .issue_i      (issue),
        .retire_i     (retire),
        .page_i       (page),
        .plane_i      (plane),
        .terms_i      (terms),
        .weight_we_i  (weight_we),
        .weight_page_i,
        .weight_data_i,
        .show_i       (show),
        .show_select_i(show_select),
        .show_end_i   (show_end),
        .shown_o      (shown[GroupBits*l +: GroupBits]),
        .inverted_o   (inverted[l])
      );
    end
  end

  lacuna_reduce #(
    .Lanes        (Lanes),
    .ReduceColumns(ReduceColumns),
    .SumBits      (SumBits),
    .GroupCycles  (lacuna_pkg::group_cycles(Lanes))
  ) u_reduce (
    .clk_i,
    .rst_ni,
    .busy_i       (busy),
    .freed_o      (freed),
    .taken_o,
    .show_o       (show),
    .show_select_o(show_select),
    .show_end_o   (show_end),
    .shown_i      (shown),
    .inverted_i   (inverted),
    .sum_valid_o,
    .sum_group_o,
    .sums_o
  );

  // Counters, off the critical path.
  logic [DigitsWidth-1:0] digits;

  always_comb begin
    digits = '0;
    for (int unsigned l = 0; l < Lanes; l++) digits = digits + DigitsWidth'(issuing[l]);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      digits_o       <= '0;
      stall_feed_o   <= 1'b0;
      stall_reduce_o <= 1'b0;
    end else begin
      digits_o       <= digits;
      stall_feed_o   <= issuing == '0 && starved != '0;
      stall_reduce_o <= blocked != '0;
    end
  end

endmodule
