// lacuna_products on SB_MAC16: an 8x8-bit multiplier for each of two columns, their operands'
// registers, and an adder that subtracts from 0 to change the sign.
module lacuna_products #(
  parameter int unsigned Columns = 4
) (
  input  logic                  clk_i,
  input  logic                  weight_en_i,
  input  logic [Columns*8-1:0]  weights_i,
  input  logic [7:0]            magnitude_i,
  input  logic                  product_en_i,
  input  logic                  negative_i,

  output logic [Columns*16-1:0] products_o
);

  for (genvar p = 0; p < Columns / 2; p++) begin : gen_pair
    SB_MAC16 #(
      .MODE_8x8(1'b1),
      .A_SIGNED(1'b1),
      .B_SIGNED(1'b0),
      .A_REG(1'b1),
      .B_REG(1'b1),
      // The product is added to C and D; the sum is registered.
      .TOPADDSUB_LOWERINPUT(2'd1),
      .TOPADDSUB_UPPERINPUT(1'b1),
      .TOPOUTPUT_SELECT(2'd1),
      .BOTADDSUB_LOWERINPUT(2'd1),
      .BOTADDSUB_UPPERINPUT(1'b1),
      .BOTOUTPUT_SELECT(2'd1)
    ) u_mac (
      .CLK(clk_i),
      .CE(1'b1),
      .A(weights_i[16*p +: 16]),
      .B({magnitude_i, magnitude_i}),
      .C(16'b0),
      .D(16'b0),
      .AHOLD(!weight_en_i),
      .BHOLD(!weight_en_i),
      .CHOLD(1'b0),
      .DHOLD(1'b0),
      .IRSTTOP(1'b0),
      .IRSTBOT(1'b0),
      .ORSTTOP(1'b0),
      .ORSTBOT(1'b0),
      .OLOADTOP(1'b0),
      .OLOADBOT(1'b0),
      .ADDSUBTOP(negative_i),
      .ADDSUBBOT(negative_i),
      .OHOLDTOP(!product_en_i),
      .OHOLDBOT(!product_en_i),
      .CI(1'b0),
      .ACCUMCI(1'b0),
      .SIGNEXTIN(1'b0),
      .O(products_o[32*p +: 32]),
      .CO(),
      .ACCUMCO(),
      .SIGNEXTOUT()
    );
  end

endmodule
