// hdl/cim/lacuna_select_add.sv on ECP5: a carry cell's four-input LUT takes a bit and its choice.
//
// The LUT says A ^ (D ? B : C). Where that is 0, the carry is its outcome at C = D = 0: a.
module lacuna_select_add #(
  parameter  int unsigned Width = 10,
  localparam int unsigned Cells = (Width + 1) / 2
) (
  input  logic             en_i,
  input  logic [Width-1:0] a_i,
  input  logic [Width-1:0] b_i,
  input  logic [Width-1:0] c_i,
  input  logic             select_i,

  output logic [Width-1:0] sum_o
);

  localparam logic [15:0] Select = 16'h665a;

  logic [2*Cells-1:0] a, b, c, sum;
  logic [Cells:0]     carry;
  logic               unused;

  assign unused   = en_i;
  assign a        = (2*Cells)'(a_i);
  assign b        = (2*Cells)'(b_i);
  assign c        = (2*Cells)'(c_i);
  assign carry[0] = 1'b0;
  assign sum_o    = sum[Width-1:0];

  for (genvar k = 0; k < Cells; k++) begin : gen_cell
    CCU2C #(
      .INIT0    (Select),
      .INIT1    (Select),
      .INJECT1_0("NO"),
      .INJECT1_1("NO")
    ) u_carry (
      .CIN (carry[k]),
      .A0  (a[2*k]),
      .B0  (b[2*k]),
      .C0  (c[2*k]),
      .D0  (select_i),
      .A1  (a[2*k+1]),
      .B1  (b[2*k+1]),
      .C1  (c[2*k+1]),
      .D1  (select_i),
      .S0  (sum[2*k]),
      .S1  (sum[2*k+1]),
      .COUT(carry[k+1])
    );
  end

endmodule
