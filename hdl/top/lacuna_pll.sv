// The chip's clock from a board's oscillator: here the oscillator itself, for simulation. hdl/tech
// has the devices' own.
//
// Contract:   `clk_o` runs at Multiply / Divide times `clk_i`; `locked_o` once it does. On ECP5 the
//             oscillator of the PLL runs at Post times `clk_o`, which must be 400 to 800 MHz.
module lacuna_pll #(
  parameter int unsigned Divide   = 1,
  parameter int unsigned Multiply = 1,
  parameter int unsigned Post     = 16
) (
  input  logic clk_i,

  output logic clk_o,
  output logic locked_o
);

  if (Divide == 0 || Multiply == 0 || Post == 0) begin : gen_bad_ratio
    $error("lacuna_pll: %0d / %0d, %0d; no divisor may be 0", Multiply, Divide, Post);
  end

  assign clk_o    = clk_i;
  assign locked_o = 1'b1;

endmodule
