// `nano` on a Tang Nano 20K (GW2AR-18): the chip with its UART link, at 81 MHz.
//
// Contract:   3 Mbaud on the board's USB connector. `s1_i` is high while pressed and resets the
//             chip. LEDs, lit by 0: 0 toggles with every request that is heard, 1 the clock is
//             locked, 2 and 3 the line is low: host to chip, and chip to host.
module lacuna_tang_nano #(
  parameter int unsigned Tiles         = lacuna_spec_pkg::NanoTiles,
  parameter int unsigned Lanes         = lacuna_spec_pkg::NanoLanes,
  parameter int unsigned Pages         = lacuna_spec_pkg::NanoPages,
  parameter int unsigned DigitBits     = lacuna_spec_pkg::NanoDigitBits,
  parameter int unsigned TileWords     = lacuna_spec_pkg::NanoTileWords,
  parameter int unsigned ReduceColumns = lacuna_spec_pkg::NanoReduceColumns,
  parameter int unsigned Slack         = lacuna_spec_pkg::NanoSlack,
  parameter int unsigned AccBits       = lacuna_spec_pkg::NanoAccBits,
  parameter int unsigned ProgramLen    = lacuna_spec_pkg::NanoProgramLen,
  parameter int unsigned DepthwiseTaps = lacuna_spec_pkg::NanoDepthwiseTaps,
  parameter bit          Transposer    = lacuna_spec_pkg::NanoTransposer != 0,
  parameter bit          Monitor       = lacuna_spec_pkg::NanoMonitor != 0
) (
  input  logic       clk_27mhz_i,
  input  logic       s1_i,

  input  logic       uart_rx_i,
  output logic       uart_tx_o,

  output logic [3:0] led_no
);

  // 3 Mbaud, in sixteenths of a clock a bit.
  localparam int unsigned Divisor = 432;

  logic clk, locked, heard;

  assign led_no = {uart_tx_o, uart_rx_i, !locked, !heard};

  lacuna_pll #(.Divide(1), .Multiply(3), .Post(8)) u_pll (
    .clk_i(clk_27mhz_i), .clk_o(clk), .locked_o(locked)
  );

  lacuna_uart_top #(
    .Tiles(Tiles), .Lanes(Lanes), .Pages(Pages), .DigitBits(DigitBits), .TileWords(TileWords),
    .ReduceColumns(ReduceColumns), .Slack(Slack), .AccBits(AccBits), .ProgramLen(ProgramLen),
    .DepthwiseTaps(DepthwiseTaps), .Transposer(Transposer), .Monitor(Monitor), .Divisor(Divisor)
  ) u_top (
    .clk_i(clk), .rst_ni(locked && !s1_i),
    .uart_rx_i, .uart_tx_o, .led_o(heard)
  );

endmodule
