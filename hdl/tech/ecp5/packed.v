// Cells as nextpnr-ecp5 packs them, for simulating what it placed and routed: Yosys' own models are of
// the cells before.
//
// An input that is not connected has the level that the device gives it. nextpnr's source says what
// goes where (`ecp5/pack.cc`, `ecp5/cells.cc`).

// A LUT, half a carry cell, or a bit of a LUT RAM, whose read address is {A, C, B, D}.
module TRELLIS_COMB #(
  parameter        MODE         = "LOGIC",
  parameter [15:0] INITVAL      = 0,
  parameter        CCU2_INJECT1 = "NO",
  parameter        WREMUX       = "WRE",
  parameter        WCKMUX       = "WCK"
) (
  input  A = 1'b1, B = 1'b1, C = 1'b1, D = 1'b1, M = 1'b0,
  input  FCI = 1'b0, F1 = 1'b0, FXA = 1'b0, FXB = 1'b0,
  input  WD = 1'b0, WAD0 = 1'b0, WAD1 = 1'b0, WAD2 = 1'b0, WAD3 = 1'b0, WRE = 1'b0, WCK = 1'b0,
  output F, FCO, OFX
);

  generate
    if (MODE == "LOGIC" || MODE == "CCU2") begin : gen_lut
      wire lut;
      \$lut #(.WIDTH(4), .LUT(INITVAL)) u_lut (.A({D, C, B, A}), .Y(lut));

      if (MODE == "LOGIC") begin : gen_logic
        assign F = lut;
      end else begin : gen_carry
        wire passed = (CCU2_INJECT1 != "YES") && INITVAL[{1'b0, 1'b0, B, A}];

        assign F   = lut ^ (CCU2_INJECT1 != "YES" && FCI);
        assign FCO = lut ? FCI : passed;
      end
    end else if (MODE == "DPRAM" && INITVAL == 0 && WREMUX == "WRE" && WCKMUX == "WCK") begin : gen_ram
      reg mem [0:15];

      integer i;
      initial for (i = 0; i < 16; i = i + 1) mem[i] = 1'b0;

      always @(posedge WCK) if (WRE) mem[{WAD3, WAD2, WAD1, WAD0}] <= WD;
      assign F = mem[{A, C, B, D}];
    end else if (MODE != "RAMW_BLOCK") begin : gen_unknown
      $error("TRELLIS_COMB: a mode, or an initial value of a LUT RAM, that no design here has");
    end
  endgenerate

endmodule

// What a LUT RAM writes, and where, on its way to the four cells that hold its bits.
module TRELLIS_RAMW (
  input  A0 = 1'b0, B0 = 1'b0, C0 = 1'b0, D0 = 1'b0, A1 = 1'b0, B1 = 1'b0, C1 = 1'b0, D1 = 1'b0,
  output WDO0, WDO1, WDO2, WDO3, WADO0, WADO1, WADO2, WADO3
);

  assign {WADO3, WADO2, WADO1, WADO0} = {A0, C0, B0, D0};
  assign {WDO3, WDO2, WDO1, WDO0}     = {B1, D1, A1, C1};

endmodule

// With SD its data comes from the LUT beside it, else past it.
module TRELLIS_FF #(
  parameter GSR     = "DISABLED",
  parameter CEMUX   = "1",
  parameter CLKMUX  = "CLK",
  parameter LSRMUX  = "LSR",
  parameter SRMODE  = "LSR_OVER_CE",
  parameter REGSET  = "RESET",
  parameter SD      = "0"
) (
  input      CLK, LSR = 1'b0, CE = 1'b1, DI = 1'b0, M = 1'b0,
  output reg Q
);

  wire ce   = (CEMUX == "1") || ((CEMUX == "INV") ? !CE : CE);
  wire next = (SD == "1") ? DI : M;

  initial Q = REGSET == "SET";

  generate
    if (SRMODE != "LSR_OVER_CE" || CLKMUX != "CLK" || LSRMUX != "LSR") begin : gen_unknown
      $error("TRELLIS_FF: reset without a clock, or a falling edge, which no design here has");
    end
  endgenerate

  always @(posedge CLK) begin
    if (LSR) Q <= REGSET == "SET";
    else if (ce) Q <= next;
  end

endmodule

