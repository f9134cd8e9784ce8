// Compensation of a code by the enabled fraction: the count nearest to code / (2^B - 1) * enabled.
//
// code / (2^B - 1) is the binary fraction that repeats the B bits of the code for ever. Sixteen of
// its bits are enough: times 64 rows they lack less than 1/1024, and code * enabled / (2^B - 1) is
// at least 1/510 away from every half.
//
// Contract:   combinational. `bits_i` is 3 to 8, `code_i` below 2^bits, `quarters_i` 0 to 4.
module lacuna_charge_scale (
  input  logic [7:0] code_i,
  input  logic [3:0] bits_i,
  input  logic [2:0] quarters_i,
  output logic [6:0] count_o
);

  logic [15:0] fraction;
  logic [18:0] scaled;

  always_comb begin
    unique case (bits_i)
      4'd3:    fraction = {{5{code_i[2:0]}}, code_i[2]};
      4'd4:    fraction = {4{code_i[3:0]}};
      4'd5:    fraction = {{3{code_i[4:0]}}, code_i[4]};
      4'd6:    fraction = {{2{code_i[5:0]}}, code_i[5:2]};
      4'd7:    fraction = {{2{code_i[6:0]}}, code_i[6:5]};
      default: fraction = {2{code_i}};
    endcase
  end

  // Rows are 16 quarters; the product keeps 12 bits of fraction and rounds at their half.
  assign scaled = (quarters_i[0] ? {3'b000, fraction} : '0)
                + (quarters_i[1] ? {2'b00, fraction, 1'b0} : '0)
                + (quarters_i[2] ? {1'b0, fraction, 2'b00} : '0) + 19'd2048;

  assign count_o = scaled[18:12];

  logic unused;
  assign unused = ^scaled[11:0];

endmodule
