// hdl/cim/lacuna_keep_add.sv on ECP5: a carry cell's LUT masks one of its bits.
//
// The LUT says (A & B) ^ C. Where that is 0, the carry is its outcome at C = D = 0: a & b.
module lacuna_keep_add #(
  parameter  int unsigned Width = 20,
  localparam int unsigned Cells = (Width + 1) / 2
) (
  input  logic             en_i,
  input  logic [Width-1:0] a_i,
  input  logic             keep_i,
  input  logic [Width-1:0] b_i,

  output logic [Width-1:0] sum_o
);

  localparam logic [15:0] Keep = 16'h7878;

  logic               unused;
  logic [2*Cells-1:0] a, b, sum;
  logic [Cells:0]     carry;

  assign unused   = en_i;
  assign a        = (2*Cells)'(a_i);
  assign b        = (2*Cells)'(b_i);
  assign carry[0] = 1'b0;
  assign sum_o    = sum[Width-1:0];

  for (genvar k = 0; k < Cells; k++) begin : gen_cell
    CCU2C #(
      .INIT0    (Keep),
      .INIT1    (Keep),
      .INJECT1_0("NO"),
      .INJECT1_1("NO")
    ) u_carry (
      .CIN (carry[k]),
      .A0  (a[2*k]),
      .B0  (keep_i),
      .C0  (b[2*k]),
      .D0  (1'b1),
      .A1  (a[2*k+1]),
      .B1  (keep_i),
      .C1  (b[2*k+1]),
      .D1  (1'b1),
      .S0  (sum[2*k]),
      .S1  (sum[2*k+1]),
      .COUT(carry[k+1])
    );
  end

endmodule
