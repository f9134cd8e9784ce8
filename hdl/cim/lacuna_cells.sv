// The cells of one lane at 2- and 4-bit digits: their weights, one page a word, and the pipeline
// that drives them.
//
// Contract:   `issue_i` starts one digit slot of page `page_i`; `retire_i` (with or without a slot)
//             ends a vector: the hold registers then keep what the slots before this cycle added up
//             to. A slot whose digit is 0 leaves every register as it is. `shown_o` becomes the
//             holds of the column group that `show_select_i` picks a cycle after `show_i`; if
//             `inverted_o`, they are to be inverted. A page may be written while others are used,
//             not while its slots are under way.
// Throughput: one digit a cycle.
// Latency:    weight read 1, weight register 1, product 1, accumulate 1: a retire in cycle t is in
//             the hold registers of t + 4.
module lacuna_cells #(
  parameter  int unsigned Lanes         = 8,
  parameter  int unsigned Pages         = 512,
  parameter  int unsigned DigitBits     = 4,
  parameter  int unsigned ReduceColumns = 4,
  parameter  int unsigned AccBits       = 22,
  localparam int unsigned Columns       = 2 * Lanes,
  localparam int unsigned SumBits       = AccBits + $clog2(Lanes),
  localparam int unsigned PageWidth     = $clog2(Pages),
  localparam int unsigned Groups        = Columns / ReduceColumns,
  localparam int unsigned Pairs         = (Groups + 1) / 2,
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
  output logic [ReduceColumns*SumBits-1:0] shown_o,
  output logic                             inverted_o
);

  localparam int unsigned CodeBits  = (DigitBits == 2) ? 2 : 4;
  localparam int unsigned FixBits   = (DigitBits == 2) ? 3 : 2;
  localparam int unsigned GroupBits = ReduceColumns * SumBits;

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

  // Index k: k + 1 cycles after issue.
  logic [2:0]          live_q, retire_q;
  logic                no_high_q, flip_q;
  // The accumulators, the holds and the sums shown are kept inverted.
  logic                inverted_d, inverted_q, hold_inverted_q, shown_inverted_q;

  // What steers the cells beside them, one word: a simulator shifts it at once. Of the later stages
  // not all is looked at.
  localparam int unsigned SteerBits = 1 + FixBits + CodeBits;

  /* verilator lint_off UNUSEDSIGNAL */
  logic [3*SteerBits-1:0] steer_q;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [CodeBits-1:0]    code_q;
  logic [FixBits-1:0]     fix_q;
  logic                   negate_next, negate_q;

  assign code_q      = steer_q[SteerBits +: CodeBits];
  assign negate_next = steer_q[2*SteerBits-1];
  assign fix_q       = steer_q[2*SteerBits+CodeBits +: FixBits];
  assign negate_q    = steer_q[3*SteerBits-1];
  assign inverted_d  = live_q[2] ? negate_q : inverted_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      live_q     <= '0;
      retire_q   <= '0;
      no_high_q  <= 1'b0;
      inverted_q <= 1'b0;
    end else begin
      live_q     <= {live_q[1:0], live};
      retire_q   <= {retire_q[1:0], retire_i};
      no_high_q  <= live && !high;
      inverted_q <= inverted_d;
    end
  end

  always_ff @(posedge clk_i) begin
    steer_q <= {steer_q[2*SteerBits-1:0], negate, fix, code};
    flip_q  <= (DigitBits == 4) && (negate_next != inverted_d);
    if (retire_q[2]) hold_inverted_q <= inverted_q;
  end

  logic [Columns*8-1:0] weights, weights_q, highs_q;

  lacuna_ram_1r1w #(.Words(Pages), .WordBytes(Columns), .PartBytes(Columns)) u_weights (
    .clk_i,
    .rd_en_i  (live),
    .rd_addr_i(page_i),
    .rd_data_o(weights),
    .wr_be_i  (weight_we_i),
    .wr_addr_i(weight_page_i),
    .wr_data_i(weight_data_i)
  );

  // A page at a time: a simulator pays for every register that has a name of its own.
  always_ff @(posedge clk_i) begin
    if (live_q[0]) weights_q <= weights;
    if (no_high_q)      highs_q <= '0;
    else if (live_q[0]) highs_q <= weights;
  end

  // A column in each: what is added up in words of 32 bits, which a simulator adds four at a time.
  localparam int unsigned Stride = 32;

  /* verilator lint_off UNUSEDSIGNAL */
  logic [Columns*Stride-1:0]  sums;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [Columns*SumBits-1:0] holds_q;
  logic [GroupBits-1:0]       shown, shown_q;

  lacuna_cell_row #(
    .Columns  (Columns),
    .DigitBits(DigitBits),
    .SumBits  (SumBits),
    .Stride   (Stride)
  ) u_cells (
    .clk_i,
    .rst_ni,
    .product_en_i(live_q[1]),
    .sum_en_i    (live_q[2]),
    .weights_i   (weights_q),
    .highs_i     (highs_q),
    .code_i      (code_q),
    .fix_i       (fix_q),
    .flip_i      (flip_q),
    .sums_o      (sums)
  );

  always_ff @(posedge clk_i) begin
    if (retire_q[2]) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        holds_q[SumBits*c +: SumBits] <= sums[Stride*lacuna_pkg::cell_word(c, Columns) +: SumBits];
      end
    end
  end

`ifdef LACUNA_CHECK
  // The compiler promises that no vector adds up to more than AccBits in one cell.
  localparam logic [SumBits-1:0] Lowest = SumBits'(1) << (AccBits - 1);

  logic first_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) first_q <= 1'b1;
    else if (retire_q[2]) first_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni && retire_q[2]) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        assert (((sums[Stride*lacuna_pkg::cell_word(c, Columns) +: SumBits] ^ {SumBits{inverted_q}})
                 - (first_q ? '0 : holds_q[SumBits*c +: SumBits] ^ {SumBits{hold_inverted_q}})
                 + Lowest) >> AccBits == '0);
      end
    end
  end
`endif

  lacuna_pick #(.Words(Groups), .Width(GroupBits)) u_pick (
    .en_i    (show_i),
    .words_i (holds_q),
    .select_i(show_select_i),
    .word_o  (shown)
  );

  always_ff @(posedge clk_i) begin
    if (show_i) begin
      shown_q          <= shown;
      shown_inverted_q <= hold_inverted_q;
    end
  end

  assign shown_o    = shown_q;
  assign inverted_o = (DigitBits == 4) && shown_inverted_q;

endmodule
