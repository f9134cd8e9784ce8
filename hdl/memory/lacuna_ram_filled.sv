// lacuna_ram_1r1w of whole words that holds something from configuration on.
//
// Contract:   word i is bits `8*WordBytes*i` on of `Filling` until it is written.
// Throughput: one read and one write a cycle.
// Latency:    data one cycle after the read, every cycle reads. Nothing is reset.
module lacuna_ram_filled #(
  parameter  int unsigned                   Words     = 32,
  parameter  int unsigned                   WordBytes = 4,
  parameter  logic [8*WordBytes*Words-1:0]  Filling   = '0,
  localparam int unsigned                   AddrBits  = $clog2(Words)
) (
  input  logic                   clk_i,

  input  logic [AddrBits-1:0]    rd_addr_i,
  output logic [8*WordBytes-1:0] rd_data_o,

  input  logic                   wr_en_i,
  input  logic [AddrBits-1:0]    wr_addr_i,
  input  logic [8*WordBytes-1:0] wr_data_i
);

  (* ram_style = "block", no_rw_check *)
  logic [8*WordBytes-1:0] word_q [Words];

  initial begin
    for (int unsigned i = 0; i < Words; i++) begin
      word_q[i] = Filling[8*WordBytes*i +: 8*WordBytes];
    end
  end

  always_ff @(posedge clk_i) begin
    if (wr_en_i) word_q[wr_addr_i] <= wr_data_i;
  end

  always_ff @(posedge clk_i) rd_data_o <= word_q[rd_addr_i];

endmodule
