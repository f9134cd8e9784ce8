// Proves lacuna_rr_arb: one requester at a time is served, with its own item; what is offered
// stays; and nobody who waits sees more than Inputs - 1 items of others pass.
//
// The requester `who` is any one. `hierconn` signals are the block's own.
module lacuna_rr_arb_proof (
  input logic            clk_i,
  input logic            rst_ni,
  input logic [2:0]      valid_i,
  input logic [2:0][1:0] data_i,
  input logic            ready_i
);

  localparam int unsigned Inputs = 3;

  logic [2:0] ready_o;
  logic       valid_o;
  logic [1:0] data_o, index_o;

  lacuna_rr_arb #(.Inputs(Inputs), .Width(2)) u_dut (
    .clk_i, .rst_ni, .valid_i, .ready_o, .data_i, .valid_o, .ready_i, .data_o, .index_o
  );

  (* hierconn *) logic [1:0] \u_dut.first_q ;

  initial assume (!rst_ni);

  for (genvar i = 0; i < Inputs; i++) begin : gen_in
    lacuna_stream_check #(.Width(2), .Assume(1'b1)) u_check_in (
      .clk_i, .rst_ni, .valid_i(valid_i[i]), .ready_i(ready_o[i]), .data_i(data_i[i])
    );
  end

  (* anyconst *) logic [1:0] who;
  always_comb assume (who < 2'(Inputs));

  // Items of others that passed while `who` waited, and turns until it is first.
  logic [2:0] passed_q, turns;

  assign turns = (who >= \u_dut.first_q ) ? 3'(who) - 3'(\u_dut.first_q )
                                          : 3'(who) + 3'(Inputs) - 3'(\u_dut.first_q );

  always_ff @(posedge clk_i) begin
    if (!rst_ni || !valid_i[who] || ready_o[who]) passed_q <= '0;
    else if (valid_o && ready_i)                  passed_q <= passed_q + 3'd1;
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      turn_in_range:  assert (\u_dut.first_q < 2'(Inputs));
      serves_one:     assert ((ready_o & (ready_o - 3'd1)) == '0);
      never_idle:     assert (valid_o == (valid_i != '0));
      if (valid_o) begin
        offers_request: assert (index_o < 2'(Inputs) && valid_i[index_o]);
        passes_item:    assert (data_o == data_i[index_o]);
        takes_offered:  assert (ready_o == (3'(ready_i) << index_o));
      end
      if (valid_i[who]) everybody_served: assert (4'(passed_q) + 4'(turns) <= 4'(Inputs - 1));
    end
  end

  lacuna_stream_check #(.Width(4)) u_check_out (
    .clk_i, .rst_ni, .valid_i(valid_o), .ready_i, .data_i({index_o, data_o})
  );

endmodule
