// Proves lacuna_frame_halves against a reader of the payload, byte by byte: it says that a frame fits
// when and only when as many halves as its beats have were read whole, then the checksum's bytes.
//
// The reader counts what it waits for; lacuna_frame_halves adds up places. Frames may follow each
// other and end anywhere.
module lacuna_halves_proof #(
  parameter int unsigned SlotBytes = 64,
  parameter int unsigned WordBytes = 16
) (
  input logic       clk_i,
  input logic       byte_take_i,
  input logic [7:0] byte_data_i,
  input logic       end_i
);

  localparam int unsigned LengthWidth = $clog2(SlotBytes) + 1;
  localparam int unsigned Most        = SlotBytes + 1;  // Where the decoder stops counting.

  logic [LengthWidth-1:0] length_q;
  logic                   fit;

  lacuna_frame_halves #(.SlotBytes(SlotBytes), .WordBytes(WordBytes)) u_dut (
    .clk_i, .byte_take_i, .byte_data_i, .length_i(length_q), .fit_o(fit)
  );

  (* hierconn *) logic [8:0]             \u_dut.left_q ;
  (* hierconn *) logic [LengthWidth-1:0] \u_dut.next_q ;

  always_comb assume (!(byte_take_i && end_i));

  always_ff @(posedge clk_i) begin
    if (end_i)                                        length_q <= '0;
    else if (byte_take_i && length_q != LengthWidth'(Most)) length_q <= length_q + LengthWidth'(1);
  end

  // The reader.
  logic [8:0] halves_q;  // Masks that it waits for.
  logic [3:0] bytes_q;   // Bytes of the half that it is in.
  logic [2:0] tail_q;    // Bytes behind the last half, up to 5.
  logic       whole;
  logic [3:0] ones;

  always_comb begin
    ones = '0;
    for (int unsigned b = 0; b < 8; b++) ones += 4'(byte_data_i[b]);
  end

  assign whole = halves_q == '0 && bytes_q == '0 && tail_q == 3'd4 && length_q != LengthWidth'(Most);

  always_ff @(posedge clk_i) begin
    if (byte_take_i && length_q == LengthWidth'(5)) begin
      halves_q <= 9'(byte_data_i) * 9'(WordBytes / 8);
      bytes_q  <= '0;
      tail_q   <= '0;
    end else if (byte_take_i && length_q >= LengthWidth'(12)) begin
      if (bytes_q != '0) begin
        bytes_q <= bytes_q - 4'd1;
      end else if (halves_q != '0) begin
        halves_q <= halves_q - 9'd1;
        bytes_q  <= ones;
      end else if (tail_q != 3'd5) begin
        tail_q <= tail_q + 3'd1;
      end
    end
  end

  // Where both stand, from a frame's count on. Past the slot places are not counted any more.
  logic                   in_payload, agree;
  logic [LengthWidth:0]   reached;

  assign in_payload = length_q > LengthWidth'(5) && length_q != LengthWidth'(Most);
  assign reached    = (LengthWidth+1)'(\u_dut.next_q ) + (LengthWidth+1)'(tail_q);
  always_comb begin
    agree = \u_dut.left_q == halves_q && bytes_q <= 4'd8 && tail_q <= 3'd5;
    if (length_q < LengthWidth'(12)) begin
      agree = agree && \u_dut.next_q == LengthWidth'(12) && bytes_q == '0 && tail_q == '0;
    end else if (halves_q != '0 || bytes_q != '0) begin
      agree = agree && tail_q == '0
              && (LengthWidth+1)'(\u_dut.next_q ) == (LengthWidth+1)'(length_q) + (LengthWidth+1)'(bytes_q);
    end else begin
      agree = agree && (reached == (LengthWidth+1)'(length_q)
                        || (tail_q == 3'd5 && reached < (LengthWidth+1)'(length_q)));
    end
  end

  // In the middle of anything: a frame takes longer than a search does.
  initial assume (length_q <= LengthWidth'(Most) && (!in_payload || agree));

  always_ff @(posedge clk_i) begin
    counts_to_the_end: assert (length_q <= LengthWidth'(Most));
    stand_together:    assert (!in_payload || agree);
    // A verdict that counts is that of a frame with more than its header.
    fits_when_whole:   assert (!end_i || length_q < LengthWidth'(16) || fit == whole);
  end

endmodule
