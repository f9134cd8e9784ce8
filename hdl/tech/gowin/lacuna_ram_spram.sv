// lacuna_ram_spram in block RAM: Gowin's chips have no large single-port RAM.
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

  lacuna_ram_1r1w #(.Words(Words), .WordBytes(WordBytes)) u_ram (
    .clk_i,
    .rd_en_i  (en_i && (wr_be_i == '0)),
    .rd_addr_i(addr_i),
    .rd_data_o,
    .wr_be_i  (wr_be_i & {WordBytes{en_i}}),
    .wr_addr_i(addr_i),
    .wr_data_i
  );

endmodule
