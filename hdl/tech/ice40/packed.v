// Cells as nextpnr-ice40 packs them, for simulating what it placed and routed: those that Yosys'
// ice40/cells_sim.v has not, or has in a way that only an event-driven simulator takes.
//
// An input that is not connected has the level that the device gives it.

module ICESTORM_LC #(
  parameter [15:0] LUT_INIT     = 0,
  parameter [0:0]  NEG_CLK      = 0,
  parameter [0:0]  CARRY_ENABLE = 0,
  parameter [0:0]  DFF_ENABLE   = 0,
  parameter [0:0]  SET_NORESET  = 0,
  parameter [0:0]  ASYNC_SR     = 0,
  parameter [0:0]  CIN_CONST    = 0,
  parameter [0:0]  CIN_SET      = 0
) (
  input  I0 = 1'b0, I1 = 1'b0, I2 = 1'b0, I3 = 1'b0, CIN = 1'b0,
  input  CLK = 1'b0, CEN = 1'b1, SR = 1'b0,
  output LO, O, COUT
);

  wire cin = CIN_CONST ? CIN_SET : CIN;
  wire lut;
  \$lut #(.WIDTH(4), .LUT(LUT_INIT)) u_lut (.A({I3, I2, I1, I0}), .Y(lut));

  assign LO   = lut;
  assign COUT = CARRY_ENABLE && ((I1 && I2) || ((I1 || I2) && cin));

  generate
    if (NEG_CLK || (DFF_ENABLE && ASYNC_SR)) begin : gen_unknown
      // No design here has one: it would be silent about what it does not model.
      $error("ICESTORM_LC: clocked by a falling edge, or set or reset without a clock");
    end else if (DFF_ENABLE) begin : gen_ff
      reg q = 1'b0;
      always @(posedge CLK) if (CEN) q <= SR ? SET_NORESET : lut;
      assign O = q;
    end else begin : gen_lut
      assign O = lut;
    end
  endgenerate

endmodule

