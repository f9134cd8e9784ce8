// Runs one request after another on the host bus and leaves each response in the request's slot.
//
// Contract:   `exec_valid_i` offers slot `exec_slot_i` until `exec_done_o` pulses. Then bytes 6 and
//             7 of the slot are the status and the length of what was read compressed, and from byte
//             FrameResponseBytes on there is what was read. The slot store always grants; read data
//             comes one cycle after `rd_en_o`.
// Throughput: WordBytes cycles a beat plus one round trip of the host bus; compressed, 2 cycles a
//             mask more on writes and 1 on reads.
// Latency:    10 cycles to the first beat of a read.
//
// A beat that travels compressed is shifted in and out like another, but a byte that its mask lacks
// takes no place in the slot: it is the fill value.
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

  localparam int unsigned HalfBytes  = lacuna_spec_pkg::FrameHalfBytes;
  localparam int unsigned UnitShift  = $clog2(lacuna_spec_pkg::FrameResponseUnit);
  localparam int unsigned UnitsWidth = IndexWidth - UnitShift;
  localparam logic [UnitsWidth-1:0] HeaderUnits =
      UnitsWidth'(lacuna_spec_pkg::FrameResponseBytes >> UnitShift);

  localparam logic [3:0] StIdle    = 4'd0;
  localparam logic [3:0] StHead    = 4'd1;  // Shift the header in.
  localparam logic [3:0] StDecode  = 4'd2;
  localparam logic [3:0] StFill    = 4'd3;  // Shift a beat in.
  localparam logic [3:0] StRequest = 4'd4;
  localparam logic [3:0] StAnswer  = 4'd5;
  localparam logic [3:0] StDrain   = 4'd6;  // Shift a beat out.
  localparam logic [3:0] StStatus  = 4'd7;  // Two bytes.
  localparam logic [3:0] StMask    = 4'd8;  // Read the mask of a half, or write it.
  localparam logic [3:0] StMasked  = 4'd9;  // The mask is there.
  localparam logic [3:0] StPad     = 4'd10; // Up to a whole unit of a response.

  logic [3:0]            state_q, state_d;
  logic [LeftWidth-1:0]  left_q, left_d;
  logic [IndexWidth-1:0] index_q, index_d;
  logic                  arriving_q, last_q, unmapped_q;
  logic [ShiftWidth-1:0] shift_q, shift_d;
  logic [2:0]            head_op, op_q;
  logic [HalfBytes-1:0]  mask_q, differs;
  logic [UnitsWidth-1:0] units_q;  // Of what was read compressed; else 0.
  logic [7:0]            count_q;
  logic [WordBytes-1:0]  strobe_q;
  logic [31:0]           address_q;
  logic                  answered, filling, is_write, compressed, step, present, half_done, whole_unit;
  logic                  absent_q;
  logic [7:0]            fill;

  // The compressed operations are the others with one bit more.
  assign head_op    = shift_q[ShiftWidth-64 +: 3];
  assign is_write   = op_q[1:0] == lacuna_spec_pkg::FrameWrite[1:0];
  assign compressed = op_q[2];
  assign fill       = strobe_q[7:0];
  assign filling    = state_q == StHead || state_q == StFill;
  assign answered   = state_q == StAnswer && rsp_valid_i;

  // A byte of a beat, or of the header, moves.
  assign step      = (filling || state_q == StDrain) && left_q != '0;
  assign present   = mask_q[0] || !compressed || state_q == StHead;
  assign whole_unit = index_q[UnitShift-1:0] == '0;
  assign half_done = compressed && left_q == LeftWidth'(HalfBytes + 1);
  always_comb begin
    for (int unsigned b = 0; b < HalfBytes; b++) differs[b] = shift_q[8*b +: 8] != fill;
  end

  assign rd_en_o     = (filling && step && present) || (state_q == StMask && is_write);
  assign wr_en_o     = (state_q == StDrain && present) || state_q == StStatus
                       || (state_q == StMask && !is_write) || (state_q == StPad && !whole_unit);
  assign addr_o      = {exec_slot_i, index_q};
  assign exec_done_o = state_q == StStatus && last_q;

  always_comb begin
    wr_data_o = shift_q[7:0];
    if (state_q == StMask) wr_data_o = differs;
    if (state_q == StPad)  wr_data_o = 8'd0;
    if (state_q == StStatus) begin
      wr_data_o = last_q ? 8'(units_q) : unmapped_q ? lacuna_spec_pkg::FrameStatusUnmapped
                                                    : lacuna_spec_pkg::FrameStatusDone;
    end
  end

  assign req_valid_o = state_q == StRequest;
  assign req_write_o = is_write;
  assign req_addr_o  = address_q;
  assign req_wdata_o = shift_q[ShiftWidth-1 -: 8*WordBytes];
  assign req_wstrb_o = compressed ? '1 : strobe_q;
  assign rsp_ready_o = state_q == StAnswer;

  always_comb begin
    state_d = state_q;
    left_d  = left_q;
    index_d = index_q;
    if (step) left_d = left_q - LeftWidth'(1);
    if (rd_en_o || wr_en_o) index_d = index_q + IndexWidth'(1);
    unique case (state_q)
      StIdle: begin
        left_d  = LeftWidth'(HeadBytes);
        index_d = IndexWidth'(4);
        if (exec_valid_i) state_d = StHead;
      end
      StHead: if (left_q == '0) state_d = StDecode;
      StDecode: begin
        left_d = LeftWidth'(WordBytes);
        if (head_op[1:0] == lacuna_spec_pkg::FrameWrite[1:0]) begin
          state_d = head_op[2] ? StMask : StFill;
        end else begin
          index_d = IndexWidth'(lacuna_spec_pkg::FrameResponseBytes);
          state_d = StRequest;
          if (head_op[1:0] == lacuna_spec_pkg::FrameHello[1:0]) begin
            left_d  = LeftWidth'(lacuna_spec_pkg::FrameHelloBytes);
            state_d = StDrain;
          end
        end
      end
      StMask:    state_d = is_write ? StMasked : StDrain;
      StMasked:  state_d = StFill;
      StFill: begin
        if (left_q == '0)   state_d = StRequest;
        else if (half_done) state_d = StMask;
      end
      StRequest: if (req_ready_i) state_d = StAnswer;
      StAnswer: begin
        if (rsp_valid_i) begin
          left_d  = LeftWidth'(WordBytes);
          state_d = !is_write ? (compressed ? StMask : StDrain)
                              : last_q ? StStatus : compressed ? StMask : StFill;
        end
      end
      StDrain: begin
        if (left_q == LeftWidth'(1)) begin
          left_d  = LeftWidth'(WordBytes);
          state_d = !last_q ? StRequest : compressed ? StPad : StStatus;
        end else if (half_done) begin
          state_d = StMask;
        end
      end
      StPad:     if (whole_unit) state_d = StStatus;
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
      shift_d = {absent_q ? fill : rd_data_i, shift_q[ShiftWidth-1:8]};
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q    <= StIdle;
      arriving_q <= 1'b0;
    end else begin
      state_q    <= state_d;
      arriving_q <= filling && step;
    end
  end

  // `last_q`: the beat in progress is the last one; in StStatus: this is the second byte.
  always_ff @(posedge clk_i) begin
    left_q   <= left_d;
    index_q  <= index_d;
    shift_q  <= shift_d;
    absent_q <= !present;
    if (state_q == StMask)        mask_q <= differs;
    else if (state_q == StMasked) mask_q <= rd_data_i;
    else if (step)                mask_q <= mask_q >> 1;
    if (state_q == StDecode)      units_q <= '0;
    else if (state_q == StPad)    units_q <= index_q[IndexWidth-1:UnitShift] - HeaderUnits;
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
