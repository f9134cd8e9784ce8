// hdl/cim/lacuna_accumulate.sv on ECP5: lacuna_xor_add's carry cells before the register.
module lacuna_accumulate #(
  parameter int unsigned Width = 25
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             en_i,
  input  logic             flip_i,
  input  logic [Width-1:0] a_i,
  input  logic [Width-1:0] b_i,
  input  logic             carry_i,

  output logic [Width-1:0] sum_o
);

  logic [Width-1:0] sum;

  lacuna_xor_add #(.Width(Width)) u_sum (
    .en_i,
    .a_i  (sum_o),
    .b_i  ({Width{flip_i}}),
    .c_i  (a_i),
    .d_i  (b_i),
    .carry_i,
    .sum_o(sum)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni)   sum_o <= '0;
    else if (en_i) sum_o <= sum;
  end

endmodule
