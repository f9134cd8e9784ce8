// lacuna_link_executor for beats of four bytes: header, data and address share one shift register.
//
// The address turns by a byte while a beat is shifted, so that an adder of eight bits counts it up.
//
// Contract:   `exec_valid_i` offers slot `exec_slot_i` until `exec_done_o` pulses. Then bytes 6 and
//             7 of the slot are the status, and from byte FrameResponseBytes on there is what was
//             read. The slot store always grants; read data comes one cycle after `rd_en_o`.
// Throughput: 4 to 6 cycles a beat plus one round trip of the host bus.
// Latency:    10 cycles to the first beat of a read.
module lacuna_link_executor_serial #(
  parameter  int unsigned Slots      = 4,
  parameter  int unsigned SlotBytes  = 512,
  parameter  logic [31:0] LayoutHash = lacuna_spec_pkg::LayoutHash,
  localparam int unsigned WordBytes  = 4,
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

  // Of a header, bytes 4 to 11 matter here.
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
  logic [IndexWidth-1:0] index_q;
  logic                  arriving_q, unmapped_q;
  logic [31:0]           shift_q, shift_d;
  logic [1:0]            head_op, op_q;
  logic [7:0]            count_q, count_next;
  logic [WordBytes-1:0]  strobe_q;
  // Of a header, the last four bytes to come.
  logic [31:0]           address_q;
  logic [8:0]            counted;
  logic                  count_up_q;  // The address has still to be counted up.
  logic                  answered, is_write, is_hello, last, turn;
  logic                  head_done, fill_done, drain_done;

  assign head_op  = shift_q[1:0];
  assign is_write = op_q == lacuna_spec_pkg::FrameWrite[1:0];
  assign is_hello = op_q == lacuna_spec_pkg::FrameHello[1:0];
  assign answered = state_q == StAnswer && rsp_valid_i;
  // The beat in progress is the last one.
  assign last     = count_q <= 8'd1;

  // Beats lie at multiples of four bytes.
  assign head_done  = index_q[3:2] == 2'd3;
  assign fill_done  = index_q[1:0] == 2'd0 && arriving_q;
  assign drain_done = index_q[1:0] == 2'd3 && (index_q[2] || !is_hello);

  assign turn        = (state_q == StFill && !fill_done) || state_q == StDrain;
  assign rd_en_o     = (state_q == StHead && !head_done) || (state_q == StFill && !fill_done);
  assign wr_en_o     = state_q == StDrain || state_q == StStatus;
  assign addr_o      = {exec_slot_i, index_q};
  assign exec_done_o = state_q == StStatus && index_q[0];

  always_comb begin
    wr_data_o = is_hello ? Identity[8*index_q[2:0] +: 8] : shift_q[7:0];
    if (state_q == StStatus) begin
      wr_data_o = index_q[0] ? 8'd0 : unmapped_q ? lacuna_spec_pkg::FrameStatusUnmapped
                                                 : lacuna_spec_pkg::FrameStatusDone;
    end
  end

  assign req_valid_o = state_q == StRequest;
  assign req_write_o = is_write;
  assign req_addr_o  = address_q;
  assign req_wdata_o = shift_q;
  assign req_wstrb_o = strobe_q;
  assign rsp_ready_o = state_q == StAnswer;

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StIdle:   if (exec_valid_i) state_d = StHead;
      StHead:   if (head_done) state_d = StDecode;
      StDecode: begin
        state_d = StRequest;
        if (head_op == lacuna_spec_pkg::FrameWrite[1:0]) state_d = StFill;
        if (head_op == lacuna_spec_pkg::FrameHello[1:0]) state_d = StDrain;
      end
      StFill:    if (fill_done) state_d = StRequest;
      StRequest: if (req_ready_i) state_d = StAnswer;
      StAnswer:  if (rsp_valid_i) state_d = !is_write ? StDrain : last ? StStatus : StFill;
      StDrain:   if (drain_done) state_d = last ? StStatus : StRequest;
      default:   if (index_q[0]) state_d = StIdle;
    endcase
  end

  always_comb begin
    shift_d = {(state_q == StFill) ? rd_data_i : address_q[7:0], shift_q[31:8]};
    if (answered && !is_write) shift_d = rsp_rdata_i;
  end

  lacuna_count #(.Width(8), .Down(1'b1)) u_count (
    .set_i(state_q == StDecode), .value_i(shift_q[15:8]), .count_i(count_q), .next_o(count_next)
  );

  always_ff @(posedge clk_i) begin
    if (state_q == StDecode || (answered && is_write) || (state_q == StDrain && drain_done)) begin
      count_q <= count_next;
    end
  end

  assign counted = {1'b0, address_q[7:0]} + 9'(count_up_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q    <= StIdle;
      arriving_q <= 1'b0;
    end else begin
      state_q    <= state_d;
      arriving_q <= rd_en_o;
    end
  end

  // From byte 4 on a header, which a beat to write follows; one that was read goes to where the
  // address was. The status is bytes 6 and 7.
  always_ff @(posedge clk_i) begin
    if (state_q == StIdle) begin
      index_q <= IndexWidth'(4);
    end else if (state_d == StStatus && state_q != StStatus) begin
      index_q <= IndexWidth'(6);
    end else if (state_q == StDecode && state_d != StFill) begin
      index_q <= IndexWidth'(lacuna_spec_pkg::FrameResponseBytes);
    end else begin
      index_q <= index_q + IndexWidth'(rd_en_o || wr_en_o);
    end
  end

  always_ff @(posedge clk_i) begin
    if ((answered && !is_write) || arriving_q || state_q == StDrain) shift_q <= shift_d;
    if (arriving_q && state_q == StHead) address_q <= {rd_data_i, address_q[31:8]};
    else if (turn)                       address_q <= {counted[7:0], address_q[31:8]};
    if (answered)                    count_up_q <= 1'b1;
    else if (state_q == StDecode)    count_up_q <= 1'b0;
    else if (turn)                   count_up_q <= counted[8];
    if (state_q == StDecode) begin
      op_q       <= head_op;
      strobe_q   <= shift_q[16 +: WordBytes];
      unmapped_q <= 1'b0;
    end else if (answered) begin
      unmapped_q <= unmapped_q || rsp_error_i;
    end
  end

endmodule
