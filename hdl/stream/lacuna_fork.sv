// Hands each item of a stream to several consumers, each in its own time.
//
// Contract: an item counts as taken from the input once every consumer has it; a consumer that has
//           it already is not offered it again. Only the handshake passes here: the payload goes
//           from the producer to all consumers directly, because it is the same for all.
// Throughput: one item a cycle when all are ready.
// Latency:    none; `valid_o` depends on `valid_i`, `ready_o` on `ready_i`.
module lacuna_fork #(
  parameter int unsigned Outputs = 2
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  // Consumers of the present item; stable while it waits.
  input  logic [Outputs-1:0] targets_i,

  input  logic               valid_i,
  output logic               ready_o,

  output logic [Outputs-1:0] valid_o,
  input  logic [Outputs-1:0] ready_i
);

  logic [Outputs-1:0] served_q, served_d;

  assign valid_o  = valid_i ? (targets_i & ~served_q) : '0;
  assign served_d = served_q | (valid_o & ready_i);
  assign ready_o  = (targets_i & ~served_q & ~ready_i) == '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni)                 served_q <= '0;
    else if (valid_i && ready_o) served_q <= '0;
    else                         served_q <= served_d;
  end

`ifdef LACUNA_CHECK
  lacuna_stream_check #(.Width(Outputs)) u_check_in (
    .clk_i, .rst_ni, .valid_i, .ready_i(ready_o), .data_i(targets_i)
  );
  for (genvar i = 0; i < Outputs; i++) begin : gen_check
    lacuna_stream_check #(.Width(1)) u_check_out (
      .clk_i, .rst_ni, .valid_i(valid_o[i]), .ready_i(ready_i[i]), .data_i(1'b0)
    );
  end
`endif

endmodule
