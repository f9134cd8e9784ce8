// How the windows of a vector lie in its row words, one after the other without gaps.
//
// A window that makes a row word by itself is turned: its bytes meet other lanes than those of the
// word before, so that a busy channel does not meet the same lane at every kernel tap.
//
// Contract:   outputs tell of the window or flush that may be next. `window_i`: a window of `run`
//             is issued, of `bytes_i` bytes, the vector's last if `last_i`; if it completes a word
//             and leaves bytes over (`full_o`, `left_over_o`) then, a `flush_i` follows, a slot
//             without a window. `word_o`: with it a row word is complete, `vector_end_o`: the
//             vector is. `double_i`: each window is two, a row word each. Outside of vectors all is
//             0.
// Throughput: one window a cycle.
// Latency:    none.
module lacuna_row_words #(
  parameter  int unsigned Lanes     = 8,
  localparam int unsigned WordBytes = 2 * Lanes,
  localparam int unsigned OffWidth  = $clog2(WordBytes)
) (
  input  logic                clk_i,
  input  logic                start_i,

  input  logic                window_i,
  input  logic                flush_i,
  input  logic                double_i,
  input  logic [OffWidth:0]   bytes_i,
  input  logic                last_i,

  output logic [OffWidth-1:0] fill_o,      // bytes that are held, and the place of the next one
  output logic [OffWidth-1:0] position_o,  // where the window's first byte is to be
  output logic [OffWidth:0]   count_o,     // rows of the word, if it is complete
  output logic                full_o,
  output logic                left_over_o,
  output logic                word_o,
  output logic                vector_end_o
);

  logic [OffWidth-1:0] fill_q;
  logic [OffWidth-1:0] turn_q;  // row words of the vector so far
  logic [OffWidth:0]   filled;
  logic                whole;

  assign filled       = {1'b0, fill_q} + bytes_i;
  assign full_o       = filled[OffWidth];
  assign left_over_o  = full_o && (filled[OffWidth-1:0] != '0);
  assign whole        = bytes_i[OffWidth] && (fill_q == '0);
  assign word_o       = flush_i || (window_i && (full_o || last_i));
  assign vector_end_o = flush_i || (window_i && last_i && !left_over_o);
  assign fill_o       = fill_q;
  assign position_o   = whole ? turn_q : fill_q;

  always_comb begin
    count_o = filled;
    if (full_o) count_o = (OffWidth + 1)'(WordBytes);
    if (flush_i) count_o = {1'b0, fill_q};
  end

  always_ff @(posedge clk_i) begin
    if (start_i || vector_end_o) fill_q <= '0;
    else if (window_i) fill_q <= filled[OffWidth-1:0];
    if (start_i || vector_end_o) turn_q <= '0;
    else if (word_o) turn_q <= turn_q + (double_i ? OffWidth'(2) : OffWidth'(1));
  end

endmodule
