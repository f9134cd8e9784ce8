// The chip with its UART link: what a board wraps.
//
// Contract:   8N1 at `Divisor` sixteenths of a clock a bit (12 MHz and 3 Mbaud: 64). `rst_ni` may
//             come straight from a button, or be tied high: the chip also resets when it is
//             configured. `led_o` toggles with every request that is heard.
module lacuna_uart_top #(
  parameter int unsigned Tiles         = lacuna_spec_pkg::BaseTiles,
  parameter int unsigned Lanes         = lacuna_spec_pkg::BaseLanes,
  parameter int unsigned Pages         = lacuna_spec_pkg::BasePages,
  parameter int unsigned DigitBits     = lacuna_spec_pkg::BaseDigitBits,
  parameter int unsigned TileWords     = lacuna_spec_pkg::BaseTileWords,
  parameter int unsigned ReduceColumns = lacuna_spec_pkg::BaseReduceColumns,
  parameter int unsigned Slack         = lacuna_spec_pkg::BaseSlack,
  parameter int unsigned AccBits       = lacuna_spec_pkg::BaseAccBits,
  parameter int unsigned ProgramLen    = lacuna_spec_pkg::BaseProgramLen,
  parameter int unsigned DepthwiseTaps = lacuna_spec_pkg::BaseDepthwiseTaps,
  parameter bit          Transposer    = lacuna_spec_pkg::BaseTransposer != 0,
  parameter bit          Monitor       = lacuna_spec_pkg::BaseMonitor != 0,
  parameter int unsigned Divisor       = 64
) (
  input  logic clk_i,
  input  logic rst_ni,

  input  logic uart_rx_i,
  output logic uart_tx_o,

  output logic led_o
);

  localparam int unsigned WordBytes = 2 * Lanes;
  // As frame::Shape::of in host/spec.
  localparam int unsigned Slots     = (WordBytes < 16) ? lacuna_spec_pkg::NanoLinkSlots
                                                       : lacuna_spec_pkg::BaseLinkSlots;
  localparam int unsigned SlotBytes = (WordBytes < 16) ? lacuna_spec_pkg::NanoLinkSlotBytes
                                                       : lacuna_spec_pkg::BaseLinkSlotBytes;

  // Zero from configuration on, so that the first clocks are a reset.
  logic [2:0] reset_q;
  logic       reset_n, heard, led_q;

  logic                   req_valid, req_ready, req_write, rsp_valid, rsp_ready, rsp_error;
  logic [31:0]            req_addr;
  logic [8*WordBytes-1:0] req_wdata, rsp_rdata;
  logic [WordBytes-1:0]   req_wstrb;

  assign reset_n = reset_q[2];
  assign led_o   = led_q;

  initial reset_q = 3'b000;
  always @(posedge clk_i) reset_q <= {reset_q[1:0], rst_ni};

  always_ff @(posedge clk_i) begin
    if (!reset_n)   led_q <= 1'b0;
    else if (heard) led_q <= !led_q;
  end

  lacuna_link #(
    .WordBytes(WordBytes), .Slots(Slots), .SlotBytes(SlotBytes), .Divisor(Divisor)
  ) u_link (
    .clk_i, .rst_ni(reset_n), .heard_o(heard),
    .uart_rx_i, .uart_tx_o,
    .req_valid_o(req_valid), .req_ready_i(req_ready), .req_write_o(req_write),
    .req_addr_o(req_addr), .req_wdata_o(req_wdata), .req_wstrb_o(req_wstrb),
    .rsp_valid_i(rsp_valid), .rsp_ready_o(rsp_ready), .rsp_rdata_i(rsp_rdata),
    .rsp_error_i(rsp_error)
  );

  lacuna_core #(
    .Tiles(Tiles), .Lanes(Lanes), .Pages(Pages), .DigitBits(DigitBits), .TileWords(TileWords),
    .ReduceColumns(ReduceColumns), .Slack(Slack), .AccBits(AccBits), .ProgramLen(ProgramLen),
    .DepthwiseTaps(DepthwiseTaps), .Transposer(Transposer), .Monitor(Monitor)
  ) u_core (
    .clk_i, .rst_ni(reset_n),
    .req_valid_i(req_valid), .req_ready_o(req_ready), .req_write_i(req_write),
    .req_addr_i(req_addr), .req_wdata_i(req_wdata), .req_wstrb_i(req_wstrb),
    .rsp_valid_o(rsp_valid), .rsp_ready_i(rsp_ready), .rsp_rdata_o(rsp_rdata),
    .rsp_error_o(rsp_error)
  );

endmodule
