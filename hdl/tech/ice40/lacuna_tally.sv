// lacuna_tally on SB_MAC16: its two accumulators as one, which load instead of adding.
module lacuna_tally #(
  parameter logic [15:0] First = 16'd0
) (
  input  logic        clk_i,

  input  logic        begin_i,
  input  logic [7:0]  add_i,
  output logic [31:0] sum_o
);

  SB_MAC16 #(
    // A and B are added to the registers; the lower half's carry goes to the upper one.
    .TOPADDSUB_LOWERINPUT(2'd0),
    .TOPADDSUB_UPPERINPUT(1'b0),
    .TOPADDSUB_CARRYSELECT(2'd2),
    .TOPOUTPUT_SELECT(2'd1),
    .BOTADDSUB_LOWERINPUT(2'd0),
    .BOTADDSUB_UPPERINPUT(1'b0),
    .BOTADDSUB_CARRYSELECT(2'd0),
    .BOTOUTPUT_SELECT(2'd1)
  ) u_mac (
    .CLK(clk_i),
    .CE(1'b1),
    .A(16'b0),
    .B({8'b0, add_i}),
    .C(16'b0),
    .D(First),
    .AHOLD(1'b0),
    .BHOLD(1'b0),
    .CHOLD(1'b0),
    .DHOLD(1'b0),
    .IRSTTOP(1'b0),
    .IRSTBOT(1'b0),
    .ORSTTOP(1'b0),
    .ORSTBOT(1'b0),
    .OLOADTOP(begin_i),
    .OLOADBOT(begin_i),
    .ADDSUBTOP(1'b0),
    .ADDSUBBOT(1'b0),
    .OHOLDTOP(1'b0),
    .OHOLDBOT(1'b0),
    .CI(1'b0),
    .ACCUMCI(1'b0),
    .SIGNEXTIN(1'b0),
    .O(sum_o),
    .CO(),
    .ACCUMCO(),
    .SIGNEXTOUT()
  );

endmodule
