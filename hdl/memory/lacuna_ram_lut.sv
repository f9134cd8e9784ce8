// Distributed RAM: one synchronous write, one asynchronous read.
//
// Contract: a read shows the word as of this cycle, before this cycle's write. Without `rd_en_i`,
//           `rd_data_o` means nothing.
// Throughput: one read and one write a cycle.
// Latency:    none for reads; a write shows in the next cycle. Nothing is reset.
//
// `rd_en_i` is for simulators, which skip what is not read; hardware always reads.
module lacuna_ram_lut #(
  parameter  int unsigned Words    = 16,
  parameter  int unsigned Width    = 8,
  localparam int unsigned AddrBits = $clog2(Words)
) (
  input  logic                clk_i,

  input  logic                wr_en_i,
  input  logic [AddrBits-1:0] wr_addr_i,
  input  logic [Width-1:0]    wr_data_i,

  input  logic                rd_en_i,
  input  logic [AddrBits-1:0] rd_addr_i,
  output logic [Width-1:0]    rd_data_o
);

  logic [Width-1:0] word_q [Words];

  always_ff @(posedge clk_i) begin
    if (wr_en_i) word_q[wr_addr_i] <= wr_data_i;
  end

  always_comb begin
    rd_data_o = 'x;
    if (rd_en_i) rd_data_o = word_q[rd_addr_i];
  end

endmodule
