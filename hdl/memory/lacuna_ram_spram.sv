// Block RAM with one port, for the large memories of devices that have few ports (UP5K's SPRAM).
//
// Contract:   each cycle reads or writes; `rd_data_o` holds the word read last until the next
//             access, and is undefined after a write.
// Throughput: one access a cycle.
// Latency:    data one cycle after the read. Nothing is reset.
module lacuna_ram_spram #(
  parameter  int unsigned Words     = 16384,
  parameter  int unsigned WordBytes = 2,
  localparam int unsigned AddrBits  = $clog2(Words)
) (
  input  logic                   clk_i,

  input  logic                   en_i,
  input  logic [AddrBits-1:0]    addr_i,
  // Bytes to write; none for a read.
  input  logic [WordBytes-1:0]   wr_be_i,
  input  logic [8*WordBytes-1:0] wr_data_i,
  output logic [8*WordBytes-1:0] rd_data_o
);

  if (Words < 2) begin : gen_bad_words
    $error("lacuna_ram_spram: Words is %0d; a RAM has 2 at least", Words);
  end

  (* ram_style = "huge" *)
  logic [8*WordBytes-1:0] word_q [Words];

  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < WordBytes; i++) begin
      if (en_i && wr_be_i[i]) word_q[addr_i][8*i +: 8] <= wr_data_i[8*i +: 8];
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i && wr_be_i == '0) rd_data_o <= word_q[addr_i];
  end

endmodule
