// lacuna_frame_encoder of a small chip: one block after another, its checksum bit by bit.
//
// A block is scanned for its end and added to the checksum, then sent. The line is busy with a byte
// meanwhile, so that short blocks cost it nothing.
//
// Contract:   as lacuna_frame_encoder.
// Throughput: one byte in three cycles, between scans.
// Latency:    10 cycles a byte of a block (254 bytes at most) before it starts.
module lacuna_frame_encoder_serial #(
  parameter  int unsigned WordBytes  = 4,
  parameter  int unsigned Slots      = 4,
  parameter  int unsigned SlotBytes  = 512,
  localparam int unsigned SlotWidth  = $clog2(Slots),
  localparam int unsigned IndexWidth = $clog2(SlotBytes)
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,

  input  logic                            send_valid_i,
  output logic                            send_ready_o,
  input  logic [SlotWidth-1:0]            send_slot_i,
  input  logic                            land_i,
  input  logic [SlotWidth-1:0]            land_slot_i,

  // Slot store.
  output logic                            rd_en_o,
  input  logic                            rd_grant_i,
  output logic [SlotWidth+IndexWidth-1:0] rd_addr_o,
  input  logic [7:0]                      rd_data_i,

  output logic                            tx_valid_o,
  input  logic                            tx_ready_i,
  output logic [7:0]                      tx_data_o
);

  // Bodies are counted in checksums, which are four bytes.
  localparam int unsigned TailShift = $clog2(lacuna_spec_pkg::FrameCrcBytes);
  localparam int unsigned BodyWidth = IndexWidth - TailShift;
  localparam int unsigned BeatShift = $clog2(WordBytes) - TailShift;
  localparam logic [BodyWidth-1:0] Head  =
      BodyWidth'(lacuna_spec_pkg::FrameResponseBytes >> TailShift);
  localparam logic [BodyWidth-1:0] Hello =
      BodyWidth'(lacuna_spec_pkg::FrameHelloBytes >> TailShift);

  if (WordBytes < 4) begin : gen_bad_word_bytes
    $error("lacuna_frame_encoder_serial: WordBytes is %0d; it must be 4 or more", WordBytes);
  end

  localparam logic [2:0] StIdle  = 3'd0;
  localparam logic [2:0] StScan  = 3'd1;  // Read the next byte of a block.
  localparam logic [2:0] StSum   = 3'd2;  // Eight cycles.
  localparam logic [2:0] StCode  = 3'd3;
  localparam logic [2:0] StFetch = 3'd4;
  localparam logic [2:0] StByte  = 3'd5;
  localparam logic [2:0] StEnd   = 3'd6;

  logic [2:0]            state_q;
  logic                  cut_q;
  logic                  got_q;      // `rd_data_i` is the byte that was asked for.
  logic                  scanned_q;  // Up to the end of the frame.
  logic                  final_q;
  logic                  zero_q;     // The block stands before a zero, which is not sent.
  logic [SlotWidth-1:0]  slot_q;
  logic [BodyWidth-1:0]  body_q;     // Without checksum.
  logic [IndexWidth-1:0] scan_q, sent_q, at;
  logic [7:0]            code_q, data_q;
  logic [2:0]            bit_q;
  logic [1:0]            op_q;
  logic [31:0]           crc_q, crc_d, checksum;
  logic                  scanning, tail, reading, summed, zero, block_end, next, header;

  assign send_ready_o = state_q == StIdle;
  assign scanning     = state_q == StScan || state_q == StSum;
  assign block_end    = sent_q == scan_q;
  assign at           = scanning ? scan_q : sent_q;
  assign tail         = at[IndexWidth-1:TailShift] == body_q;
  assign checksum     = ~crc_q;

  assign reading   = !got_q && ((state_q == StScan && !scanned_q)
                                || (state_q == StFetch && !block_end));
  assign rd_en_o   = reading;
  assign rd_addr_o = {slot_q, at};

  lacuna_crc32c #(.Bits(1)) u_crc (.crc_i(crc_q), .data_i(data_q[0]), .crc_o(crc_d));

  assign summed = state_q == StSum && bit_q == '1;
  assign zero   = data_q == 8'd0;
  assign next   = state_q == StFetch && block_end;
  assign header = scan_q[IndexWidth-1:3] == '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      got_q   <= 1'b0;
      bit_q   <= 3'd0;
    end else begin
      got_q <= reading && (rd_grant_i || tail);
      bit_q <= bit_q + 3'(state_q == StSum);
      unique case (state_q)
        StIdle: if (send_valid_i) state_q <= StScan;
        StScan: begin
          if (cut_q) state_q <= StEnd;
          else if (scanned_q) state_q <= StCode;
          else if (got_q) state_q <= StSum;
        end
        StSum: if (summed) state_q <= (zero || code_q == 8'hfe) ? StCode : StScan;
        StCode: if (tx_ready_i) state_q <= StFetch;
        StFetch: begin
          if (cut_q || (block_end && final_q)) state_q <= StEnd;
          else if (block_end) state_q <= StScan;
          else if (got_q) state_q <= StByte;
        end
        StByte: if (tx_ready_i) state_q <= StFetch;
        default: if (tx_ready_i) state_q <= StIdle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StIdle) begin
      slot_q    <= send_slot_i;
      body_q    <= Head;
      crc_q     <= '1;
      scan_q    <= '0;
      sent_q    <= '0;
      scanned_q <= 1'b0;
      final_q   <= 1'b0;
      cut_q     <= 1'b0;
    end else begin
      if (land_i && land_slot_i == slot_q) cut_q <= 1'b1;
      if (state_q == StSum && !tail) crc_q <= crc_d;
      if (summed && tail && scan_q[TailShift-1:0] == '1) scanned_q <= 1'b1;
      if (state_q == StScan && scanned_q) final_q <= 1'b1;
      scan_q <= scan_q + IndexWidth'((summed && !zero) || (next && zero_q));
      sent_q <= sent_q + IndexWidth'((got_q && !scanning) || (next && zero_q));
      if (got_q && state_q == StScan && header) begin
        if (scan_q[2:0] == 3'd4) op_q <= rd_data_i[1:0];
        if (scan_q[2:0] == 3'd5) begin
          if (op_q == lacuna_spec_pkg::FrameRead[1:0]) begin
            body_q <= Head + (BodyWidth'(rd_data_i) << BeatShift);
          end else if (op_q == lacuna_spec_pkg::FrameHello[1:0]) begin
            body_q <= Head + Hello;
          end
        end
      end
    end
    // The code counts from 1.
    if (state_q == StIdle || next)   code_q <= 8'd1;
    else if (summed && !zero)        code_q <= code_q + 8'd1;
    if (summed)                      zero_q <= zero;
    else if (state_q == StScan)      zero_q <= 1'b0;
    if (got_q)                       data_q <= tail ? checksum[8*at[1:0] +: 8] : rd_data_i;
    else if (state_q == StSum)       data_q <= {data_q[0], data_q[7:1]};
  end

  assign tx_valid_o = state_q == StCode || state_q == StByte || state_q == StEnd;
  always_comb begin
    tx_data_o = data_q;
    if (state_q == StCode) tx_data_o = code_q;
    if (state_q == StEnd)  tx_data_o = 8'd0;
  end

endmodule
