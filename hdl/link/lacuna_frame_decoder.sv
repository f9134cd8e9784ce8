// Takes link bytes apart into frames: undoes COBS and checks the CRC-32C.
//
// Contract:   each decoded byte leaves at once with its offset in the body (checksum included).
//             `end_o` pulses with the delimiter of a non-empty frame; `sound_o` then says whether
//             the frame was whole and its checksum right, `length_o` how many bytes it had, counted
//             to SlotBytes + 1 at most. After any garbage the next delimiter restores order.
// Throughput: one byte a cycle, or with `Serial` one in 9.
// Latency:    none: outputs are combinational functions of the byte that is taken. With `Serial` it
//             is taken once it is in the checksum.
module lacuna_frame_decoder #(
  parameter  int unsigned SlotBytes   = 1024,
  // Add up the checksum bit by bit.
  parameter  bit          Serial      = 1'b0,
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
  logic                   take, delimiter, code, decoded, summed, add;

  assign delimiter    = rx_data_i == 8'd0;
  assign code         = left_q == 8'd0;
  assign decoded      = rx_valid_i && !delimiter && (!code || zero_q);
  assign byte_valid_o = decoded && summed;
  assign byte_data_o  = code ? 8'd0 : rx_data_i;
  assign rx_ready_o   = byte_ready_i && (!decoded || summed);
  assign take         = rx_valid_i && rx_ready_o;

  assign end_o    = take && delimiter && started_q;
  assign sound_o  = code && crc_q == lacuna_spec_pkg::FrameCrcResidue;
  assign length_o = length_q;

  if (Serial) begin : gen_serial
    logic [3:0] bit_q;

    assign summed = bit_q[3];
    assign add    = decoded && !summed;

    lacuna_crc32c #(.Bits(1)) u_crc (
      .crc_i(crc_q), .data_i(byte_data_o[bit_q[2:0]]), .crc_o(crc_d)
    );

    always_ff @(posedge clk_i) begin
      if (!rst_ni || take) bit_q <= 4'd0;
      else if (add)        bit_q <= bit_q + 4'd1;
    end
  end else begin : gen_parallel
    assign summed = 1'b1;
    assign add    = take && byte_valid_o;

    lacuna_crc32c u_crc (.crc_i(crc_q), .data_i(byte_data_o), .crc_o(crc_d));
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || (take && delimiter)) begin
      left_q    <= 8'd0;
      zero_q    <= 1'b0;
      started_q <= 1'b0;
      length_q  <= '0;
    end else if (take) begin
      started_q <= 1'b1;
      if (code) begin
        left_q <= rx_data_i - 8'd1;
        zero_q <= rx_data_i != 8'hff;
      end else begin
        left_q <= left_q - 8'd1;
      end
      if (byte_valid_o && !(length_q[LengthWidth-1] && length_q[0])) begin
        length_q <= length_q + LengthWidth'(1);
      end
    end
    if (!rst_ni || (take && delimiter)) crc_q <= '1;
    else if (add)                       crc_q <= crc_d;
  end

endmodule
