// The cells of one lane at 2- and 4-bit digits, and the pipeline that drives them.
//
// Parts of the columns are *skewed*: each does what the part before does, as many cycles later as
// it is reduced later. So a hold register is read before the next vector's sums can come to it,
// though that vector retires as soon as the reduction has come to the first part.
//
// Contract:   `issue_i` starts one digit slot of page `page_i`; `retire_i` (with or without a slot)
//             ends a vector: the hold registers, which have room for Slack vectors, then keep what
//             the slots before this cycle added up to. A slot whose digit is 0 leaves every
//             register as it is. With `show_i`, `shown_o` is the column group that `show_select_i`
//             picks of the oldest vector kept; if `inverted_o`, it is to be inverted. `show_end_i`
//             comes with the last look at each part. Groups are shown in consecutive cycles, unless
//             there is one part. A page may be written while others are used, not while its slots
//             are under way.
// Throughput: one digit a cycle.
// Latency:    weight read 1, weight register 1, product 1, accumulate 1: a retire in cycle t is in
//             the hold registers of part 0 in t + 4, in those of the next part Skew cycles later.
module lacuna_cells #(
  parameter  int unsigned Lanes         = 8,
  parameter  int unsigned Pages         = 512,
  parameter  int unsigned DigitBits     = 4,
  parameter  int unsigned ReduceColumns = 4,
  parameter  int unsigned Slack         = 1,
  parameter  int unsigned AccBits       = 22,
  localparam int unsigned Columns       = 2 * Lanes,
  localparam int unsigned SumBits       = AccBits + $clog2(Lanes),
  localparam int unsigned PageWidth     = $clog2(Pages),
  localparam int unsigned Groups        = Columns / ReduceColumns,
  localparam int unsigned Pairs         = (Groups + 1) / 2,
  localparam int unsigned PartColumns   = lacuna_pkg::part_columns(ReduceColumns),
  localparam int unsigned Parts         = lacuna_pkg::parts(Lanes, ReduceColumns),
  localparam int unsigned PlaneWidth    = $clog2(8 / DigitBits),
  localparam int unsigned SlotTerms     = DigitBits / 2
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,

  input  logic                             issue_i,
  input  logic                             retire_i,
  input  logic [PageWidth-1:0]             page_i,
  input  logic [PlaneWidth-1:0]            plane_i,
  input  logic [3*SlotTerms-1:0]           terms_i,

  input  logic                             weight_we_i,
  input  logic [PageWidth-1:0]             weight_page_i,
  input  logic [Columns*8-1:0]             weight_data_i,

  input  logic                             show_i,
  input  logic [Pairs:0]                   show_select_i,  // as lacuna_pick wants it
  input  logic [Parts-1:0]                 show_end_i,     // the last look at a part's holds
  output logic [ReduceColumns*SumBits-1:0] shown_o,
  output logic                             inverted_o
);

  localparam int unsigned CodeBits  = (DigitBits == 2) ? 2 : 4;
  localparam int unsigned FixBits   = (DigitBits == 2) ? 3 : 2;
  localparam int unsigned GroupBits = ReduceColumns * SumBits;

  localparam int unsigned Skew        = PartColumns / ReduceColumns;
  localparam int unsigned LastSkew    = (Parts - 1) * Skew;

  // The digit as the cells want it: see lacuna_cell_row. `negate` at 4-bit digits only.
  logic                live, high, negate;
  logic [CodeBits-1:0] code;
  logic [FixBits-1:0]  fix;

  if (DigitBits == 2) begin : gen_encode_2
    assign live = issue_i && (terms_i[0] || terms_i[1]);
    assign code = terms_i[2:1];
    assign fix  = {plane_i, terms_i[2]};
    assign {high, negate} = '0;
  end else begin : gen_encode_4
    // Both terms together as +-(low + 4 high) with high >= 0. The non-adjacent 8 - 2 becomes 4 + 2.
    logic lo_one, lo_two, lo_neg, hi_one, hi_two, hi_neg, opposed, minus;
    always_comb begin
      {hi_neg, hi_two, hi_one, lo_neg, lo_two, lo_one} = '0;
      {live, high, opposed, negate, minus} = '0;
      code = '0;
      fix  = '0;
      if (issue_i) begin
        {hi_neg, hi_two, hi_one, lo_neg, lo_two, lo_one} = terms_i;
        high    = hi_one || hi_two;
        opposed = high && (lo_neg != hi_neg);
        negate  = high ? hi_neg : lo_neg;
        minus   = lo_one && opposed;
        live    = lo_one || lo_two || high;
        code    = {plane_i, hi_two && !(lo_two && opposed), lo_two || minus, lo_one};
        fix     = {plane_i && minus, minus};
      end
    end
  end

  // Index k: k + 1 cycles after issue. What steers cells travels on, from part to part.
  logic [LastSkew+2:0] live_q, retire_q;
  logic [LastSkew:0]   no_high_q, flip_q;
  // The accumulators and the holds are kept inverted.
  logic                inverted_d, inverted_q;
  logic [Parts-1:0]    hold_inverted;

  // One word a stage: a simulator shifts all at once. Of the later stages not all is looked at.
  localparam int unsigned SteerBits = 1 + FixBits + CodeBits;

  /* verilator lint_off UNUSEDSIGNAL */
  logic [(LastSkew+3)*SteerBits-1:0] steer_q;
  logic [(LastSkew+1)*PageWidth-1:0] pages_q;
  /* verilator lint_on UNUSEDSIGNAL */
  logic                              negate_next, negate_q;

  assign negate_next = steer_q[2*SteerBits-1];
  assign negate_q    = steer_q[3*SteerBits-1];
  assign inverted_d  = live_q[2] ? negate_q : inverted_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      live_q     <= '0;
      retire_q   <= '0;
      no_high_q  <= '0;
      inverted_q <= 1'b0;
    end else begin
      live_q     <= (LastSkew+3)'({live_q, live});
      retire_q   <= (LastSkew+3)'({retire_q, retire_i});
      no_high_q  <= (LastSkew+1)'({no_high_q, live && !high});
      inverted_q <= inverted_d;
    end
  end

  always_ff @(posedge clk_i) begin
    steer_q <= ((LastSkew+3)*SteerBits)'({steer_q, negate, fix, code});
    pages_q <= ((LastSkew+1)*PageWidth)'({pages_q, page_i});
    flip_q  <= (LastSkew+1)'({flip_q, (DigitBits == 4) && (negate_next != inverted_d)});
  end

  // A word a group: its holds, and whether they are inverted.
  localparam int unsigned WordBits = GroupBits + 1;

  logic [Groups*WordBits-1:0] words;
  logic                       inverted;

  for (genvar p = 0; p < Parts; p++) begin : gen_part
    localparam int unsigned Late = p * Skew;

    logic                           read, sums_inverted;
    logic [PageWidth-1:0]           page;
    logic [PartColumns*SumBits-1:0] holds;

    if (p == 0) begin : gen_now
      assign read          = live;
      assign page          = page_i;
      assign sums_inverted = inverted_q;
    end else begin : gen_later
      assign read          = live_q[Late-1];
      assign page          = pages_q[(Late-1)*PageWidth +: PageWidth];
      if (Slack == 1) begin : gen_held
        // No vector ends before the part before has shown this one.
        assign sums_inverted = hold_inverted[p-1];
      end else begin : gen_passed
        logic [Late-1:0] late_q;
        always_ff @(posedge clk_i) late_q <= Late'({late_q, inverted_q});
        assign sums_inverted = late_q[Late-1];
      end
    end

    lacuna_cell_part #(
      .Columns  (PartColumns),
      .Pages    (Pages),
      .DigitBits(DigitBits),
      .SumBits  (SumBits),
      .Slack    (Slack),
      .AccBits  (AccBits)
    ) u_part (
      .clk_i,
      .rst_ni,
      .read_i       (read),
      .page_i       (page),
      .load_i       (live_q[Late]),
      .no_high_i    (no_high_q[Late]),
      .product_en_i (live_q[Late+1]),
      .code_i       (steer_q[(Late+1)*SteerBits +: CodeBits]),
      .sum_en_i     (live_q[Late+2]),
      .fix_i        (steer_q[(Late+2)*SteerBits+CodeBits +: FixBits]),
      .flip_i       (flip_q[Late]),
      .retire_i     (retire_q[Late+2]),
      .weight_we_i,
      .weight_page_i,
      .weight_data_i(weight_data_i[8*PartColumns*p +: 8*PartColumns]),
      .inverted_i   (sums_inverted),
      .show_i,
      .show_end_i   (show_end_i[p]),
      .inverted_o   (hold_inverted[p]),
      .holds_o      (holds)
    );

    for (genvar g = 0; g < Skew; g++) begin : gen_word
      assign words[WordBits*(p*Skew+g) +: WordBits] = {
        hold_inverted[p], holds[GroupBits*g +: GroupBits]
      };
    end
  end

  lacuna_pick #(.Words(Groups), .Width(WordBits)) u_pick (
    .en_i    (show_i),
    .words_i (words),
    .select_i(show_select_i),
    .word_o  ({inverted, shown_o})
  );

  assign inverted_o = (DigitBits == 4) && inverted;

endmodule
