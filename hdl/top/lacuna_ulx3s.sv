// The chip with its UART link on a ULX3S with an LFE5U-85F, which `base` exceeds, at 45 MHz.
//
// Contract:   3 Mbaud on the board's USB connector. `fire2_i` is high while pressed and resets the
//             chip. LEDs, lit by 1: 0 toggles with every request that is heard, 1 the clock is
//             locked, 2 and 3 the line is low: host to chip, and chip to host.
module lacuna_ulx3s #(
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
  parameter bit          Transposer    = lacuna_spec_pkg::BaseTransposer != 0
) (
  input  logic       clk_25mhz_i,
  input  logic       fire2_i,

  input  logic       uart_rx_i,
  output logic       uart_tx_o,

  output logic [7:0] led_o
);

  // 3 Mbaud, in sixteenths of a clock a bit.
  localparam int unsigned Divisor = 240;

  logic clk, locked, heard;

  assign led_o = {4'd0, !uart_tx_o, !uart_rx_i, locked, heard};

  lacuna_pll #(.Divide(5), .Multiply(9), .Post(13)) u_pll (
    .clk_i(clk_25mhz_i), .clk_o(clk), .locked_o(locked)
  );

  lacuna_uart_top #(
    .Tiles(Tiles), .Lanes(Lanes), .Pages(Pages), .DigitBits(DigitBits), .TileWords(TileWords),
    .ReduceColumns(ReduceColumns), .Slack(Slack), .AccBits(AccBits), .ProgramLen(ProgramLen),
    .DepthwiseTaps(DepthwiseTaps), .Transposer(Transposer), .Divisor(Divisor)
  ) u_top (
    .clk_i(clk), .rst_ni(locked && !fire2_i),
    .uart_rx_i, .uart_tx_o, .led_o(heard)
  );

endmodule
