// Checks the stream rules on one valid/ready stream; it drives nothing.
//
// Rule 1: once valid, a stream stays valid until it is taken.
// Rule 2: until then its payload does not change.
//
// In simulation every stream has one, under `LACUNA_CHECK`. In proofs the same rules are what a
// block must show on its outputs (Assume = 0) and may rely on at its inputs (Assume = 1).
module lacuna_stream_check #(
  parameter int unsigned Width  = 8,
  parameter bit          Assume = 1'b0
) (
  input logic             clk_i,
  input logic             rst_ni,

  input logic             valid_i,
  input logic             ready_i,
  input logic [Width-1:0] data_i
);

  logic             pending_q;
  logic [Width-1:0] data_q;

  always_ff @(posedge clk_i) begin
    pending_q <= rst_ni && valid_i && !ready_i;
    data_q    <= data_i;
  end

  if (Assume) begin : gen_assume
    always_ff @(posedge clk_i) begin
      if (rst_ni && pending_q) begin
        assume (valid_i);
        assume (data_i == data_q);
      end
    end
  end else begin : gen_assert
    always_ff @(posedge clk_i) begin
      if (rst_ni && pending_q) begin
        valid_held:   assert (valid_i);
        payload_held: assert (data_i == data_q);
      end
    end
  end

endmodule
