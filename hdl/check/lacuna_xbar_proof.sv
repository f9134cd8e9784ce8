// Proves lacuna_xbar: an item reaches each of its targets once, unchanged, before it leaves its
// input, and reaches nothing else; outputs obey the stream rules.
//
// Every item carries the number of its input, so that the proof sees whose item an output hands
// over. The pair of an input and an output is any one. `hierconn` signals are the blocks' own.
module lacuna_xbar_proof (
  input logic            clk_i,
  input logic            rst_ni,
  input logic [1:0]      valid_i,
  input logic [1:0]      value_i,
  input logic [1:0][1:0] targets_i,
  input logic [1:0]      ready_i
);

  logic [1:0]      ready_o, valid_o;
  logic [1:0][1:0] data_i, data_o;

  assign data_i = {1'b1, value_i[1], 1'b0, value_i[0]};

  lacuna_xbar #(.Inputs(2), .Outputs(2), .Width(2)) u_dut (
    .clk_i, .rst_ni, .valid_i, .ready_o, .data_i, .targets_i, .valid_o, .ready_i, .data_o
  );

  (* hierconn *) logic [1:0] \u_dut.gen_fork[0].u_fork.served_q ;
  (* hierconn *) logic [1:0] \u_dut.gen_fork[1].u_fork.served_q ;

  initial assume (!rst_ni);

  for (genvar i = 0; i < 2; i++) begin : gen_in
    lacuna_stream_check #(.Width(4), .Assume(1'b1)) u_check_in (
      .clk_i, .rst_ni, .valid_i(valid_i[i]), .ready_i(ready_o[i]),
      .data_i({targets_i[i], data_i[i]})
    );
  end

  for (genvar o = 0; o < 2; o++) begin : gen_out
    lacuna_stream_check #(.Width(2)) u_check_out (
      .clk_i, .rst_ni, .valid_i(valid_o[o]), .ready_i(ready_i[o]), .data_i(data_o[o])
    );
  end

  (* anyconst *) logic from;
  (* anyconst *) logic to;

  logic [1:0] served;
  logic       delivered, has_q;

  assign served    = from ? \u_dut.gen_fork[1].u_fork.served_q
                          : \u_dut.gen_fork[0].u_fork.served_q ;
  assign delivered = valid_o[to] && ready_i[to] && data_o[to][1] == from;

  always_ff @(posedge clk_i) begin
    if (!rst_ni)                             has_q <= 1'b0;
    else if (valid_i[from] && ready_o[from]) has_q <= 1'b0;
    else                                     has_q <= has_q || delivered;
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      remembers:        assert (served[to] == has_q);
      serves_held_item: assert (valid_i[from] || served == '0);
      serves_targets:   assert ((served & ~targets_i[from]) == '0);
      if (delivered) begin
        wanted:     assert (valid_i[from] && targets_i[from][to]);
        only_once:  assert (!has_q);
        unchanged:  assert (data_o[to] == data_i[from]);
      end
      if (valid_i[from] && ready_o[from]) begin
        complete: assert (!targets_i[from][to] || has_q || delivered);
      end
    end
  end

endmodule
