// lacuna_mac on SB_MAC16: the 16x16-bit product, the two halves of the adder as one, and the sum's
// register; its carry takes one of the fabric.
module lacuna_mac (
  input  logic        clk_i,

  input  logic [31:0] add_i,
  input  logic [15:0] a_i,
  input  logic [15:0] b_i,

  output logic [31:0] sum_o,
  output logic        carry_o
);

  logic carry;

  SB_MAC16 #(
    .MODE_8x8(1'b0),
    .A_SIGNED(1'b0),
    .B_SIGNED(1'b0),
    .TOPADDSUB_LOWERINPUT(2'd2),
    .TOPADDSUB_UPPERINPUT(1'b1),
    .TOPADDSUB_CARRYSELECT(2'd2),
    .TOPOUTPUT_SELECT(2'd1),
    .BOTADDSUB_LOWERINPUT(2'd2),
    .BOTADDSUB_UPPERINPUT(1'b1),
    .BOTADDSUB_CARRYSELECT(2'd0),
    .BOTOUTPUT_SELECT(2'd1)
  ) u_mac (
    .CLK(clk_i),
    .CE(1'b1),
    .A(a_i),
    .B(b_i),
    .C(add_i[31:16]),
    .D(add_i[15:0]),
    .AHOLD(1'b0),
    .BHOLD(1'b0),
    .CHOLD(1'b0),
    .DHOLD(1'b0),
    .IRSTTOP(1'b0),
    .IRSTBOT(1'b0),
    .ORSTTOP(1'b0),
    .ORSTBOT(1'b0),
    .OLOADTOP(1'b0),
    .OLOADBOT(1'b0),
    .ADDSUBTOP(1'b0),
    .ADDSUBBOT(1'b0),
    .OHOLDTOP(1'b0),
    .OHOLDBOT(1'b0),
    .CI(1'b0),
    .ACCUMCI(1'b0),
    .SIGNEXTIN(1'b0),
    .O(sum_o),
    .CO(carry),
    .ACCUMCO(),
    .SIGNEXTOUT()
  );

  always_ff @(posedge clk_i) carry_o <= carry;

endmodule
