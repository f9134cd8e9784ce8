// The bridge behind a UART.
//
// Contract:   as lacuna_bridge; bytes travel 8N1 at `Divisor` sixteenths of a clock a bit, 64 at
//             least. `heard_o` pulses for each request of the open session.
// Throughput: the line's.
module lacuna_link #(
  parameter int unsigned WordBytes  = 16,
  parameter int unsigned Slots      = 8,
  parameter int unsigned SlotBytes  = 1024,
  parameter int unsigned Divisor    = 64,
  parameter logic [31:0] LayoutHash = lacuna_spec_pkg::LayoutHash
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  output logic                   heard_o,

  input  logic                   uart_rx_i,
  output logic                   uart_tx_o,

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

  localparam int unsigned TimeBits = 13;

  if (Divisor < 64 || Divisor >= (1 << TimeBits)) begin : gen_bad_divisor
    $error("lacuna_link: Divisor is %0d; choose 64 to 8191 sixteenths of a clock", Divisor);
  end

  logic       rx_valid, rx_ready, tx_valid, tx_ready;
  logic [7:0] rx_data, tx_data;

  lacuna_uart_rx u_rx (
    .clk_i(clk_i), .rst_ni(rst_ni), .divisor_i(TimeBits'(Divisor)),
    .rx_i(uart_rx_i),
    .valid_o(rx_valid), .ready_i(rx_ready), .data_o(rx_data)
  );

  lacuna_uart_tx u_tx (
    .clk_i(clk_i), .rst_ni(rst_ni), .divisor_i(TimeBits'(Divisor)),
    .valid_i(tx_valid), .ready_o(tx_ready), .data_i(tx_data),
    .tx_o(uart_tx_o)
  );

  lacuna_bridge #(
    .WordBytes(WordBytes), .Slots(Slots), .SlotBytes(SlotBytes), .LayoutHash(LayoutHash)
  ) u_bridge (
    .clk_i, .rst_ni, .heard_o,
    .rx_valid_i(rx_valid), .rx_ready_o(rx_ready), .rx_data_i(rx_data),
    .tx_valid_o(tx_valid), .tx_ready_i(tx_ready), .tx_data_o(tx_data),
    .req_valid_o, .req_ready_i, .req_write_o, .req_addr_o, .req_wdata_o, .req_wstrb_o,
    .rsp_valid_i, .rsp_ready_o, .rsp_rdata_i, .rsp_error_i
  );

`ifdef LACUNA_CHECK
  lacuna_stream_check #(.Width(8)) u_check_rx (
    .clk_i, .rst_ni, .valid_i(rx_valid), .ready_i(rx_ready), .data_i(rx_data)
  );
`endif

endmodule
