// Takes link bytes apart into frames: undoes COBS and checks the CRC-32C.
//
// Contract:   each decoded byte leaves at once with its offset in the body (checksum included).
//             `end_o` pulses with the delimiter of a non-empty frame; `sound_o` then says whether
//             the frame was whole and its checksum right, `length_o` how many bytes it had, counted
//             to SlotBytes + 1 at most. After any garbage the next delimiter restores order.
// Throughput: one byte a cycle.
// Latency:    none: outputs are combinational functions of the byte that is taken.
module lacuna_frame_decoder #(
  parameter  int unsigned SlotBytes   = 1024,
  localparam int unsigned LengthWidth = $clog2(SlotBytes) + 1
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  input  logic                   rx_valid_i,
  output logic                   rx_ready_o,
  input  logic [7:0]             rx_data_i,

  // Decoded bytes; `length_o` is the offset of this one.
  output logic                   byte_valid_o,
  input  logic                   byte_ready_i,
  output logic [7:0]             byte_data_o,

  output logic                   end_o,
  output logic                   sound_o,
  output logic [LengthWidth-1:0] length_o
);

  logic [7:0]             left_q;     // Bytes until the next code byte.
  logic                   zero_q;     // The next code byte stands for a zero.
  logic                   started_q;  // The frame has at least one code byte.
  logic [LengthWidth-1:0] length_q;
  logic [31:0]            crc_q, crc_d;
  logic                   take, delimiter, code;

  assign delimiter    = rx_data_i == 8'd0;
  assign code         = left_q == 8'd0;
  assign byte_valid_o = rx_valid_i && !delimiter && (!code || zero_q);
  assign byte_data_o  = code ? 8'd0 : rx_data_i;
  assign rx_ready_o   = byte_ready_i;
  assign take         = rx_valid_i && rx_ready_o;

  assign end_o    = take && delimiter && started_q;
  assign sound_o  = code && crc_q == lacuna_spec_pkg::FrameCrcResidue;
  assign length_o = length_q;

  lacuna_crc32c u_crc (.crc_i(crc_q), .data_i(byte_data_o), .crc_o(crc_d));

  always_ff @(posedge clk_i) begin
    if (!rst_ni || (take && delimiter)) begin
      left_q    <= 8'd0;
      zero_q    <= 1'b0;
      started_q <= 1'b0;
      length_q  <= '0;
      crc_q     <= '1;
    end else if (take) begin
      started_q <= 1'b1;
      if (code) begin
        left_q <= rx_data_i - 8'd1;
        zero_q <= rx_data_i != 8'hff;
      end else begin
        left_q <= left_q - 8'd1;
      end
      if (byte_valid_o) begin
        crc_q <= crc_d;
        if (!(length_q[LengthWidth-1] && length_q[0])) length_q <= length_q + LengthWidth'(1);
      end
    end
  end

endmodule
