// Chunk buffer of a reshape engine: 2 W words, of which a row or a column of a block is written or
// read in one cycle.
//
// Byte j of a word lies in bank j, and each bank has an address of its own: the row that is asked
// for, plus the bank's number where `spread` has a 1. With no spread that is a plain word. With all
// of it, it is a diagonal: a block whose row r was written, turned right by r, into plain word r
// has column c in the diagonal that starts at row -c, turned right by c. A block whose rows were
// written into the diagonals has its columns in the plain words. For elements of several bytes rows
// and columns count by bytes, and the low bits of the spread are 0.
//
// Contract:   a read shows what was written in the cycles before.
// Throughput: one write and one read a cycle.
// Latency:    none for reads.
module lacuna_reshape_buffer #(
  parameter  int unsigned WordBytes = 16,
  localparam int unsigned OffBits   = $clog2(WordBytes)
) (
  input  logic                   clk_i,

  input  logic                   wr_en_i,
  input  logic                   wr_half_i,
  input  logic [OffBits-1:0]     wr_row_i,
  input  logic [OffBits-1:0]     wr_spread_i,
  input  logic [8*WordBytes-1:0] wr_data_i,

  // Without it, the data read mean nothing.
  input  logic                   rd_en_i,
  input  logic                   rd_half_i,
  input  logic [OffBits-1:0]     rd_row_i,
  input  logic [OffBits-1:0]     rd_spread_i,
  // Instead of row and spread: a row for each bank, bank 0 lowest.
  input  logic                   rd_own_i,
  input  logic [WordBytes*OffBits-1:0] rd_rows_i,
  output logic [8*WordBytes-1:0] rd_data_o
);

  for (genvar b = 0; b < WordBytes; b++) begin : gen_bank
    logic [OffBits-1:0] wr_row, rd_row;

    // A simulator skips what is not asked for.
    always_comb begin
      wr_row = 'x;
      rd_row = 'x;
      if (wr_en_i) wr_row = wr_row_i + (OffBits'(b) & wr_spread_i);
      if (rd_en_i) rd_row = rd_own_i ? rd_rows_i[OffBits*b +: OffBits]
                                     : rd_row_i + (OffBits'(b) & rd_spread_i);
    end

    lacuna_ram_lut #(.Words(2 * WordBytes), .Width(8)) u_bank (
      .clk_i,
      .wr_en_i,
      .wr_addr_i({wr_half_i, wr_row}),
      .wr_data_i(wr_data_i[8*b +: 8]),
      .rd_en_i,
      .rd_addr_i({rd_half_i, rd_row}),
      .rd_data_o(rd_data_o[8*b +: 8])
    );
  end

endmodule
