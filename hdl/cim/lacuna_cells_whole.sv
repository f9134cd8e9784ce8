// The cells of one lane at 8-bit digits: their weights, one page a word, a multiplier and an
// accumulator each, and the pipeline that drives them.
//
// Contract:   as lacuna_cells, but the holds are a chain: `shown_o` is the first column group of
//             the vector last retired, and each `show_i` moves the next one there. A retire in the
//             cycle of the last `show_i` is in time. Accumulators never clear: they run modulo
//             2^SumBits, and lacuna_reduce takes differences.
// Throughput: one digit a cycle.
// Latency:    weight read 1, operands 1, product 1, accumulate 1: a retire in cycle t is in the
//             hold registers of t + 4.
module lacuna_cells_whole #(
  parameter  int unsigned Lanes         = 2,
  parameter  int unsigned Pages         = 256,
  parameter  int unsigned ReduceColumns = 1,
  parameter  int unsigned AccBits       = 22,
  localparam int unsigned Columns       = 2 * Lanes,
  localparam int unsigned SumBits       = AccBits + $clog2(Lanes),
  localparam int unsigned PageWidth     = $clog2(Pages),
  localparam int unsigned GroupBits     = ReduceColumns * SumBits
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
  output logic [GroupBits-1:0] shown_o
);

  // Index k: k + 1 cycles after issue.
  logic [2:0] live_q, retire_q;
  logic [1:0] negative_q;
  logic [7:0] magnitude_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      live_q   <= '0;
      retire_q <= '0;
    end else begin
      live_q   <= {live_q[1:0], issue_i};
      retire_q <= {retire_q[1:0], retire_i};
    end
  end

  always_ff @(posedge clk_i) begin
    negative_q  <= {negative_q[0], negative_i};
    magnitude_q <= ones_i + 8'(negative_i);
  end

  logic [Columns*8-1:0]  weights;
  logic [Columns*16-1:0] products;

  lacuna_ram_1r1w #(.Words(Pages), .WordBytes(Columns), .PartBytes(Columns)) u_weights (
    .clk_i,
    .rd_en_i  (issue_i),
    .rd_addr_i(page_i),
    .rd_data_o(weights),
    .wr_be_i  (weight_we_i),
    .wr_addr_i(weight_page_i),
    .wr_data_i(weight_data_i)
  );

  lacuna_products #(.Columns(Columns)) u_products (
    .clk_i,
    .weight_en_i (live_q[0]),
    .weights_i   (weights),
    .magnitude_i (magnitude_q),
    .product_en_i(live_q[1]),
    .negative_i  (negative_q[1]),
    .products_o  (products)
  );

  logic [Columns*SumBits-1:0] sums_q, holds_q;

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    logic [SumBits-1:0] sum_q;
    logic [15:0]        product;

    assign product = products[16*c +: 16];

    always_ff @(posedge clk_i) begin
      if (!rst_ni)        sum_q <= '0;
      else if (live_q[2]) sum_q <= sum_q + {{(SumBits-16){product[15]}}, product};
    end

    assign sums_q[SumBits*c +: SumBits] = sum_q;

`ifdef LACUNA_CHECK
    // The compiler promises that no vector adds up to more than AccBits in one cell.
    logic [SumBits-1:0] last_q, vector;

    assign vector = sum_q - last_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) last_q <= '0;
      else if (retire_q[2]) begin
        last_q <= sum_q;
        assert (vector[SumBits-1:AccBits-1] == {(SumBits-AccBits+1){vector[SumBits-1]}});
      end
    end
`endif
  end

  always_ff @(posedge clk_i) begin
    if (retire_q[2]) holds_q <= sums_q;
    else if (show_i) holds_q <= holds_q >> GroupBits;
  end

  assign shown_o = holds_q[GroupBits-1:0];

endmodule
