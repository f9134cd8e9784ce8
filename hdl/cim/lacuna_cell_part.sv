// Some columns of one lane's cells: their weights, one page a word, their running sums and the
// holds that keep a vector's.
//
// Contract:   controls of lacuna_cells, which each part sees later than the part before. A retire
//             puts the sums into the holds, of which Slack vectors' are kept; `holds_o` is the
//             oldest, while `show_i`. Column c has byte c of a page and bits SumBits*c of the
//             holds. A page may be written while others are used.
// Throughput: one digit a cycle.
// Latency:    weight read 1, weight register 1, product 1, accumulate 1.
module lacuna_cell_part #(
  parameter  int unsigned Columns   = 4,
  parameter  int unsigned Pages     = 512,
  parameter  int unsigned DigitBits = 4,
  parameter  int unsigned SumBits   = 25,
  parameter  int unsigned Slack     = 1,
  parameter  int unsigned AccBits   = 22,
  localparam int unsigned PageWidth = $clog2(Pages),
  localparam int unsigned CodeBits  = (DigitBits == 2) ? 2 : 4,
  localparam int unsigned FixBits   = (DigitBits == 2) ? 3 : 2
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  input  logic                       read_i,
  input  logic [PageWidth-1:0]       page_i,
  input  logic                       load_i,     // a cycle after read_i
  input  logic                       no_high_i,  // beside load_i, of a digit without a high term
  input  logic                       product_en_i,
  input  logic [CodeBits-1:0]        code_i,     // as lacuna_cell_row has it
  input  logic                       sum_en_i,
  input  logic [FixBits-1:0]         fix_i,
  input  logic                       flip_i,
  input  logic                       retire_i,   // beside sum_en_i, which is after it

  input  logic                       weight_we_i,
  input  logic [PageWidth-1:0]       weight_page_i,
  input  logic [Columns*8-1:0]       weight_data_i,

  input  logic                       show_i,
  input  logic                       show_end_i,
  // Whether the sums, and the holds, are inverted.
  input  logic                       inverted_i,
  output logic                       inverted_o,
  output logic [Columns*SumBits-1:0] holds_o
);

  logic [Columns*8-1:0] weights, weights_q, highs_q;

  lacuna_ram_1r1w #(.Words(Pages), .WordBytes(Columns), .PartBytes(Columns)) u_weights (
    .clk_i,
    .rd_en_i  (read_i),
    .rd_addr_i(page_i),
    .rd_data_o(weights),
    .wr_be_i  (weight_we_i),
    .wr_addr_i(weight_page_i),
    .wr_data_i(weight_data_i)
  );

  // A page at a time: a simulator pays for every register that has a name of its own.
  always_ff @(posedge clk_i) begin
    if (load_i) weights_q <= weights;
    if (no_high_i)   highs_q <= '0;
    else if (load_i) highs_q <= weights;
  end

  // A column in each: what is added up in words of 32 bits, which a simulator adds four at a time.
  localparam int unsigned Stride = 32;

  /* verilator lint_off UNUSEDSIGNAL */
  logic [Columns*Stride-1:0] sums;
  /* verilator lint_on UNUSEDSIGNAL */

  lacuna_cell_row #(
    .Columns  (Columns),
    .DigitBits(DigitBits),
    .SumBits  (SumBits),
    .Stride   (Stride)
  ) u_cells (
    .clk_i,
    .rst_ni,
    .product_en_i,
    .sum_en_i,
    .weights_i   (weights_q),
    .highs_i     (highs_q),
    .code_i,
    .fix_i,
    .flip_i,
    .sums_o      (sums)
  );

  logic [Columns*SumBits-1:0] ordered;

  // A simulator puts them in order only when they are kept.
  always_comb begin
    ordered = 'x;
    if (retire_i) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        ordered[SumBits*c +: SumBits] = sums[Stride*lacuna_pkg::cell_word(c, Columns) +: SumBits];
      end
    end
  end

  lacuna_holds #(.Width(Columns * SumBits + 1), .Slack(Slack)) u_holds (
    .clk_i,
    .rst_ni,
    .retire_i,
    .sums_i    ({inverted_i, ordered}),
    .show_i,
    .show_end_i,
    .holds_o   ({inverted_o, holds_o})
  );

`ifdef LACUNA_CHECK
  // The compiler promises that no vector adds up to more than AccBits in one cell.
  localparam logic [SumBits-1:0] Lowest = SumBits'(1) << (AccBits - 1);

  logic [Columns*SumBits-1:0] before_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) before_q <= '0;
    else if (retire_i) begin
      before_q <= ordered ^ {(Columns*SumBits){inverted_i}};
      for (int unsigned c = 0; c < Columns; c++) begin
        assert (((ordered[SumBits*c +: SumBits] ^ {SumBits{inverted_i}})
                 - before_q[SumBits*c +: SumBits] + Lowest) >> AccBits == '0);
      end
    end
  end
`endif

endmodule
