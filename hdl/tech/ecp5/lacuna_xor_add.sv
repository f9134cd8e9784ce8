// hdl/cim/lacuna_xor_add.sv on ECP5: a carry cell's four-input LUT takes all operands of a bit.
//
// Where the LUT says 0, the carry is the same LUT's outcome at C = D = 0: a ^ b. The half below bit
// 0 brings the carry in.
module lacuna_xor_add #(
  parameter  int unsigned Width = 25,
  localparam int unsigned Cells = (Width + 2) / 2
) (
  input  logic             en_i,
  input  logic [Width-1:0] a_i,
  input  logic [Width-1:0] b_i,
  input  logic [Width-1:0] c_i,
  input  logic [Width-1:0] d_i,
  input  logic             carry_i,

  output logic [Width-1:0] sum_o
);

  localparam logic [15:0] CarryIn = 16'h000a;  // says 0 at D = 1; carries A
  localparam logic [15:0] Xor     = 16'h6996;

  logic               unused;
  logic [2*Cells-1:0] a, b, c, d, sum;
  logic [Cells:0]     carry;

  assign unused   = en_i;
  assign a        = (2*Cells)'({a_i, carry_i});
  assign b        = (2*Cells)'({b_i, 1'b0});
  assign c        = (2*Cells)'({c_i, 1'b0});
  assign d        = (2*Cells)'({d_i, 1'b1});
  assign carry[0] = 1'b0;
  assign sum_o    = sum[Width:1];

  for (genvar k = 0; k < Cells; k++) begin : gen_cell
    CCU2C #(
      .INIT0    ((k == 0) ? CarryIn : Xor),
      .INIT1    (Xor),
      .INJECT1_0("NO"),
      .INJECT1_1("NO")
    ) u_carry (
      .CIN (carry[k]),
      .A0  (a[2*k]),
      .B0  (b[2*k]),
      .C0  (c[2*k]),
      .D0  (d[2*k]),
      .A1  (a[2*k+1]),
      .B1  (b[2*k+1]),
      .C1  (c[2*k+1]),
      .D1  (d[2*k+1]),
      .S0  (sum[2*k]),
      .S1  (sum[2*k+1]),
      .COUT(carry[k+1])
    );
  end

endmodule
