// The cells of one lane at 8-bit digits, and the pipeline that drives them.
//
// Contract:   as lacuna_cells. Where all columns are one part and the slack is 1, holds are a
//             chain, and nothing picks among them: `shown_o` is the first column group of the
//             vector last retired, and each `show_i` moves the next one there. A retire in the
//             cycle of the last `show_i` is in time.
// Throughput: one digit a cycle.
// Latency:    weight read 1, operands 1, product 1, accumulate 1: a retire in cycle t is in the
//             hold registers of part 0 in t + 4, in those of the next part Skew cycles later.
module lacuna_cells_whole #(
  parameter  int unsigned Lanes         = 2,
  parameter  int unsigned Pages         = 256,
  parameter  int unsigned ReduceColumns = 1,
  parameter  int unsigned Slack         = 1,
  parameter  int unsigned AccBits       = 22,
  localparam int unsigned Columns       = 2 * Lanes,
  localparam int unsigned SumBits       = AccBits + $clog2(Lanes),
  localparam int unsigned PageWidth     = $clog2(Pages),
  localparam int unsigned GroupBits     = ReduceColumns * SumBits,
  localparam int unsigned Groups        = Columns / ReduceColumns,
  localparam int unsigned Pairs         = (Groups + 1) / 2,
  localparam int unsigned PartColumns   = lacuna_pkg::part_columns(ReduceColumns),
  localparam int unsigned Parts         = lacuna_pkg::parts(Lanes, ReduceColumns)
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  input  logic                 issue_i,
  input  logic                 retire_i,
  input  logic [PageWidth-1:0] page_i,
  input  logic                 negative_i,
  input  logic [7:0]           ones_i,  // the digit's magnitude less `negative_i`

  input  logic                 weight_we_i,
  input  logic [PageWidth-1:0] weight_page_i,
  input  logic [Columns*8-1:0] weight_data_i,

  input  logic                 show_i,
  input  logic [Pairs:0]       show_select_i,  // as lacuna_pick wants it
  input  logic [Parts-1:0]     show_end_i,     // the last look at a part's holds
  output logic [GroupBits-1:0] shown_o
);

  localparam bit          Chain       = Parts == 1 && Slack == 1;
  localparam int unsigned Skew        = PartColumns / ReduceColumns;
  localparam int unsigned LastSkew    = (Parts - 1) * Skew;

  // Index k: k + 1 cycles after issue. What steers cells travels on, from part to part.
  logic [LastSkew+2:0]       live_q, retire_q;
  logic [LastSkew+1:0]       negative_q;
  logic [8*(LastSkew+1)-1:0] magnitude_q;

  // The last is not looked at: a page is for the parts behind.
  /* verilator lint_off UNUSEDSIGNAL */
  logic [(LastSkew+1)*PageWidth-1:0] pages_q;
  /* verilator lint_on UNUSEDSIGNAL */

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      live_q   <= '0;
      retire_q <= '0;
    end else begin
      live_q   <= (LastSkew+3)'({live_q, issue_i});
      retire_q <= (LastSkew+3)'({retire_q, retire_i});
    end
  end

  always_ff @(posedge clk_i) begin
    negative_q  <= (LastSkew+2)'({negative_q, negative_i});
    magnitude_q <= (8*(LastSkew+1))'({magnitude_q, ones_i + 8'(negative_i)});
    pages_q     <= ((LastSkew+1)*PageWidth)'({pages_q, page_i});
  end

  // Of a chain only the first group is looked at.
  /* verilator lint_off UNUSEDSIGNAL */
  logic [Columns*SumBits-1:0] holds;
  /* verilator lint_on UNUSEDSIGNAL */

  for (genvar p = 0; p < Parts; p++) begin : gen_part
    localparam int unsigned Late = p * Skew;

    logic                 read;
    logic [PageWidth-1:0] page;

    if (p == 0) begin : gen_now
      assign read = issue_i;
      assign page = page_i;
    end else begin : gen_later
      assign read = live_q[Late-1];
      assign page = pages_q[(Late-1)*PageWidth +: PageWidth];
    end

    lacuna_cell_part_whole #(
      .Columns      (PartColumns),
      .Pages        (Pages),
      .ReduceColumns(ReduceColumns),
      .SumBits      (SumBits),
      .Slack        (Slack),
      .Chain        (Chain),
      .AccBits      (AccBits)
    ) u_part (
      .clk_i,
      .rst_ni,
      .read_i       (read),
      .page_i       (page),
      .weight_en_i  (live_q[Late]),
      .magnitude_i  (magnitude_q[8*Late +: 8]),
      .product_en_i (live_q[Late+1]),
      .negative_i   (negative_q[Late+1]),
      .sum_en_i     (live_q[Late+2]),
      .retire_i     (retire_q[Late+2]),
      .show_i,
      .show_end_i   (show_end_i[p]),
      .weight_we_i,
      .weight_page_i,
      .weight_data_i(weight_data_i[8*PartColumns*p +: 8*PartColumns]),
      .holds_o      (holds[SumBits*PartColumns*p +: SumBits*PartColumns])
    );
  end

  if (Chain) begin : gen_chain
    logic unused;
    assign unused  = ^show_select_i;
    assign shown_o = holds[GroupBits-1:0];
  end else begin : gen_pick
    lacuna_pick #(.Words(Groups), .Width(GroupBits)) u_pick (
      .en_i    (show_i),
      .words_i (holds),
      .select_i(show_select_i),
      .word_o  (shown_o)
    );
  end

endmodule
