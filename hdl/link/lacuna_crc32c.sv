// A step of CRC-32C (Castagnoli, reflected) over a few bits, combinational.
//
// Contract:   `crc_o` is the register `crc_i` after `data_i`, least significant bit first. Start
//             with all ones. After a body and its own checksum (inverted register, little endian)
//             the register is `lacuna_spec_pkg::FrameCrcResidue`.
module lacuna_crc32c #(
  parameter int unsigned Bits = 8
) (
  input  logic [31:0]     crc_i,
  input  logic [Bits-1:0] data_i,
  output logic [31:0]     crc_o
);

  always_comb begin
    crc_o = crc_i ^ 32'(data_i);
    for (int unsigned b = 0; b < Bits; b++) begin
      crc_o = (crc_o >> 1) ^ (crc_o[0] ? lacuna_spec_pkg::FrameCrcPolynomial : 32'd0);
    end
  end

endmodule
