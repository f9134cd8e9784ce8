// Tile memory: windows of 1 to W bytes at any byte address, W = 2 * Lanes.
//
// Two banks hold the even and the odd words, so that a window which straddles two words is read or
// written in one cycle. Addresses wrap at the end of the memory.
//
// Contract:   read: byte `rd_addr_i + k` appears at byte `(rd_position_i + k) mod W` of
//             `rd_data_o`, for all k in 0..W-1; with `rd_double_i` and the address of a word, byte
//             k of the word after it at byte `(rd_position_i + 1 + k) mod W` of `rd_next_o`
//             (Double; else it is 0). Write: byte `(wr_position_i + k) mod W` of `wr_data_i` goes
//             to `wr_addr_i + k`, for k < `wr_bytes_i` (1 to W).
// Throughput: one read and one write a cycle.
// Latency:    read 2 cycles; a write is seen by reads 2 cycles later.
module lacuna_tile_memory #(
  parameter  int unsigned Lanes     = 8,
  parameter  int unsigned TileWords = 2048,
  parameter  bit          Double    = 1'b0,
  localparam int unsigned WordBytes = 2 * Lanes,
  localparam int unsigned OffWidth  = $clog2(WordBytes),
  localparam int unsigned AddrWidth = $clog2(TileWords * WordBytes)
) (
  input  logic                   clk_i,

  input  logic                   rd_en_i,
  input  logic [AddrWidth-1:0]   rd_addr_i,
  input  logic [OffWidth-1:0]    rd_position_i,
  input  logic                   rd_double_i,
  output logic [WordBytes*8-1:0] rd_data_o,
  output logic [WordBytes*8-1:0] rd_next_o,

  input  logic                   wr_en_i,
  input  logic [AddrWidth-1:0]   wr_addr_i,
  input  logic [OffWidth:0]      wr_bytes_i,
  input  logic [OffWidth-1:0]    wr_position_i,
  input  logic [WordBytes*8-1:0] wr_data_i
);

  if (TileWords < 4 || (TileWords & (TileWords - 1)) != 0) begin : gen_bad_words
    $error("lacuna_tile_memory: TileWords is %0d; it must be a power of two, 4 or more", TileWords);
  end
  if ((WordBytes & (WordBytes - 1)) != 0) begin : gen_bad_lanes
    $error("lacuna_tile_memory: Lanes is %0d; it must be a power of two", Lanes);
  end

  localparam int unsigned Bits      = WordBytes * 8;
  localparam int unsigned IndexBits = AddrWidth - OffWidth - 1;  // of a word inside its bank

  // Read, first cycle: both banks are addressed.
  logic [OffWidth-1:0]  rd_off;
  logic [IndexBits-1:0] rd_index;
  logic                 rd_odd;
  logic [Bits-1:0]      rd_even_word, rd_odd_word;

  assign {rd_index, rd_odd, rd_off} = rd_addr_i;

  // Right by bytes: byte `(k + turn) mod W` becomes byte k. Where nothing is read or written
  // nothing is rotated either: a simulator then skips it.
  function automatic logic [Bits-1:0] rotated(input logic [Bits-1:0]     data,
                                              input logic [OffWidth-1:0] turn);
    rotated = data;
    for (int unsigned s = 0; s < OffWidth; s++) begin
      if (turn[s]) rotated = (rotated >> (8 << s)) | (rotated << (Bits - (8 << s)));
    end
  endfunction

  // Read, second cycle: bytes below the offset come from the following word; then they are rotated
  // into place.
  function automatic logic [Bits-1:0] merged(input logic [Bits-1:0]     even_word,
                                             input logic [Bits-1:0]     odd_word,
                                             input logic                odd,
                                             input logic [OffWidth-1:0] off);
    for (int unsigned b = 0; b < WordBytes; b++) begin
      merged[8*b +: 8] = (odd != (OffWidth'(b) < off)) ? odd_word[8*b +: 8] : even_word[8*b +: 8];
    end
  endfunction

  logic                rd_valid_q;
  logic [OffWidth-1:0] rd_off_q, rd_turn_q;
  logic                rd_odd_q;
  logic [Bits-1:0]     rd_data_q;

  always_ff @(posedge clk_i) begin
    rd_valid_q <= rd_en_i;
    if (rd_en_i) begin
      rd_off_q  <= rd_off;
      rd_turn_q <= rd_off - rd_position_i;
      rd_odd_q  <= rd_odd;
    end
    if (rd_valid_q) begin
      rd_data_q <= rotated(merged(rd_even_word, rd_odd_word, rd_odd_q, rd_off_q), rd_turn_q);
    end
  end

  assign rd_data_o = rd_data_q;

  // The bank that has not the word has the one after it.
  if (Double) begin : gen_next
    logic            rd_double_q;
    logic [Bits-1:0] rd_next_q;

    always_ff @(posedge clk_i) begin
      rd_double_q <= rd_en_i && rd_double_i;
      if (rd_double_q) begin
        rd_next_q <= rotated(rd_odd_q ? rd_even_word : rd_odd_word, rd_turn_q - OffWidth'(1));
      end
    end

    assign rd_next_o = rd_next_q;
  end else begin : gen_no_next
    logic unused;
    assign unused    = rd_double_i;
    assign rd_next_o = '0;
  end

  // Write, first cycle: into registers, for what comes here went through a crossbar.
  logic [OffWidth-1:0]  wr_off;
  logic [IndexBits-1:0] wr_index;
  logic                 wr_odd;

  assign {wr_index, wr_odd, wr_off} = wr_addr_i;

  logic                 wr_valid_q, wr_odd_q;
  logic [OffWidth-1:0]  wr_off_q, wr_turn_q;
  logic [OffWidth:0]    wr_bytes_q;
  logic [IndexBits-1:0] wr_even_index_q, wr_odd_index_q;
  logic [Bits-1:0]      wr_data_q;

  always_ff @(posedge clk_i) begin
    wr_valid_q <= wr_en_i;
    if (wr_en_i) begin
      wr_odd_q        <= wr_odd;
      wr_off_q        <= wr_off;
      wr_turn_q       <= wr_position_i - wr_off;
      wr_bytes_q      <= wr_bytes_i;
      wr_even_index_q <= wr_index + IndexBits'(wr_odd);
      wr_odd_index_q  <= wr_index;
      wr_data_q       <= wr_data_i;
    end
  end

  // Write, second cycle: rotated left to its place, and the bytes of each word marked.
  function automatic logic [2*WordBytes-1:0] marked(input logic [OffWidth:0]   bytes,
                                                    input logic [OffWidth-1:0] off);
    marked = '0;
    for (int unsigned b = 0; b < WordBytes; b++) marked[b] = (OffWidth + 1)'(b) < bytes;
    marked = marked << off;
  endfunction

  logic [WordBytes-1:0] wr_this_be, wr_next_be;
  logic [Bits-1:0]      wr_data;

  always_comb begin
    wr_data                  = 'x;
    {wr_next_be, wr_this_be} = '0;
    if (wr_valid_q) begin
      wr_data                  = rotated(wr_data_q, wr_turn_q);
      {wr_next_be, wr_this_be} = marked(wr_bytes_q, wr_off_q);
    end
  end

  lacuna_ram_1r1w #(.Words(TileWords / 2), .WordBytes(WordBytes)) u_even (
    .clk_i,
    .rd_en_i  (rd_en_i),
    .rd_addr_i(rd_index + IndexBits'(rd_odd)),
    .rd_data_o(rd_even_word),
    .wr_be_i  (wr_odd_q ? wr_next_be : wr_this_be),
    .wr_addr_i(wr_even_index_q),
    .wr_data_i(wr_data)
  );

  lacuna_ram_1r1w #(.Words(TileWords / 2), .WordBytes(WordBytes)) u_odd (
    .clk_i,
    .rd_en_i  (rd_en_i),
    .rd_addr_i(rd_index),
    .rd_data_o(rd_odd_word),
    .wr_be_i  (wr_odd_q ? wr_this_be : wr_next_be),
    .wr_addr_i(wr_odd_index_q),
    .wr_data_i(wr_data)
  );

endmodule
