// Readout of one bit column: the code nearest to count / enabled of full scale, bit by bit.
//
// With n enabled rows and F = 2^B - 1 the code is floor((2 F count + n) / 2n). Each shift doubles
// the charge that is left and compares it with n, which gives Q and R of 2^B count = Q n + R; the
// code is Q plus floor((R + n/2 - count) / n), which is -1, 0 or 1.
//
// Contract:   `count_i` (at most n) and `quarters_i` (n = 16 quarters, 1 to 4) hold from the first
//             shift to the round; `first_i` marks the first shift. B shifts, then one round.
// Throughput: a conversion in B + 1 cycles.
// Latency:    `code_o` is there in the cycle after the round.
module lacuna_charge_readout (
  input  logic       clk_i,

  input  logic       shift_i,
  input  logic       first_i,
  input  logic       round_i,
  input  logic [6:0] count_i,
  input  logic [2:0] quarters_i,
  output logic [7:0] code_o
);

  logic [6:0] rest_q, rest;
  logic [7:0] code_q, enabled, over, round;

  assign enabled = {1'b0, quarters_i, 4'b0000};
  assign rest    = first_i ? count_i : rest_q;
  // At most n is left, so that both fit 8 bits with their sign.
  assign over    = {rest, 1'b0} - enabled;
  assign round   = {1'b0, rest_q} + {2'b00, quarters_i, 3'b000} - {1'b0, count_i};
  assign code_o  = code_q;

  always_ff @(posedge clk_i) begin
    if (shift_i) begin
      rest_q <= over[7] ? {rest[5:0], 1'b0} : over[6:0];
      code_q <= {first_i ? 7'b0 : code_q[6:0], !over[7]};
    end else if (round_i) begin
      code_q <= code_q + {{7{round[7]}}, round[7] || round >= enabled};
    end
  end

endmodule
