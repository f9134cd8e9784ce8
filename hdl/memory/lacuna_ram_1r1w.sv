// Block RAM with one read and one write port on one clock, written by bytes or by parts of several.
//
// Contract:   `rd_data_o` holds the word read last. Bytes that are written in the cycle in which
//             they are read come out old in simulation and undefined in hardware: callers keep them
//             apart.
// Throughput: one read and one write a cycle.
// Latency:    data one cycle after `rd_en_i`. Nothing is reset.
//
// Maps to DP16KD on ECP5 and to SB_RAM40_4K on iCE40.
module lacuna_ram_1r1w #(
  parameter  int unsigned Words     = 512,
  parameter  int unsigned WordBytes = 4,
  // Bytes that a write enable covers.
  parameter  int unsigned PartBytes = 1,
  localparam int unsigned AddrBits  = $clog2(Words),
  localparam int unsigned Parts     = WordBytes / PartBytes
) (
  input  logic                   clk_i,

  input  logic                   rd_en_i,
  input  logic [AddrBits-1:0]    rd_addr_i,
  output logic [8*WordBytes-1:0] rd_data_o,

  input  logic [Parts-1:0]       wr_be_i,
  input  logic [AddrBits-1:0]    wr_addr_i,
  input  logic [8*WordBytes-1:0] wr_data_i
);

  if (Words < 2) begin : gen_bad_words
    $error("lacuna_ram_1r1w: Words is %0d; a RAM has 2 at least", Words);
  end

  (* ram_style = "block", no_rw_check *)
  logic [8*WordBytes-1:0] word_q [Words];

  always_ff @(posedge clk_i) begin
    for (int unsigned i = 0; i < Parts; i++) begin
      if (wr_be_i[i]) begin
        word_q[wr_addr_i][8*PartBytes*i +: 8*PartBytes] <= wr_data_i[8*PartBytes*i +: 8*PartBytes];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (rd_en_i) rd_data_o <= word_q[rd_addr_i];
  end

endmodule
