// `small` on a Colorlight i5 (LFE5U-25F) or i9 (LFE5U-45F) and their extension board: the chip with
// its UART link, at 45 MHz.
//
// Contract:   3 Mbaud on the extension board's USB connector. `rst_ni` is low while the button is
//             pressed. `led_no`, lit by 0, toggles with every request that is heard and is dark
//             until the clock is locked.
module lacuna_colorlight #(
  parameter int unsigned Tiles         = lacuna_spec_pkg::SmallTiles,
  parameter int unsigned Lanes         = lacuna_spec_pkg::SmallLanes,
  parameter int unsigned Pages         = lacuna_spec_pkg::SmallPages,
  parameter int unsigned DigitBits     = lacuna_spec_pkg::SmallDigitBits,
  parameter int unsigned TileWords     = lacuna_spec_pkg::SmallTileWords,
  parameter int unsigned ReduceColumns = lacuna_spec_pkg::SmallReduceColumns,
  parameter int unsigned Slack         = lacuna_spec_pkg::SmallSlack,
  parameter int unsigned AccBits       = lacuna_spec_pkg::SmallAccBits,
  parameter int unsigned ProgramLen    = lacuna_spec_pkg::SmallProgramLen,
  parameter int unsigned DepthwiseTaps = lacuna_spec_pkg::SmallDepthwiseTaps,
  parameter bit          Transposer    = lacuna_spec_pkg::SmallTransposer != 0
) (
  input  logic clk_25mhz_i,
  input  logic rst_ni,

  input  logic uart_rx_i,
  output logic uart_tx_o,

  output logic led_no
);

  // 3 Mbaud, in sixteenths of a clock a bit.
  localparam int unsigned Divisor = 240;

  logic clk, locked, heard;

  assign led_no = !(heard && locked);

  lacuna_pll #(.Divide(5), .Multiply(9), .Post(13)) u_pll (
    .clk_i(clk_25mhz_i), .clk_o(clk), .locked_o(locked)
  );

  lacuna_uart_top #(
    .Tiles(Tiles), .Lanes(Lanes), .Pages(Pages), .DigitBits(DigitBits), .TileWords(TileWords),
    .ReduceColumns(ReduceColumns), .Slack(Slack), .AccBits(AccBits), .ProgramLen(ProgramLen),
    .DepthwiseTaps(DepthwiseTaps), .Transposer(Transposer), .Divisor(Divisor)
  ) u_top (
    .clk_i(clk), .rst_ni(locked && rst_ni),
    .uart_rx_i, .uart_tx_o, .led_o(heard)
  );

endmodule
