// hdl/top/lacuna_pll.sv on Gowin's GW2A: an rPLL. Its oscillator runs at Post times `clk_o`, which
// must be 500 to 1,250 MHz; Post is 2, 4, 8 or a multiple of 16.
module lacuna_pll #(
  parameter int unsigned Divide   = 1,
  parameter int unsigned Multiply = 1,
  parameter int unsigned Post     = 16
) (
  input  logic clk_i,

  output logic clk_o,
  output logic locked_o
);

  rPLL #(
    .DEVICE          ("GW2AR-18C"),
    .FCLKIN          ("27"),
    .DYN_IDIV_SEL    ("false"),
    .IDIV_SEL        (Divide - 1),
    .DYN_FBDIV_SEL   ("false"),
    .FBDIV_SEL       (Multiply - 1),
    .DYN_ODIV_SEL    ("false"),
    .ODIV_SEL        (Post),
    .PSDA_SEL        ("0000"),
    .DYN_DA_EN       ("false"),
    .DUTYDA_SEL      ("1000"),
    .CLKOUT_FT_DIR   (1'b1),
    .CLKOUTP_FT_DIR  (1'b1),
    .CLKOUT_DLY_STEP (0),
    .CLKOUTP_DLY_STEP(0),
    .CLKFB_SEL       ("internal"),
    .CLKOUT_BYPASS   ("false"),
    .CLKOUTP_BYPASS  ("false"),
    .CLKOUTD_BYPASS  ("false"),
    .DYN_SDIV_SEL    (2),
    .CLKOUTD_SRC     ("CLKOUT"),
    .CLKOUTD3_SRC    ("CLKOUT")
  ) u_pll (
    .CLKIN   (clk_i),
    .CLKFB   (1'b0),
    .RESET   (1'b0),
    .RESET_P (1'b0),
    .FBDSEL  (6'b0),
    .IDSEL   (6'b0),
    .ODSEL   (6'b0),
    .PSDA    (4'b0),
    .DUTYDA  (4'b0),
    .FDLY    (4'b0),
    .CLKOUT  (clk_o),
    .CLKOUTP (),
    .CLKOUTD (),
    .CLKOUTD3(),
    .LOCK    (locked_o)
  );

endmodule
