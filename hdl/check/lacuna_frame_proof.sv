// Proves lacuna_frame_decoder: from any state, after one delimiter at most, it is in step with the
// line; from there on it finds every byte, length and end, and its verdict is the checksum's.
//
// The decoder is never reset here: it begins in any state. The proof decodes the line by itself,
// with a count up where the decoder counts down, and with the polynomial as the books have it,
// most significant bit first. `hierconn` signals are the decoder's own.
module lacuna_frame_proof #(
  parameter bit Serial = 1'b0
) (
  input logic       clk_i,
  input logic       rx_valid_i,
  input logic [7:0] rx_data_i,
  input logic       byte_ready_i
);

  localparam int unsigned SlotBytes  = 8;
  localparam logic [31:0] Polynomial = 32'h1edc_6f41;

  logic       rx_ready_o, byte_valid_o, end_o, sound_o;
  logic [7:0] byte_data_o;
  logic [3:0] length_o;

  lacuna_frame_decoder #(.SlotBytes(SlotBytes), .Serial(Serial)) u_dut (
    .clk_i, .rst_ni(1'b1),
    .rx_valid_i, .rx_ready_o, .rx_data_i,
    .byte_valid_o, .byte_ready_i, .byte_data_o,
    .end_o, .sound_o, .length_o
  );

  (* hierconn *) logic [7:0]  \u_dut.left_q ;
  (* hierconn *) logic        \u_dut.zero_q ;
  (* hierconn *) logic        \u_dut.started_q ;
  (* hierconn *) logic [3:0]  \u_dut.length_q ;
  (* hierconn *) logic [31:0] \u_dut.crc_q ;
  // Only there with `Serial`.
  (* hierconn *) logic [3:0]  \u_dut.gen_serial.bit_q ;

  // Assumed of the UART: what it offers stays until it is taken.
  logic       waiting_q;
  logic [7:0] data_q;

  initial assume (!waiting_q);
  always_ff @(posedge clk_i) begin
    waiting_q <= rx_valid_i && !rx_ready_o;
    data_q    <= rx_data_i;
  end
  always_comb assume (!waiting_q || (rx_valid_i && rx_data_i == data_q));

  // The division by the polynomial, `bits` bits of a byte.
  function automatic logic [31:0] divide(logic [31:0] rest, logic [7:0] data, logic [3:0] bits);
    divide = rest;
    for (int unsigned b = 0; b < 8; b++) begin
      if (4'(b) < bits) begin
        divide = (divide << 1) ^ ((divide[31] ^ data[b]) ? Polynomial : 32'd0);
      end
    end
  endfunction

  // The line since its first delimiter.
  logic        synced_q, open_q;
  logic [7:0]  code_q, at_q;    // Code of this block, and how many bytes of it have come.
  logic [3:0]  length_q;
  logic [31:0] rest_q;

  logic        take, delimiter, complete, decoded;
  logic [7:0]  value;
  logic [3:0]  added;           // Bits of the waiting byte that a serial decoder has added up.
  logic [31:0] rest, mirrored;

  assign take      = rx_valid_i && rx_ready_o;
  assign delimiter = rx_data_i == 8'd0;
  assign complete  = !open_q || at_q == code_q;
  assign decoded   = !delimiter && open_q && (!complete || code_q != 8'hff);
  assign value     = complete ? 8'd0 : rx_data_i;
  assign added     = Serial ? \u_dut.gen_serial.bit_q : 4'd0;
  assign rest      = divide(rest_q, value, added);

  always_comb begin
    for (int unsigned b = 0; b < 32; b++) mirrored[b] = rest[31 - b];
  end

  always_ff @(posedge clk_i) begin
    if (take && delimiter) begin
      synced_q <= 1'b1;
      open_q   <= 1'b0;
      length_q <= 4'd0;
      rest_q   <= '1;
    end else if (take) begin
      open_q <= 1'b1;
      code_q <= complete ? rx_data_i : code_q;
      at_q   <= complete ? 8'd1 : at_q + 8'd1;
      if (decoded) begin
        length_q <= (length_q == 4'(SlotBytes + 1)) ? length_q : length_q + 4'd1;
        rest_q   <= divide(rest_q, value, 4'd8);
      end
    end
  end

  logic in_step;

  assign in_step = \u_dut.left_q == (open_q ? code_q - at_q : 8'd0)
                   && \u_dut.zero_q == (open_q && code_q != 8'hff)
                   && \u_dut.started_q == open_q
                   && \u_dut.length_q == length_q && length_q <= 4'(SlotBytes + 1)
                   && \u_dut.crc_q == mirrored
                   && (!open_q || (at_q != 8'd0 && at_q <= code_q))
                   && added <= 4'd8 && (added == 4'd0 || (waiting_q && decoded));

  // In any state, out of step; or in step in the middle of a frame, as long as that may be.
  initial assume (!synced_q || in_step);

  always_ff @(posedge clk_i) begin
    if (synced_q) begin
      stays_in_step: assert (in_step);
      if (rx_valid_i) begin
        each_byte_once: assert ((byte_valid_o && byte_ready_i) == (take && decoded));
        ends:           assert (end_o == (take && delimiter && open_q));
      end else begin
        nothing_by_itself: assert (!byte_valid_o && !end_o);
      end
      if (byte_valid_o) right_byte: assert (byte_data_o == value);
      if (byte_valid_o || end_o) right_length: assert (length_o == length_q);
      if (end_o) right_verdict: assert (sound_o == (complete && mirrored == 32'hb798_b438));
      if (delimiter && byte_ready_i && rx_valid_i) delimiter_at_once: assert (rx_ready_o);
    end
  end

endmodule
