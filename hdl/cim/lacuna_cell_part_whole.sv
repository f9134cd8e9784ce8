// Some columns of one lane's cells at 8-bit digits: their weights, one page a word, a multiplier
// and a running sum each, and the holds that keep a vector's.
//
// Contract:   controls of lacuna_cells_whole, which each part sees later than the part before. A
//             retire puts the sums into the holds, of which Slack vectors' are kept; `holds_o` is
//             the oldest, while `show_i`. Column c has byte c of a page and bits SumBits*c of the
//             holds, which `show_i` moves down by a column group if they are a Chain. A page may be
//             written while others are used.
// Throughput: one digit a cycle.
// Latency:    weight read 1, operands 1, product 1, accumulate 1.
module lacuna_cell_part_whole #(
  parameter  int unsigned Columns       = 4,
  parameter  int unsigned Pages         = 256,
  parameter  int unsigned ReduceColumns = 1,
  parameter  int unsigned SumBits       = 23,
  parameter  int unsigned Slack         = 1,
  parameter  bit          Chain         = 1'b0,
  parameter  int unsigned AccBits       = 22,
  localparam int unsigned PageWidth     = $clog2(Pages)
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  input  logic                       read_i,
  input  logic [PageWidth-1:0]       page_i,
  input  logic                       weight_en_i,  // a cycle after read_i
  input  logic [7:0]                 magnitude_i,
  input  logic                       product_en_i,
  input  logic                       negative_i,   // beside product_en_i
  input  logic                       sum_en_i,
  input  logic                       retire_i,     // beside sum_en_i, which is after it
  input  logic                       show_i,
  input  logic                       show_end_i,

  input  logic                       weight_we_i,
  input  logic [PageWidth-1:0]       weight_page_i,
  input  logic [Columns*8-1:0]       weight_data_i,

  output logic [Columns*SumBits-1:0] holds_o
);

  logic [Columns*8-1:0]  weights;
  logic [Columns*16-1:0] products;

  lacuna_ram_1r1w #(.Words(Pages), .WordBytes(Columns), .PartBytes(Columns)) u_weights (
    .clk_i,
    .rd_en_i  (read_i),
    .rd_addr_i(page_i),
    .rd_data_o(weights),
    .wr_be_i  (weight_we_i),
    .wr_addr_i(weight_page_i),
    .wr_data_i(weight_data_i)
  );

  lacuna_products #(.Columns(Columns)) u_products (
    .clk_i,
    .weight_en_i,
    .weights_i   (weights),
    .magnitude_i,
    .product_en_i,
    .negative_i,
    .products_o  (products)
  );

  logic [Columns*SumBits-1:0] sums_q;

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    logic [SumBits-1:0] sum_q;
    logic [15:0]        product;

    assign product = products[16*c +: 16];

    always_ff @(posedge clk_i) begin
      if (!rst_ni)       sum_q <= '0;
      else if (sum_en_i) sum_q <= sum_q + {{(SumBits-16){product[15]}}, product};
    end

    assign sums_q[SumBits*c +: SumBits] = sum_q;

`ifdef LACUNA_CHECK
    // The compiler promises that no vector adds up to more than AccBits in one cell.
    logic [SumBits-1:0] last_q, vector;

    assign vector = sum_q - last_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) last_q <= '0;
      else if (retire_i) begin
        last_q <= sum_q;
        assert (vector[SumBits-1:AccBits-1] == {(SumBits-AccBits+1){vector[SumBits-1]}});
      end
    end
`endif
  end

  if (Chain) begin : gen_chain
    logic unused;
    assign unused = show_end_i;

    always_ff @(posedge clk_i) begin
      if (retire_i)    holds_o <= sums_q;
      else if (show_i) holds_o <= holds_o >> (ReduceColumns * SumBits);
    end
  end else begin : gen_holds
    lacuna_holds #(.Width(Columns * SumBits), .Slack(Slack)) u_holds (
      .clk_i,
      .rst_ni,
      .retire_i,
      .sums_i(sums_q),
      .show_i,
      .show_end_i,
      .holds_o
    );
  end

endmodule
