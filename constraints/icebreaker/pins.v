// The iCEBreaker as a simulator sees it.
module lacuna_board (
  input        clk_i, rst_ni, uart_rx_i,
  output       uart_tx_o,
  // Clocks a bit of the serial line.
  output [7:0] bit_clocks_o
);

  assign bit_clocks_o = 8'd4;

  lacuna_uart_top u_top (.clk_i(clk_i), .rst_ni(rst_ni), .uart_rx_i(uart_rx_i), .uart_tx_o(uart_tx_o), .led_o());

endmodule
