// lacuna_count in one logic cell a bit: a LUT has one input beside those that its carry shares,
// which takes the value to set, and the carry's other operand chooses.
module lacuna_count #(
  parameter int unsigned Width = 10,
  parameter bit          Down  = 1'b0
) (
  input  logic             set_i,
  input  logic [Width-1:0] value_i,
  input  logic [Width-1:0] count_i,
  output logic [Width-1:0] next_o
);

  // Down adds ones to the count, up nothing but a carry; with `choose` the other way round the LUT
  // takes the value.
  localparam logic [15:0] Table = Down ? 16'hca3a : 16'ha3ac;

  logic           choose;
  logic [Width:0] carry;

  assign choose   = Down ? !set_i : set_i;
  assign carry[0] = Down ? 1'b0 : 1'b1;

  for (genvar b = 0; b < Width; b++) begin : gen_bit
    SB_CARRY u_carry (.I0(count_i[b]), .I1(choose), .CI(carry[b]), .CO(carry[b+1]));

    SB_LUT4 #(.LUT_INIT(Table)) u_lut (
      .I0(value_i[b]), .I1(count_i[b]), .I2(choose), .I3(carry[b]), .O(next_o[b])
    );
  end

endmodule
