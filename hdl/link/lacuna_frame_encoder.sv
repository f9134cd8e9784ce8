// Sends the response in a slot as a frame: appends the CRC-32C, applies COBS, ends with a
// delimiter.
//
// Contract:   taken slots are sent once. The length comes from bytes 4 and 5 of the slot, that of a
//             compressed read from byte 7. A byte
//             that lands in the slot being sent (`land_i`) ends the frame early: the host has
//             acknowledged it. The slot store answers a granted read one cycle later.
// Throughput: one byte in three cycles; the block behind the one that leaves is scanned meanwhile.
// Latency:    2 cycles a byte of the first block (254 bytes at most) before the frame starts.
module lacuna_frame_encoder #(
  parameter  int unsigned WordBytes  = 16,
  parameter  int unsigned Slots      = 8,
  parameter  int unsigned SlotBytes  = 1024,
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

  localparam int unsigned BeatShift = $clog2(WordBytes);
  localparam logic [7:0]  FullBlock = 8'hff;

  // Sender: code byte, then the bytes of its block, then the next block or the delimiter.
  localparam logic [1:0] TxIdle  = 2'd0;
  localparam logic [1:0] TxFetch = 2'd1;
  localparam logic [1:0] TxByte  = 2'd2;
  localparam logic [1:0] TxEnd   = 2'd3;

  logic                  busy_q, cut_q, kill;
  logic [SlotWidth-1:0]  slot_q;
  logic [IndexWidth-1:0] body_q;   // Bytes of the body without checksum.
  logic [31:0]           crc_q, crc_d, checksum;

  // Scanner.
  logic                  got_q;    // `rd_data_i` answers the scanner.
  logic                  scanned_q;
  logic [IndexWidth-1:0] scan_q;
  logic [2:0]            op_q;
  logic [7:0]            run_q;
  logic [7:0]            scan_byte, found_code;
  logic                  scan_tail, scan_end, scan_want, found;
  logic                  block_valid_q, block_last_q;
  logic [7:0]            block_code_q;

  // Sender.
  logic [1:0]            tx_q;
  logic [7:0]            data_q, todo_q;
  logic [IndexWidth-1:0] sent_q;
  logic                  mine_q;   // `rd_data_i` answers the sender.
  logic                  skip_q, final_q;
  logic                  tx_tail, tx_want, take_block;

  assign send_ready_o = !busy_q;
  assign kill         = land_i && busy_q && land_slot_i == slot_q;
  assign checksum     = ~crc_q;

  // The checksum follows the body; bodies are a multiple of four bytes long.
  assign scan_tail = scan_q >= body_q;
  assign scan_end  = scan_q == body_q + IndexWidth'(lacuna_spec_pkg::FrameCrcBytes);
  assign scan_byte = scan_tail ? checksum[8*scan_q[1:0] +: 8] : rd_data_i;
  assign tx_tail   = sent_q >= body_q;

  assign scan_want = busy_q && !got_q && !scanned_q && !block_valid_q;
  assign tx_want   = tx_q == TxFetch && todo_q != 8'd0 && !mine_q;
  assign rd_en_o   = tx_want || (scan_want && !scan_tail);
  assign rd_addr_o = {slot_q, tx_want ? sent_q : scan_q};

  lacuna_crc32c u_crc (.crc_i(crc_q), .data_i(rd_data_i), .crc_o(crc_d));

  // A block ends at a zero, after 254 other bytes, or with the frame.
  assign found      = (got_q && (scan_byte == 8'd0 || run_q == 8'd253))
                      || (scan_want && scan_end);
  assign found_code = (got_q && scan_byte != 8'd0) ? FullBlock : run_q + 8'd1;
  assign take_block = block_valid_q && tx_q == TxFetch && todo_q == 8'd0 && !final_q && !cut_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q        <= 1'b0;
      cut_q         <= 1'b0;
      got_q         <= 1'b0;
      mine_q        <= 1'b0;
      block_valid_q <= 1'b0;
      tx_q          <= TxIdle;
    end else begin
      got_q  <= scan_want && !scan_end && (scan_tail || (rd_grant_i && !tx_want)) && !kill;
      mine_q <= tx_want && (tx_tail || rd_grant_i);
      if (kill) cut_q <= 1'b1;
      if (found) block_valid_q <= 1'b1;
      else if (take_block) block_valid_q <= 1'b0;
      unique case (tx_q)
        TxIdle: begin
          if (send_valid_i) begin
            busy_q <= 1'b1;
            tx_q   <= TxFetch;
          end
        end
        TxFetch: begin
          if (cut_q) tx_q <= TxEnd;
          else if (take_block || mine_q) tx_q <= TxByte;
          else if (todo_q == 8'd0 && final_q) tx_q <= TxEnd;
        end
        TxByte: if (tx_ready_i) tx_q <= TxFetch;
        default: begin
          if (tx_ready_i) begin
            tx_q          <= TxIdle;
            busy_q        <= 1'b0;
            cut_q         <= 1'b0;
            got_q         <= 1'b0;
            block_valid_q <= 1'b0;
          end
        end
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    if (tx_q == TxIdle) begin
      slot_q    <= send_slot_i;
      body_q    <= IndexWidth'(lacuna_spec_pkg::FrameResponseBytes);
      crc_q     <= '1;
      scan_q    <= '0;
      run_q     <= 8'd0;
      scanned_q <= 1'b0;
      sent_q    <= '0;
      todo_q    <= 8'd0;
      skip_q    <= 1'b0;
      final_q   <= 1'b0;
    end else begin
      if (got_q) begin
        scan_q <= scan_q + IndexWidth'(1);
        run_q  <= found ? 8'd0 : run_q + 8'd1;
        if (!scan_tail) begin
          crc_q <= crc_d;
          if (scan_q == IndexWidth'(4)) op_q <= rd_data_i[2:0];
          if (scan_q == IndexWidth'(5)) begin
            if (op_q == lacuna_spec_pkg::FrameRead[2:0]) begin
              body_q <= body_q + (IndexWidth'(rd_data_i) << BeatShift);
            end else if (op_q == lacuna_spec_pkg::FrameHello[2:0]) begin
              body_q <= body_q + IndexWidth'(lacuna_spec_pkg::FrameHelloBytes);
            end
          end
          if (scan_q == IndexWidth'(7) && op_q == lacuna_spec_pkg::FrameReadCompressed[2:0]) begin
            body_q <= body_q + (IndexWidth'(rd_data_i) << $clog2(lacuna_spec_pkg::FrameResponseUnit));
          end
        end
      end
      if (found) begin
        block_code_q <= found_code;
        block_last_q <= !got_q;
        scanned_q    <= !got_q;
      end
      if (take_block) begin
        data_q  <= block_code_q;
        todo_q  <= block_code_q - 8'd1;
        skip_q  <= block_code_q != FullBlock;
        final_q <= block_last_q;
        if (skip_q) sent_q <= sent_q + IndexWidth'(1);
      end
      if (mine_q) begin
        data_q <= tx_tail ? checksum[8*sent_q[1:0] +: 8] : rd_data_i;
        todo_q <= todo_q - 8'd1;
        sent_q <= sent_q + IndexWidth'(1);
      end
    end
  end

  assign tx_valid_o = tx_q == TxByte || tx_q == TxEnd;
  assign tx_data_o  = (tx_q == TxEnd) ? 8'd0 : data_q;

endmodule
