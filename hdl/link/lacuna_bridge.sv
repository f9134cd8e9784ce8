// The chip's end of the link: frames of bytes in and out, master of the host bus.
//
// Contract:   the frames and rules of `host/spec/src/frame.rs`; every request runs exactly once, in
//             order.
// Throughput: one byte a cycle in while the executor does not write, one in three cycles out; with
//             beats of four bytes see lacuna_frame_encoder_serial and lacuna_frame_decoder.
// Latency:    a request starts in the cycle after its delimiter.
//
// Requests and, in the same place, their responses live in one block RAM of Slots x SlotBytes.
module lacuna_bridge #(
  parameter int unsigned WordBytes  = 16,
  parameter int unsigned Slots      = 8,
  parameter int unsigned SlotBytes  = 1024,
  parameter logic [31:0] LayoutHash = lacuna_spec_pkg::LayoutHash
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  // One pulse for each request of the open session that arrived whole.
  output logic                   heard_o,

  // Link bytes.
  input  logic                   rx_valid_i,
  output logic                   rx_ready_o,
  input  logic [7:0]             rx_data_i,

  output logic                   tx_valid_o,
  input  logic                   tx_ready_i,
  output logic [7:0]             tx_data_o,

  // Host bus.
  output logic                   req_valid_o,
  input  logic                   req_ready_i,
  output logic                   req_write_o,
  output logic [31:0]            req_addr_o,
  output logic [8*WordBytes-1:0] req_wdata_o,
  output logic [WordBytes-1:0]   req_wstrb_o,

  input  logic                   rsp_valid_i,
  output logic                   rsp_ready_o,
  input  logic [8*WordBytes-1:0] rsp_rdata_i,
  input  logic                   rsp_error_i
);

  localparam int unsigned SlotWidth   = $clog2(Slots);
  localparam int unsigned LengthWidth = $clog2(SlotBytes) + 1;
  localparam int unsigned AddrWidth   = SlotWidth + LengthWidth - 1;

  // What a UART's bytes leave time for.
  localparam bit          Serial      = WordBytes == 4;

  logic                   byte_valid, byte_ready, frame_end, sound, land;
  logic [7:0]             byte_data;
  logic [LengthWidth-1:0] length;
  logic [SlotWidth-1:0]   land_slot, exec_slot, send_slot;
  logic                   exec_valid, exec_done, send_valid, send_ready;
  logic                   exec_rd, exec_wr, send_rd;
  logic [AddrWidth-1:0]   exec_addr, send_addr;
  logic [7:0]             exec_data, rd_data;

  // The executor goes first on both ports of the store: it is never refused.
  assign byte_ready = !exec_wr;

  lacuna_frame_decoder #(.SlotBytes(SlotBytes), .Serial(Serial)) u_decoder (
    .clk_i, .rst_ni,
    .rx_valid_i, .rx_ready_o, .rx_data_i,
    .byte_valid_o(byte_valid), .byte_ready_i(byte_ready), .byte_data_o(byte_data),
    .end_o(frame_end), .sound_o(sound), .length_o(length)
  );

  lacuna_link_window #(
    .Slots(Slots), .SlotBytes(SlotBytes), .WordBytes(WordBytes), .Early(Serial)
  ) u_window (
    .clk_i, .rst_ni,
    .byte_take_i(byte_valid && byte_ready), .byte_data_i(byte_data), .length_i(length),
    .end_i(frame_end), .sound_i(sound),
    .land_o(land), .land_slot_o(land_slot), .heard_o,
    .exec_valid_o(exec_valid), .exec_slot_o(exec_slot), .exec_done_i(exec_done),
    .send_valid_o(send_valid), .send_ready_i(send_ready), .send_slot_o(send_slot)
  );

  if (Serial) begin : gen_serial
    lacuna_link_executor_serial #(
      .Slots(Slots), .SlotBytes(SlotBytes), .LayoutHash(LayoutHash)
    ) u_executor (
      .clk_i, .rst_ni,
      .exec_valid_i(exec_valid), .exec_slot_i(exec_slot), .exec_done_o(exec_done),
      .rd_en_o(exec_rd), .wr_en_o(exec_wr), .addr_o(exec_addr), .wr_data_o(exec_data),
      .rd_data_i(rd_data),
      .req_valid_o, .req_ready_i, .req_write_o, .req_addr_o, .req_wdata_o, .req_wstrb_o,
      .rsp_valid_i, .rsp_ready_o, .rsp_rdata_i, .rsp_error_i
    );

    lacuna_frame_encoder_serial #(
      .WordBytes(WordBytes), .Slots(Slots), .SlotBytes(SlotBytes)
    ) u_encoder (
      .clk_i, .rst_ni,
      .send_valid_i(send_valid), .send_ready_o(send_ready), .send_slot_i(send_slot),
      .land_i(land), .land_slot_i(land_slot),
      .rd_en_o(send_rd), .rd_grant_i(!exec_rd), .rd_addr_o(send_addr), .rd_data_i(rd_data),
      .tx_valid_o, .tx_ready_i, .tx_data_o
    );
  end else begin : gen_parallel
    lacuna_link_executor #(
      .WordBytes(WordBytes), .Slots(Slots), .SlotBytes(SlotBytes), .LayoutHash(LayoutHash)
    ) u_executor (
      .clk_i, .rst_ni,
      .exec_valid_i(exec_valid), .exec_slot_i(exec_slot), .exec_done_o(exec_done),
      .rd_en_o(exec_rd), .wr_en_o(exec_wr), .addr_o(exec_addr), .wr_data_o(exec_data),
      .rd_data_i(rd_data),
      .req_valid_o, .req_ready_i, .req_write_o, .req_addr_o, .req_wdata_o, .req_wstrb_o,
      .rsp_valid_i, .rsp_ready_o, .rsp_rdata_i, .rsp_error_i
    );

    lacuna_frame_encoder #(
      .WordBytes(WordBytes), .Slots(Slots), .SlotBytes(SlotBytes)
    ) u_encoder (
      .clk_i, .rst_ni,
      .send_valid_i(send_valid), .send_ready_o(send_ready), .send_slot_i(send_slot),
      .land_i(land), .land_slot_i(land_slot),
      .rd_en_o(send_rd), .rd_grant_i(!exec_rd), .rd_addr_o(send_addr), .rd_data_i(rd_data),
      .tx_valid_o, .tx_ready_i, .tx_data_o
    );
  end

  lacuna_ram_1r1w #(.Words(Slots * SlotBytes), .WordBytes(1)) u_store (
    .clk_i,
    .rd_en_i(exec_rd || send_rd), .rd_addr_i(exec_rd ? exec_addr : send_addr), .rd_data_o(rd_data),
    .wr_be_i(exec_wr || land),
    .wr_addr_i(exec_wr ? exec_addr : {land_slot, length[LengthWidth-2:0]}),
    .wr_data_i(exec_wr ? exec_data : byte_data)
  );

`ifdef LACUNA_CHECK
  lacuna_stream_check #(.Width(8)) u_check_tx (
    .clk_i, .rst_ni, .valid_i(tx_valid_o), .ready_i(tx_ready_i), .data_i(tx_data_o)
  );
  lacuna_stream_check #(.Width(33 + 9*WordBytes)) u_check_req (
    .clk_i, .rst_ni, .valid_i(req_valid_o), .ready_i(req_ready_i),
    .data_i({req_write_o, req_addr_o, req_wdata_o, req_wstrb_o})
  );
`endif

endmodule