// 512 words of 36 bits with four byte enables, or 8192 of 2 bits; port A writes, port B reads.
module DP16KD #(
  // What it holds at first, 1024 words of 18 bits; 0 where words have 2.
  parameter [18431:0] INIT             = 0,
  parameter [31:0] DATA_WIDTH_A        = 0,
  parameter [31:0] DATA_WIDTH_B        = 0,
  parameter        REGMODE_A           = "NOREG",
  parameter        REGMODE_B           = "NOREG",
  parameter        WRITEMODE_A         = "NORMAL",
  parameter        WRITEMODE_B         = "NORMAL",
  parameter        RESETMODE           = "SYNC",
  parameter        ASYNC_RESET_RELEASE = "SYNC",
  parameter        CSDECODE_A          = "0b000",
  parameter        CSDECODE_B          = "0b000",
  parameter        GSR                 = "DISABLED"
) (
  input  DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
        DIA3, DIA2, DIA1, DIA0,
  input  DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4,
        DIB3, DIB2, DIB1, DIB0,
  input  ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input  ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input  CLKA, CEA = 1'b1, OCEA = 1'b1, WEA = 1'b1, RSTA = 1'b1, CSA2 = 1'b1, CSA1 = 1'b1, CSA0 = 1'b1,
  input  CLKB, CEB = 1'b1, OCEB = 1'b1, WEB = 1'b1, RSTB = 1'b1, CSB2 = 1'b1, CSB1 = 1'b1, CSB0 = 1'b1,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4,
        DOA3, DOA2, DOA1, DOA0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4,
        DOB3, DOB2, DOB1, DOB0
);

  wire [35:0] data = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6,
        DIB5, DIB4, DIB3, DIB2, DIB1, DIB0, DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10,
        DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [13:0] wr_addr = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2,
        ADA1, ADA0};
  wire [13:0] rd_addr = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2,
        ADB1, ADB0};
  wire        wr_en   = CEA && WEA && {CSA2, CSA1, CSA0} == 3'd0;
  wire        rd_en   = CEB && !WEB && {CSB2, CSB1, CSB0} == 3'd0;

  wire [35:0] shown;

  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4,
        DOB3, DOB2, DOB1, DOB0, DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8,
        DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = shown;

  generate
    if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || DATA_WIDTH_A != DATA_WIDTH_B) begin : gen_unknown
      $error("DP16KD: registered outputs, or ports of two widths, which no design here has");
    end else if (DATA_WIDTH_A == 36) begin : gen_36
      reg [35:0] mem [0:511];
      reg [35:0] word;

      integer i;
      initial for (i = 0; i < 512; i = i + 1) mem[i] = INIT[36*i +: 36];

      always @(posedge CLKA) begin
        if (wr_en && wr_addr[0]) mem[wr_addr[13:5]][8:0]   <= data[8:0];
        if (wr_en && wr_addr[1]) mem[wr_addr[13:5]][17:9]  <= data[17:9];
        if (wr_en && wr_addr[2]) mem[wr_addr[13:5]][26:18] <= data[26:18];
        if (wr_en && wr_addr[3]) mem[wr_addr[13:5]][35:27] <= data[35:27];
      end

      always @(posedge CLKB) if (rd_en) word <= mem[rd_addr[13:5]];
      assign shown = word;
    end else if (DATA_WIDTH_A == 2 && INIT == 0) begin : gen_2
      reg [1:0] mem [0:8191];
      reg [1:0] word;

      always @(posedge CLKA) if (wr_en) mem[wr_addr[13:1]] <= data[1:0];
      always @(posedge CLKB) if (rd_en) word <= mem[rd_addr[13:1]];
      assign shown = {16'd0, word, 18'd0};
    end else begin : gen_other
      $error("DP16KD: a width, or first contents, that no design here has");
    end
  endgenerate

endmodule

// Without registers.
module MULT18X18D (
  input  A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
  input  B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
  input  C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
  input  SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
        P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);

  wire signed [18:0] a = {SIGNEDA && A17, A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5,
        A4, A3, A2, A1, A0};
  wire signed [18:0] b = {SIGNEDB && B17, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5,
        B4, B3, B2, B1, B0};
  wire signed [37:0] product = a * b;

  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
        P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = product[35:0];

endmodule

// Locked from the start: there is one clock, whatever its frequency.
module EHXPLLL #(
  parameter        STDBY_ENABLE = "", PLLRST_ENA = "", INTFB_WAKE = "", DPHASE_SOURCE = "",
  parameter        OUTDIVIDER_MUXA = "", OUTDIVIDER_MUXB = "", OUTDIVIDER_MUXC = "", OUTDIVIDER_MUXD = "",
  parameter        FEEDBK_PATH = "", CLKOP_ENABLE = "",
  parameter [31:0] CLKOP_FPHASE = 0, CLKOP_CPHASE = 0, CLKOP_DIV = 0, CLKI_DIV = 0, CLKFB_DIV = 0
) (
  input  CLKI, CLKFB, PHASESEL1, PHASESEL0, PHASEDIR, PHASESTEP, PHASELOADREG, STDBY, PLLWAKESYNC, RST,
  input  ENCLKOP, ENCLKOS, ENCLKOS2, ENCLKOS3,
  output CLKOP, CLKOS, CLKOS2, CLKOS3, LOCK, INTLOCK, REFCLK, CLKINTFB
);

  assign CLKOP = CLKI;
  assign LOCK  = 1'b1;

endmodule

module DCCA (
  input  CLKI, CE = 1'b1,
  output CLKO
);

  assign CLKO = CLKI;

endmodule

// A pin that is an input, or an output that is always driven.
module TRELLIS_IO #(
  parameter DIR = "INPUT", DATAMUX_ODDR = "PADDO", DATAMUX_MDDR = "PADDO"
) (
  inout  B,
  input  I, T = 1'b0,
  output O
);

  generate
    if (DIR == "OUTPUT") begin : gen_output
      assign B = I;
    end else if (DIR == "INPUT") begin : gen_input
      assign O = B;
    end else begin : gen_unknown
      $error("TRELLIS_IO: a pin that is neither a plain input nor a plain output");
    end
  endgenerate

endmodule
