// Proves lacuna_fifo: nothing is lost, doubled, reordered or changed, and it never over- or
// underflows.
//
// One item, any one, is followed from its push to its pop. Signals declared `hierconn` are the
// queue's own: Yosys joins them by name.
module lacuna_fifo_proof (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       valid_i,
  input logic [1:0] data_i,
  input logic       ready_i
);

  // Not a power of two, so that the indices' wrap is exercised.
  localparam int unsigned Depth = 5;

  logic       ready_o, valid_o;
  logic [2:0] count_o;
  logic [1:0] data_o;

  lacuna_fifo #(.Depth(Depth), .Width(2)) u_dut (
    .clk_i, .rst_ni, .count_o, .valid_i, .ready_o, .data_i, .valid_o, .ready_i, .data_o
  );

  (* hierconn *) logic [2:0] \u_dut.read_q ;
  (* hierconn *) logic [2:0] \u_dut.write_q ;
  (* hierconn *) logic [1:0] \u_dut.item_q[0] ;
  (* hierconn *) logic [1:0] \u_dut.item_q[1] ;
  (* hierconn *) logic [1:0] \u_dut.item_q[2] ;
  (* hierconn *) logic [1:0] \u_dut.item_q[3] ;
  (* hierconn *) logic [1:0] \u_dut.item_q[4] ;

  initial assume (!rst_ni);

  (* anyseq *) logic follow;

  logic       push, pop;
  logic       followed_q;
  logic [2:0] ahead_q;
  logic [1:0] value_q;

  assign push = valid_i && ready_o;
  assign pop  = valid_o && ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      followed_q <= 1'b0;
    end else if (!followed_q) begin
      followed_q <= push && follow;
      ahead_q    <= count_o - 3'(pop);
      value_q    <= data_i;
    end else if (pop) begin
      followed_q <= ahead_q != '0;
      ahead_q    <= ahead_q - 3'd1;
    end
  end

  // Where the followed item must lie, and what lies there.
  logic [3:0] sum, slot, end_sum;
  logic [1:0] stored;

  assign sum     = 4'(\u_dut.read_q ) + 4'(ahead_q);
  assign slot    = (sum >= 4'(Depth)) ? sum - 4'(Depth) : sum;
  assign end_sum = 4'(\u_dut.read_q ) + 4'(count_o);

  always_comb begin
    case (slot)
      4'd0:    stored = \u_dut.item_q[0] ;
      4'd1:    stored = \u_dut.item_q[1] ;
      4'd2:    stored = \u_dut.item_q[2] ;
      4'd3:    stored = \u_dut.item_q[3] ;
      default: stored = \u_dut.item_q[4] ;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      holds_at_most_depth: assert (count_o <= 3'(Depth));
      indices_in_range:    assert (\u_dut.read_q < 3'(Depth) && \u_dut.write_q < 3'(Depth));
      indices_agree:       assert (4'(\u_dut.write_q ) ==
                                   ((end_sum >= 4'(Depth)) ? end_sum - 4'(Depth) : end_sum));
      ready_until_full:    assert (ready_o == (count_o != 3'(Depth)));
      valid_until_empty:   assert (valid_o == (count_o != '0));
      if (followed_q) begin
        not_lost: assert (ahead_q < count_o);
        intact:   assert (stored == value_q);
        if (ahead_q == '0) leaves_in_turn: assert (data_o == value_q);
      end
    end
  end

  lacuna_stream_check #(.Width(2)) u_check_out (
    .clk_i, .rst_ni, .valid_i(valid_o), .ready_i, .data_i(data_o)
  );

endmodule
