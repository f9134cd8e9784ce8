// Gathers the bytes of a word with an odd stride: byte k of `data_o` is byte `stride_i * k mod W`
// of `data_i`. The stride is a product of 3, 9 and -1, modulo 16, and each factor a multiplexer.
module lacuna_reshape_stride #(
  parameter int unsigned WordBytes = 16
) (
  input  logic [3:0]             stride_i,
  input  logic [8*WordBytes-1:0] data_i,
  output logic [8*WordBytes-1:0] data_o
);

  logic                   three, nine, minus;
  logic [8*WordBytes-1:0] from;

  always_comb begin
    three = 1'b0;
    nine  = 1'b0;
    minus = 1'b0;
    unique case (stride_i)
      4'd3:    three = 1'b1;
      4'd9:    nine = 1'b1;
      4'd11:   {three, nine} = 2'b11;
      4'd15:   minus = 1'b1;
      4'd13:   {three, minus} = 2'b11;
      4'd7:    {nine, minus} = 2'b11;
      4'd5:    {three, nine, minus} = 3'b111;
      default: ;
    endcase
  end

  // Where nothing is gathered the word stays whole: a simulator pays for every byte that is named.
  always_comb begin
    data_o = data_i;
    from   = data_o;
    if (three) begin
      for (int unsigned k = 0; k < WordBytes; k++) begin
        data_o[8*k +: 8] = from[8*((3*k) % WordBytes) +: 8];
      end
    end
    from = data_o;
    if (nine) begin
      for (int unsigned k = 0; k < WordBytes; k++) begin
        data_o[8*k +: 8] = from[8*((9*k) % WordBytes) +: 8];
      end
    end
    from = data_o;
    if (minus) begin
      for (int unsigned k = 0; k < WordBytes; k++) begin
        data_o[8*k +: 8] = from[8*((WordBytes-k) % WordBytes) +: 8];
      end
    end
  end

endmodule
