// Row words on their way to the charge-domain array, four quarters of 16 rows a block.
//
// A block is 64 rows of one vector, or what is left of it. Words stay until they are freed, so that
// a block can be read as often as there are columns and planes.
//
// Contract:   a word is never refused: the feeder leaves room (`room_o`). `ready_o`: a whole block
//             is there. `index_i` addresses words from the oldest on, `second_i` one of their
//             halves. `free_i` drops the block, of `words_i` words.
// Throughput: one word in, one word read a cycle.
// Latency:    reads take none; a word shows in the cycle after it came.
module lacuna_charge_rows #(
  parameter  int unsigned Lanes      = 8,
  parameter  int unsigned Pages      = 512,
  localparam int unsigned Columns    = 2 * Lanes,
  localparam int unsigned PageWidth  = $clog2(Pages),
  localparam int unsigned CountWidth = $clog2(Columns + 1),
  localparam int unsigned LinesWidth = $clog2(Lanes + 1),
  localparam int unsigned BlockWords = lacuna_spec_pkg::ChargeRows / Columns,
  localparam int unsigned IndexWidth = $clog2(BlockWords),
  localparam int unsigned Planes     = lacuna_spec_pkg::ChargeInputBitsMax
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  start_i,

  output logic                  room_o,
  input  logic                  word_valid_i,
  input  logic [Columns*9-1:0]  word_data_i,
  input  logic [CountWidth-1:0] word_count_i,
  input  logic [PageWidth-1:0]  word_page_i,
  input  logic                  word_last_i,

  output logic                  ready_o,
  input  logic [IndexWidth-1:0] index_i,
  input  logic                  second_i,
  input  logic [3:0]            plane_i,
  output logic [CountWidth-1:0] count_o,
  output logic [PageWidth-1:0]  page_o,       // of the half
  output logic                  last_o,
  output logic [Planes-1:0]     planes_o,     // in which some row of the word is 1
  input  logic [IndexWidth:0]   words_i,      // of the block
  input  logic                  all_i,        // count all rows, not only those that are 1
  output logic [Lanes-1:0]      drive_o,      // rows of the half that the block has
  output logic [Lanes-1:0]      ones_o,       // their bits of the plane
  output logic [LinesWidth-1:0] driven_o,     // how many word lines that makes
  input  logic                  free_i,
  input  logic                  free_last_i   // the block ends its vector
);

  localparam int unsigned Depth    = 2 * BlockWords;
  localparam int unsigned PtrWidth = IndexWidth + 1;

  if (BlockWords < lacuna_spec_pkg::FeedLatency) begin : gen_bad_block
    $error("lacuna_charge_rows: blocks of %0d words do not cover the feeder's latency", BlockWords);
  end

  logic [PtrWidth-1:0] write_q, read_q;
  logic [PtrWidth:0]   words_q, lasts_q, freed;
  logic [Columns*9-1:0] data;
  logic [PageWidth-1:0] page;
  int unsigned         plane;

  assign room_o  = words_q <= (PtrWidth+1)'(Depth - lacuna_spec_pkg::FeedLatency);
  assign ready_o = words_q >= (PtrWidth+1)'(BlockWords) || lasts_q != '0;
  assign freed   = free_i ? {1'b0, words_i} : '0;

  lacuna_ram_lut #(.Words(Depth), .Width(Columns * 9 + CountWidth + PageWidth + 1)) u_words (
    .clk_i,
    .wr_en_i  (word_valid_i),
    .wr_addr_i(write_q),
    .wr_data_i({word_last_i, word_page_i, word_count_i, word_data_i}),
    .rd_en_i  (1'b1),
    .rd_addr_i(read_q + {1'b0, index_i}),
    .rd_data_o({last_o, page, count_o, data})
  );

  assign page_o = page + PageWidth'(second_i);
  assign plane  = 32'(plane_i);

  always_comb begin
    planes_o = '0;
    driven_o = '0;
    for (int unsigned r = 0; r < Columns; r++) begin
      if (count_o > CountWidth'(r)) planes_o = planes_o | data[9*r +: 9];
    end
    for (int unsigned l = 0; l < Lanes; l++) begin
      drive_o[l] = {1'b0, index_i} < words_i
                && count_o > (second_i ? CountWidth'(l + Lanes) : CountWidth'(l));
      ones_o[l]  = second_i ? data[9*(l+Lanes)+plane] : data[9*l+plane];
      driven_o   = driven_o + LinesWidth'(drive_o[l] && (all_i || ones_o[l]));
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || start_i) begin
      write_q <= '0;
      read_q  <= '0;
      words_q <= '0;
      lasts_q <= '0;
    end else begin
      write_q <= write_q + PtrWidth'(word_valid_i);
      read_q  <= read_q + freed[PtrWidth-1:0];
      words_q <= words_q + (PtrWidth+1)'(word_valid_i) - freed;
      lasts_q <= lasts_q + (PtrWidth+1)'(word_valid_i && word_last_i)
                         - (PtrWidth+1)'(free_i && free_last_i);
    end
  end

`ifdef LACUNA_CHECK
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      assert (!word_valid_i || words_q != (PtrWidth+1)'(Depth));
      assert (!start_i || words_q == '0);
      assert (freed <= words_q);
    end
  end
`endif

endmodule
