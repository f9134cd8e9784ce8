// hdl/cim/lacuna_product.sv on iCE40: choices in place of factors, which would take multipliers.
module lacuna_product (
  input  logic              clk_i,
  input  logic              en_i,
  input  logic [7:0]        weight_i,
  input  logic [7:0]        high_i,
  input  logic [3:0]        code_i,

  output logic [11:0]       below_o,
  output logic [11:0]       above_o
);

  function automatic logic [11:0] product(input logic [7:0] weight,
                                          input logic [7:0] shifted,
                                          input logic [2:0] terms);
    logic [11:0] sum;
    case (terms[1:0])
      2'd1:    sum = {{4{weight[7]}}, weight};
      2'd2:    sum = {{3{weight[7]}}, weight, 1'b0};
      2'd3:    sum = ~{{4{weight[7]}}, weight};
      default: sum = '0;
    endcase
    product = sum + (terms[2] ? {shifted[7], shifted, 3'd0} : {{2{shifted[7]}}, shifted, 2'd0});
  endfunction

  always_ff @(posedge clk_i) begin
    if (en_i && code_i[3]) begin
      above_o <= product(weight_i, high_i, code_i[2:0]);
      below_o <= '0;
    end else if (en_i) begin
      above_o <= '0;
      below_o <= product(weight_i, high_i, code_i[2:0]);
    end
  end

endmodule