// A pin that is an input, or an output that is always driven: neither is registered.
module SB_IO #(
  parameter [5:0] PIN_TYPE    = 6'b000001,
  parameter [0:0] PULLUP      = 0,
  parameter [0:0] NEG_TRIGGER = 0,
  parameter       IO_STANDARD = ""
) (
  inout  PACKAGE_PIN,
  input  LATCH_INPUT_VALUE, CLOCK_ENABLE, INPUT_CLK, OUTPUT_CLK, OUTPUT_ENABLE, D_OUT_0, D_OUT_1,
  output D_IN_0, D_IN_1
);

  generate
    if (PIN_TYPE == 6'b011001) begin : gen_output
      assign PACKAGE_PIN = D_OUT_0;
    end else if (PIN_TYPE == 6'b000001) begin : gen_input
      assign D_IN_0 = PACKAGE_PIN;
    end else begin : gen_unknown
      $error("SB_IO: a pin that is neither a plain input nor a plain output");
    end
  endgenerate

endmodule

// A read beside a write gives what was there; the device says nothing about it.
module ICESTORM_SPRAM (
  input  ADDRESS_13, ADDRESS_12, ADDRESS_11, ADDRESS_10, ADDRESS_9, ADDRESS_8, ADDRESS_7,
        ADDRESS_6, ADDRESS_5, ADDRESS_4, ADDRESS_3, ADDRESS_2, ADDRESS_1, ADDRESS_0,
  input  DATAIN_15, DATAIN_14, DATAIN_13, DATAIN_12, DATAIN_11, DATAIN_10, DATAIN_9, DATAIN_8,
        DATAIN_7, DATAIN_6, DATAIN_5, DATAIN_4, DATAIN_3, DATAIN_2, DATAIN_1, DATAIN_0,
  input  MASKWREN_3, MASKWREN_2, MASKWREN_1, MASKWREN_0, WREN, CHIPSELECT, CLOCK,
  input  STANDBY, SLEEP, POWEROFF,
  output DATAOUT_15, DATAOUT_14, DATAOUT_13, DATAOUT_12, DATAOUT_11, DATAOUT_10, DATAOUT_9,
        DATAOUT_8, DATAOUT_7, DATAOUT_6, DATAOUT_5, DATAOUT_4, DATAOUT_3, DATAOUT_2, DATAOUT_1,
        DATAOUT_0
);

  wire [13:0] address = {ADDRESS_13, ADDRESS_12, ADDRESS_11, ADDRESS_10, ADDRESS_9, ADDRESS_8,
        ADDRESS_7, ADDRESS_6, ADDRESS_5, ADDRESS_4, ADDRESS_3, ADDRESS_2, ADDRESS_1,
        ADDRESS_0};
  wire [15:0] data = {DATAIN_15, DATAIN_14, DATAIN_13, DATAIN_12, DATAIN_11, DATAIN_10,
        DATAIN_9, DATAIN_8, DATAIN_7, DATAIN_6, DATAIN_5, DATAIN_4, DATAIN_3, DATAIN_2,
        DATAIN_1, DATAIN_0};

  reg [15:0] mem [0:16383];
  reg [15:0] read;

  always @(posedge CLOCK) begin
    if (CHIPSELECT) begin
      if (!WREN) read <= mem[address];
      if (WREN && MASKWREN_0) mem[address][3:0]   <= data[3:0];
      if (WREN && MASKWREN_1) mem[address][7:4]   <= data[7:4];
      if (WREN && MASKWREN_2) mem[address][11:8]  <= data[11:8];
      if (WREN && MASKWREN_3) mem[address][15:12] <= data[15:12];
    end
  end

  assign {DATAOUT_15, DATAOUT_14, DATAOUT_13, DATAOUT_12, DATAOUT_11, DATAOUT_10, DATAOUT_9,
        DATAOUT_8, DATAOUT_7, DATAOUT_6, DATAOUT_5, DATAOUT_4, DATAOUT_3, DATAOUT_2, DATAOUT_1,
        DATAOUT_0} = read;

endmodule

module ICESTORM_RAM #(
  parameter [1:0] WRITE_MODE = 0, READ_MODE = 0,
  parameter [0:0] NEG_CLK_R = 0, NEG_CLK_W = 0,
  parameter [255:0] INIT_0 = 0, INIT_1 = 0, INIT_2 = 0, INIT_3 = 0, INIT_4 = 0, INIT_5 = 0,
        INIT_6 = 0, INIT_7 = 0, INIT_8 = 0, INIT_9 = 0, INIT_A = 0, INIT_B = 0, INIT_C = 0,
        INIT_D = 0, INIT_E = 0, INIT_F = 0
) (
  input  RCLK = 1'b0, RCLKE = 1'b1, RE = 1'b0, WCLK = 1'b0, WCLKE = 1'b1, WE = 1'b0,
  input  RADDR_10 = 1'b0, RADDR_9 = 1'b0, RADDR_8 = 1'b0, RADDR_7 = 1'b0, RADDR_6 = 1'b0,
        RADDR_5 = 1'b0, RADDR_4 = 1'b0, RADDR_3 = 1'b0, RADDR_2 = 1'b0, RADDR_1 = 1'b0, RADDR_0
        = 1'b0,
  input  WADDR_10 = 1'b0, WADDR_9 = 1'b0, WADDR_8 = 1'b0, WADDR_7 = 1'b0, WADDR_6 = 1'b0,
        WADDR_5 = 1'b0, WADDR_4 = 1'b0, WADDR_3 = 1'b0, WADDR_2 = 1'b0, WADDR_1 = 1'b0, WADDR_0
        = 1'b0,
  input  MASK_15 = 1'b0, MASK_14 = 1'b0, MASK_13 = 1'b0, MASK_12 = 1'b0, MASK_11 = 1'b0,
        MASK_10 = 1'b0, MASK_9 = 1'b0, MASK_8 = 1'b0, MASK_7 = 1'b0, MASK_6 = 1'b0, MASK_5 =
        1'b0, MASK_4 = 1'b0, MASK_3 = 1'b0, MASK_2 = 1'b0, MASK_1 = 1'b0, MASK_0 = 1'b0,
  input  WDATA_15 = 1'b0, WDATA_14 = 1'b0, WDATA_13 = 1'b0, WDATA_12 = 1'b0, WDATA_11 = 1'b0,
        WDATA_10 = 1'b0, WDATA_9 = 1'b0, WDATA_8 = 1'b0, WDATA_7 = 1'b0, WDATA_6 = 1'b0,
        WDATA_5 = 1'b0, WDATA_4 = 1'b0, WDATA_3 = 1'b0, WDATA_2 = 1'b0, WDATA_1 = 1'b0, WDATA_0
        = 1'b0,
  output RDATA_15, RDATA_14, RDATA_13, RDATA_12, RDATA_11, RDATA_10, RDATA_9, RDATA_8, RDATA_7,
        RDATA_6, RDATA_5, RDATA_4, RDATA_3, RDATA_2, RDATA_1, RDATA_0
);

  generate
    if (NEG_CLK_R || NEG_CLK_W) begin : gen_unknown
      $error ("ICESTORM_RAM: clocked by a falling edge");
    end
  endgenerate

  SB_RAM40_4K #(
    .WRITE_MODE(WRITE_MODE), .READ_MODE(READ_MODE),
    .INIT_0(INIT_0), .INIT_1(INIT_1), .INIT_2(INIT_2), .INIT_3(INIT_3), .INIT_4(INIT_4),
        .INIT_5(INIT_5), .INIT_6(INIT_6), .INIT_7(INIT_7), .INIT_8(INIT_8), .INIT_9(INIT_9),
        .INIT_A(INIT_A), .INIT_B(INIT_B), .INIT_C(INIT_C), .INIT_D(INIT_D), .INIT_E(INIT_E),
        .INIT_F(INIT_F)
  ) u_ram (
    .RCLK(RCLK), .RCLKE(RCLKE), .RE(RE), .WCLK(WCLK), .WCLKE(WCLKE), .WE(WE),
    .RADDR({RADDR_10, RADDR_9, RADDR_8, RADDR_7, RADDR_6, RADDR_5, RADDR_4, RADDR_3, RADDR_2,
        RADDR_1, RADDR_0}),
    .WADDR({WADDR_10, WADDR_9, WADDR_8, WADDR_7, WADDR_6, WADDR_5, WADDR_4, WADDR_3, WADDR_2,
        WADDR_1, WADDR_0}),
    .MASK({MASK_15, MASK_14, MASK_13, MASK_12, MASK_11, MASK_10, MASK_9, MASK_8, MASK_7,
        MASK_6, MASK_5, MASK_4, MASK_3, MASK_2, MASK_1, MASK_0}),
    .WDATA({WDATA_15, WDATA_14, WDATA_13, WDATA_12, WDATA_11, WDATA_10, WDATA_9, WDATA_8,
        WDATA_7, WDATA_6, WDATA_5, WDATA_4, WDATA_3, WDATA_2, WDATA_1, WDATA_0}),
    .RDATA({RDATA_15, RDATA_14, RDATA_13, RDATA_12, RDATA_11, RDATA_10, RDATA_9, RDATA_8,
        RDATA_7, RDATA_6, RDATA_5, RDATA_4, RDATA_3, RDATA_2, RDATA_1, RDATA_0})
  );

