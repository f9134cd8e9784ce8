// Proves lacuna_spill: nothing is lost, doubled, reordered or changed, and both rules of streams
// hold.
//
// One item, any one, is followed from its entry to its exit; `hierconn` signals are the block's
// own.
module lacuna_spill_proof (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       valid_i,
  input logic [1:0] data_i,
  input logic       ready_i
);

  logic       ready_o, valid_o;
  logic [1:0] data_o;

  lacuna_spill #(.Width(2)) u_dut (
    .clk_i, .rst_ni, .valid_i, .ready_o, .data_i, .valid_o, .ready_i, .data_o
  );

  (* hierconn *) logic       \u_dut.head_full_q ;
  (* hierconn *) logic       \u_dut.tail_full_q ;
  (* hierconn *) logic [1:0] \u_dut.head_q ;
  (* hierconn *) logic [1:0] \u_dut.tail_q ;

  initial assume (!rst_ni);

  (* anyseq *) logic follow;

  logic       push, pop;
  logic [1:0] held_q;
  logic       followed_q, behind_q;
  logic [1:0] value_q;

  assign push = valid_i && ready_o;
  assign pop  = valid_o && ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      held_q     <= '0;
      followed_q <= 1'b0;
    end else begin
      held_q <= held_q + 2'(push) - 2'(pop);
      if (!followed_q) begin
        followed_q <= push && follow;
        behind_q   <= held_q - 2'(pop) == 2'd1;
        value_q    <= data_i;
      end else if (pop) begin
        followed_q <= behind_q;
        behind_q   <= 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      counts:           assert (held_q == 2'(\u_dut.head_full_q ) + 2'(\u_dut.tail_full_q ));
      head_fills_first: assert (\u_dut.head_full_q || !\u_dut.tail_full_q );
      ready_with_room:  assert (ready_o == (held_q != 2'd2));
      valid_with_item:  assert (valid_o == (held_q != 2'd0));
      if (followed_q) begin
        not_lost: assert (behind_q ? held_q == 2'd2 : held_q != 2'd0);
        intact:   assert (value_q == (behind_q ? \u_dut.tail_q : \u_dut.head_q ));
        if (!behind_q) leaves_in_turn: assert (data_o == value_q);
      end
    end
  end

  lacuna_stream_check #(.Width(2)) u_check_out (
    .clk_i, .rst_ni, .valid_i(valid_o), .ready_i, .data_i(data_o)
  );

endmodule
