// Runs one request after another on the host bus and leaves each response in the request's slot.
//
// Contract:   `exec_valid_i` offers slot `exec_slot_i` until `exec_done_o` pulses. Then bytes 6 and
//             7 of the slot are the status, and from byte FrameResponseBytes on there is what was
//             read. The slot store always grants; read data comes one cycle after `rd_en_o`.
// Throughput: WordBytes cycles a beat plus one round trip of the host bus.
// Latency:    10 cycles to the first beat of a read.
module lacuna_link_executor #(
  parameter  int unsigned WordBytes  = 16,
  parameter  int unsigned Slots      = 8,
  parameter  int unsigned SlotBytes  = 1024,
  parameter  logic [31:0] LayoutHash = lacuna_spec_pkg::LayoutHash,
  localparam int unsigned SlotWidth  = $clog2(Slots),
  localparam int unsigned IndexWidth = $clog2(SlotBytes)
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,

  input  logic                            exec_valid_i,
  input  logic [SlotWidth-1:0]            exec_slot_i,
  output logic                            exec_done_o,

  // Slot store.
  output logic                            rd_en_o,
  output logic                            wr_en_o,
  output logic [SlotWidth+IndexWidth-1:0] addr_o,
  output logic [7:0]                      wr_data_o,
  input  logic [7:0]                      rd_data_i,

  // Host bus.
  output logic                            req_valid_o,
  input  logic                            req_ready_i,
  output logic                            req_write_o,
  output logic [31:0]                     req_addr_o,
  output logic [8*WordBytes-1:0]          req_wdata_o,
  output logic [WordBytes-1:0]            req_wstrb_o,

  input  logic                            rsp_valid_i,
  output logic                            rsp_ready_o,
  input  logic [8*WordBytes-1:0]          rsp_rdata_i,
  input  logic                            rsp_error_i
);

  // The part of a header that matters here: bytes 4 to 11.
  localparam int unsigned HeadBytes  = 8;
  localparam int unsigned ShiftBytes = (WordBytes > HeadBytes) ? WordBytes : HeadBytes;
  localparam int unsigned ShiftWidth = 8 * ShiftBytes;
  localparam int unsigned LeftWidth  = $clog2(ShiftBytes + 1);
  localparam logic [63:0] Identity   = {
    lacuna_spec_pkg::LinkVersion, 8'(WordBytes), 8'(IndexWidth), 8'(SlotWidth), LayoutHash
  };

  localparam logic [2:0] StIdle    = 3'd0;
  localparam logic [2:0] StHead    = 3'd1;  // Shift the header in.
  localparam logic [2:0] StDecode  = 3'd2;
  localparam logic [2:0] StFill    = 3'd3;  // Shift a beat in.
  localparam logic [2:0] StRequest = 3'd4;
  localparam logic [2:0] StAnswer  = 3'd5;
  localparam logic [2:0] StDrain   = 3'd6;  // Shift a beat out.
  localparam logic [2:0] StStatus  = 3'd7;  // Two bytes.

  logic [2:0]            state_q, state_d;
  logic [LeftWidth-1:0]  left_q, left_d;
  logic [IndexWidth-1:0] index_q, index_d;
  logic                  arriving_q, last_q, unmapped_q;
  logic [ShiftWidth-1:0] shift_q, shift_d;
  logic [1:0]            head_op, op_q;
  logic [7:0]            count_q;
  logic [WordBytes-1:0]  strobe_q;
  logic [31:0]           address_q;
  logic                  answered, filling, is_write;

  assign head_op  = shift_q[ShiftWidth-64 +: 2];
  assign is_write = op_q == lacuna_spec_pkg::FrameWrite[1:0];
  assign filling  = state_q == StHead || state_q == StFill;
  assign answered = state_q == StAnswer && rsp_valid_i;

  assign rd_en_o     = filling && left_q != '0;
  assign wr_en_o     = state_q == StDrain || state_q == StStatus;
  assign addr_o      = {exec_slot_i, index_q};
  assign exec_done_o = state_q == StStatus && last_q;

  always_comb begin
    wr_data_o = shift_q[7:0];
    if (state_q == StStatus) begin
      wr_data_o = last_q ? 8'd0 : unmapped_q ? lacuna_spec_pkg::FrameStatusUnmapped
                                             : lacuna_spec_pkg::FrameStatusDone;
    end
  end

  assign req_valid_o = state_q == StRequest;
  assign req_write_o = is_write;
  assign req_addr_o  = address_q;
  assign req_wdata_o = shift_q[ShiftWidth-1 -: 8*WordBytes];
  assign req_wstrb_o = strobe_q;
  assign rsp_ready_o = state_q == StAnswer;

  always_comb begin
    state_d = state_q;
    left_d  = left_q;
    index_d = index_q;
    if (left_q != '0 && (filling || state_q == StDrain)) begin
      left_d  = left_q - LeftWidth'(1);
      index_d = index_q + IndexWidth'(1);
    end
    unique case (state_q)
      StIdle: begin
        left_d  = LeftWidth'(HeadBytes);
        index_d = IndexWidth'(4);
        if (exec_valid_i) state_d = StHead;
      end
      StHead: if (left_q == '0) state_d = StDecode;
      StDecode: begin
        left_d = LeftWidth'(WordBytes);
        if (head_op == lacuna_spec_pkg::FrameWrite[1:0]) begin
          state_d = StFill;
        end else begin
          index_d = IndexWidth'(lacuna_spec_pkg::FrameResponseBytes);
          state_d = StRequest;
          if (head_op == lacuna_spec_pkg::FrameHello[1:0]) begin
            left_d  = LeftWidth'(lacuna_spec_pkg::FrameHelloBytes);
            state_d = StDrain;
          end
        end
      end
      StFill:    if (left_q == '0) state_d = StRequest;
      StRequest: if (req_ready_i) state_d = StAnswer;
      StAnswer: begin
        if (rsp_valid_i) begin
          left_d  = LeftWidth'(WordBytes);
          state_d = !is_write ? StDrain : last_q ? StStatus : StFill;
        end
      end
      StDrain: begin
        if (left_q == LeftWidth'(1)) begin
          left_d  = LeftWidth'(WordBytes);
          state_d = last_q ? StStatus : StRequest;
        end
      end
      default: if (last_q) state_d = StIdle;
    endcase
    // Status: byte 6, then byte 7.
    if (state_d == StStatus) index_d = (state_q == StStatus) ? IndexWidth'(7) : IndexWidth'(6);
  end

  always_comb begin
    shift_d = shift_q;
    if (state_q == StDecode) begin
      shift_d[63:0] = Identity;
    end else if (answered && !is_write) begin
      shift_d[8*WordBytes-1:0] = rsp_rdata_i;
    end else if (arriving_q || state_q == StDrain) begin
      shift_d = {rd_data_i, shift_q[ShiftWidth-1:8]};
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q    <= StIdle;
      arriving_q <= 1'b0;
    end else begin
      state_q    <= state_d;
      arriving_q <= rd_en_o;
    end
  end

  // `last_q`: the beat in progress is the last one; in StStatus: this is the second byte.
  always_ff @(posedge clk_i) begin
    left_q  <= left_d;
    index_q <= index_d;
    shift_q <= shift_d;
    if (state_q == StDecode) begin
      op_q       <= head_op;
      count_q    <= shift_q[ShiftWidth-56 +: 8];
      strobe_q   <= shift_q[ShiftWidth-48 +: WordBytes];
      address_q  <= shift_q[ShiftWidth-1 -: 32];
      unmapped_q <= 1'b0;
      last_q     <= shift_q[ShiftWidth-55 +: 7] == 7'd0;
    end else if (answered) begin
      address_q  <= address_q + 32'd1;
      unmapped_q <= unmapped_q || rsp_error_i;
    end
    // The beat is done.
    if ((answered && is_write) || (state_q == StDrain && left_q == LeftWidth'(1))) begin
      count_q <= count_q - 8'd1;
      last_q  <= count_q == 8'd2;
    end
    if (state_q == StStatus) last_q <= !last_q;
  end

endmodule