endmodule

module ICESTORM_DSP #(
  parameter [0:0] NEG_TRIGGER = 0, C_REG = 0, A_REG = 0, B_REG = 0, D_REG = 0, TOP_8x8_MULT_REG
        = 0, BOT_8x8_MULT_REG = 0, PIPELINE_16x16_MULT_REG1 = 0, PIPELINE_16x16_MULT_REG2 = 0,
        TOPADDSUB_UPPERINPUT = 0, BOTADDSUB_UPPERINPUT = 0, MODE_8x8 = 0, A_SIGNED = 0,
        B_SIGNED = 0,
  parameter [1:0] TOPOUTPUT_SELECT = 0, TOPADDSUB_LOWERINPUT = 0, TOPADDSUB_CARRYSELECT = 0,
        BOTOUTPUT_SELECT = 0, BOTADDSUB_LOWERINPUT = 0, BOTADDSUB_CARRYSELECT = 0
) (
  input  CLK = 1'b0, CE = 1'b1, AHOLD = 1'b0, BHOLD = 1'b0, CHOLD = 1'b0, DHOLD = 1'b0, IRSTTOP
        = 1'b0, IRSTBOT = 1'b0, ORSTTOP = 1'b0, ORSTBOT = 1'b0, OLOADTOP = 1'b0, OLOADBOT =
        1'b0, ADDSUBTOP = 1'b0, ADDSUBBOT = 1'b0, OHOLDTOP = 1'b0, OHOLDBOT = 1'b0, CI = 1'b0,
        ACCUMCI = 1'b0, SIGNEXTIN = 1'b0,
  input  A_15 = 1'b0, A_14 = 1'b0, A_13 = 1'b0, A_12 = 1'b0, A_11 = 1'b0, A_10 = 1'b0, A_9 =
        1'b0, A_8 = 1'b0, A_7 = 1'b0, A_6 = 1'b0, A_5 = 1'b0, A_4 = 1'b0, A_3 = 1'b0, A_2 =
        1'b0, A_1 = 1'b0, A_0 = 1'b0,
  input  B_15 = 1'b0, B_14 = 1'b0, B_13 = 1'b0, B_12 = 1'b0, B_11 = 1'b0, B_10 = 1'b0, B_9 =
        1'b0, B_8 = 1'b0, B_7 = 1'b0, B_6 = 1'b0, B_5 = 1'b0, B_4 = 1'b0, B_3 = 1'b0, B_2 =
        1'b0, B_1 = 1'b0, B_0 = 1'b0,
  input  C_15 = 1'b0, C_14 = 1'b0, C_13 = 1'b0, C_12 = 1'b0, C_11 = 1'b0, C_10 = 1'b0, C_9 =
        1'b0, C_8 = 1'b0, C_7 = 1'b0, C_6 = 1'b0, C_5 = 1'b0, C_4 = 1'b0, C_3 = 1'b0, C_2 =
        1'b0, C_1 = 1'b0, C_0 = 1'b0,
  input  D_15 = 1'b0, D_14 = 1'b0, D_13 = 1'b0, D_12 = 1'b0, D_11 = 1'b0, D_10 = 1'b0, D_9 =
        1'b0, D_8 = 1'b0, D_7 = 1'b0, D_6 = 1'b0, D_5 = 1'b0, D_4 = 1'b0, D_3 = 1'b0, D_2 =
        1'b0, D_1 = 1'b0, D_0 = 1'b0,
  output O_31, O_30, O_29, O_28, O_27, O_26, O_25, O_24, O_23, O_22, O_21, O_20, O_19, O_18,
        O_17, O_16, O_15, O_14, O_13, O_12, O_11, O_10, O_9, O_8, O_7, O_6, O_5, O_4, O_3, O_2,
        O_1, O_0,
  output CO, ACCUMCO, SIGNEXTOUT
);

  SB_MAC16 #(
    .NEG_TRIGGER(NEG_TRIGGER), .C_REG(C_REG), .A_REG(A_REG), .B_REG(B_REG), .D_REG(D_REG),
        .TOP_8x8_MULT_REG(TOP_8x8_MULT_REG), .BOT_8x8_MULT_REG(BOT_8x8_MULT_REG),
        .PIPELINE_16x16_MULT_REG1(PIPELINE_16x16_MULT_REG1),
        .PIPELINE_16x16_MULT_REG2(PIPELINE_16x16_MULT_REG2),
        .TOPADDSUB_UPPERINPUT(TOPADDSUB_UPPERINPUT),
        .BOTADDSUB_UPPERINPUT(BOTADDSUB_UPPERINPUT), .MODE_8x8(MODE_8x8), .A_SIGNED(A_SIGNED),
        .B_SIGNED(B_SIGNED), .TOPOUTPUT_SELECT(TOPOUTPUT_SELECT),
        .TOPADDSUB_LOWERINPUT(TOPADDSUB_LOWERINPUT),
        .TOPADDSUB_CARRYSELECT(TOPADDSUB_CARRYSELECT), .BOTOUTPUT_SELECT(BOTOUTPUT_SELECT),
        .BOTADDSUB_LOWERINPUT(BOTADDSUB_LOWERINPUT),
        .BOTADDSUB_CARRYSELECT(BOTADDSUB_CARRYSELECT)
  ) u_mac (
    .CLK(CLK), .CE(CE), .AHOLD(AHOLD), .BHOLD(BHOLD), .CHOLD(CHOLD), .DHOLD(DHOLD),
        .IRSTTOP(IRSTTOP), .IRSTBOT(IRSTBOT), .ORSTTOP(ORSTTOP), .ORSTBOT(ORSTBOT),
        .OLOADTOP(OLOADTOP), .OLOADBOT(OLOADBOT), .ADDSUBTOP(ADDSUBTOP), .ADDSUBBOT(ADDSUBBOT),
        .OHOLDTOP(OHOLDTOP), .OHOLDBOT(OHOLDBOT), .CI(CI), .ACCUMCI(ACCUMCI),
        .SIGNEXTIN(SIGNEXTIN),
    .A({A_15, A_14, A_13, A_12, A_11, A_10, A_9, A_8, A_7, A_6, A_5, A_4, A_3, A_2, A_1, A_0}),
    .B({B_15, B_14, B_13, B_12, B_11, B_10, B_9, B_8, B_7, B_6, B_5, B_4, B_3, B_2, B_1, B_0}),
    .C({C_15, C_14, C_13, C_12, C_11, C_10, C_9, C_8, C_7, C_6, C_5, C_4, C_3, C_2, C_1, C_0}),
    .D({D_15, D_14, D_13, D_12, D_11, D_10, D_9, D_8, D_7, D_6, D_5, D_4, D_3, D_2, D_1, D_0}),
    .O({O_31, O_30, O_29, O_28, O_27, O_26, O_25, O_24, O_23, O_22, O_21, O_20, O_19, O_18,
        O_17, O_16, O_15, O_14, O_13, O_12, O_11, O_10, O_9, O_8, O_7, O_6, O_5, O_4, O_3, O_2,
        O_1, O_0}),
    .CO(CO), .ACCUMCO(ACCUMCO), .SIGNEXTOUT(SIGNEXTOUT)
  );

endmodule
