// Proves lacuna_reshape_blocks: a job that was accepted completes if its ports are ready. With
// ready ports no three cycles pass without a read or a beat; each read takes the walk forward, each
// beat its chunk; and when both are at their end the job is done. A linear job waits for its ring
// besides, which takes a step a cycle.
//
// `hierconn` signals are the engine's.
module lacuna_reshape_proof (
  input logic         clk_i,
  input logic         rst_ni,
  input logic         start_i,
  input logic [127:0] head_i,
  input logic [383:0] job_i,
  input logic         rd_gnt_i,
  input logic         beat_ready_i
);

  lacuna_spec_pkg::reshape_t job, walk;
  logic [4:0]                tail;
  logic [4:0]                pitch;
  logic [3:0]                limit;
  logic                      empty;
  lacuna_spec_pkg::head_t    head;
  logic                      done_o, sent_o, rd_req, beat_valid, issue, pop;
  logic [1:0]                unused_targets;
  logic [4:0]                unused_rd_addr, unused_addr;
  logic [2:0]                unused_rd_position, unused_position;
  logic [3:0]                unused_bytes;
  logic [63:0]               unused_data;
  logic [lacuna_spec_pkg::ProfileBits-1:0] unused_work;

  assign head = head_i;
  assign job  = job_i;

  lacuna_reshape_plan #(.WordBytes(8), .TileWords(4), .Transposer(1'b1)) u_plan (
    .head_i(head), .job_i(job), .input_offset_i('0), .output_offset_i('0),
    .walk_o(walk), .tail_o(tail), .pitch_o(pitch), .limit_o(limit), .empty_o(empty)
  );

  lacuna_reshape_blocks #(.Tiles(2), .WordBytes(8), .TileWords(4)) u_dut (
    .clk_i, .rst_ni, .start_i, .targets_i(head.targets[1:0]), .walk_i(walk), .tail_i(tail),
    .pitch_i(pitch), .limit_i(limit), .empty_i(empty), .done_o, .work_o(unused_work), .sent_o,
    .rd_req_o(rd_req), .rd_gnt_i, .rd_addr_o(unused_rd_addr), .rd_position_o(unused_rd_position),
    .rd_data_i('0),
    .beat_valid_o(beat_valid), .beat_ready_i, .beat_targets_o(unused_targets),
    .beat_addr_o(unused_addr), .beat_bytes_o(unused_bytes), .beat_position_o(unused_position),
    .beat_data_o(unused_data)
  );

  (* hierconn *) logic        \u_dut.busy_q ;
  (* hierconn *) logic        \u_dut.issuing_q ;
  (* hierconn *) logic        \u_dut.transpose_q ;
  (* hierconn *) logic [2:0]  \u_dut.unit_q ;
  (* hierconn *) logic [4:0]  \u_dut.tail_q ;
  (* hierconn *) logic        \u_dut.linear_q ;
  (* hierconn *) logic [3:0]  \u_dut.limit_q ;
  (* hierconn *) logic [2:0]  \u_dut.row_q ;
  (* hierconn *) logic [4:0]  \u_dut.column_q ;
  (* hierconn *) logic [4:0]  \u_dut.column_last ;
  (* hierconn *) logic [2:0]  \u_dut.issue_q ;
  (* hierconn *) logic [2:0]  \u_dut.send_q ;
  (* hierconn *) logic [3:0]  \u_dut.held_q ;
  (* hierconn *) logic [3:0]  \u_dut.ready_q ;
  (* hierconn *) logic        \u_dut.issue ;
  (* hierconn *) logic        \u_dut.last ;
  (* hierconn *) logic        \u_dut.chunk_sent ;
  (* hierconn *) logic        \u_dut.ring_ready ;
  (* hierconn *) logic [3:0]  \u_dut.u_ring.row_q ;
  (* hierconn *) logic        \u_dut.first_valid_q ;
  (* hierconn *) logic        \u_dut.second_valid_q ;
  (* hierconn *) logic        \u_dut.first_ends_q ;
  (* hierconn *) logic        \u_dut.second_ends_q ;
  (* hierconn *) logic [54:0] \u_dut.u_walker.left_q ;
  (* hierconn *) logic [54:0] \u_dut.u_walker.count_q ;
  (* hierconn *) logic [8:0]  \u_dut.u_shapes.word_q[0] ;
  (* hierconn *) logic [8:0]  \u_dut.u_shapes.word_q[1] ;
  (* hierconn *) logic [8:0]  \u_dut.u_shapes.word_q[2] ;
  (* hierconn *) logic [8:0]  \u_dut.u_shapes.word_q[3] ;
  (* hierconn *) logic [8:0]  \u_dut.u_shapes.word_q[4] ;
  (* hierconn *) logic [8:0]  \u_dut.u_shapes.word_q[5] ;
  (* hierconn *) logic [8:0]  \u_dut.u_shapes.word_q[6] ;
  (* hierconn *) logic [8:0]  \u_dut.u_shapes.word_q[7] ;

  logic [7:0][4:0] lasts;

  assign lasts = {\u_dut.u_shapes.word_q[7] [8:4], \u_dut.u_shapes.word_q[6] [8:4],
                  \u_dut.u_shapes.word_q[5] [8:4], \u_dut.u_shapes.word_q[4] [8:4],
                  \u_dut.u_shapes.word_q[3] [8:4], \u_dut.u_shapes.word_q[2] [8:4],
                  \u_dut.u_shapes.word_q[1] [8:4], \u_dut.u_shapes.word_q[0] [8:4]};

  assign issue = \u_dut.issue ;
  assign pop   = sent_o;

  initial assume (!rst_ni);

  always_comb begin
    assume (!(start_i && \u_dut.busy_q ));
    // What the sequencer lets through.
    if (job.element == lacuna_spec_pkg::ReshapeLinear) begin
      assume (job.count_0[0] && job.count_0 <= 11'(lacuna_spec_pkg::ReshapeLinearColumns));
      assume (job.count_1 <= 11'd8 && job.bytes != '0 && job.bytes <= 5'd8);
    end
  end

  logic [3:0] arriving;
  logic [4:0] part;  // Bits of an address inside an element.
  logic [2:0] next_number;
  logic [4:0] columns;
  logic       none_left, odd_shape;
  logic [2:0] age;  // Of a chunk in hand.

  assign arriving = 4'(\u_dut.first_valid_q && \u_dut.first_ends_q )
                  + 4'(\u_dut.second_valid_q && \u_dut.second_ends_q );
  assign part     = {2'd0, \u_dut.unit_q } - 5'd1;

  assign next_number = \u_dut.send_q + \u_dut.held_q [2:0];
  assign columns     = \u_dut.column_last - \u_dut.column_q ;

  always_comb begin
    none_left = 1'b0;
    for (int unsigned l = 0; l < 5; l++) begin
      if (\u_dut.u_walker.left_q [11*l +: 11] == '0) none_left = 1'b1;
      if (\u_dut.u_walker.count_q [11*l +: 11] == '0) none_left = 1'b1;
    end
  end

  always_comb begin
    odd_shape = 1'b0;
    age       = '0;
    for (int unsigned k = 0; k < 8; k++) begin
      age = 3'(k) - \u_dut.send_q ;
      if (4'(age) < \u_dut.held_q && (lasts[k] & (\u_dut.transpose_q ? part : 5'd31)) != '0) begin
        odd_shape = 1'b1;
      end
    end
  end

  // What the engine keeps.
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      counts_agree:  assert (\u_dut.held_q == \u_dut.ready_q + arriving);
      numbers_agree: assert (\u_dut.issue_q == next_number);
      fits:          assert (\u_dut.held_q <= 4'd8 && \u_dut.ready_q <= \u_dut.held_q );
      if (!\u_dut.busy_q ) idle: assert (!\u_dut.issuing_q && \u_dut.held_q == '0);
      if (\u_dut.busy_q ) begin
        bytewise:  assert (!\u_dut.linear_q
                           || (\u_dut.transpose_q && \u_dut.unit_q == 3'd1));
        ring:      assert (\u_dut.u_ring.row_q <= 4'd9);
        some_room: assert (\u_dut.limit_q >= 4'd1 && \u_dut.limit_q <= 4'd8);
        unit:      assert (\u_dut.unit_q == 3'd1 || \u_dut.unit_q == 3'd2 || \u_dut.unit_q == 3'd4
                           || !\u_dut.transpose_q );
        if (\u_dut.transpose_q ) begin
          blocks:    assert (\u_dut.limit_q <= 4'd2 && \u_dut.held_q <= 4'd3);
          elements:  assert ((({2'd0, \u_dut.row_q } | \u_dut.column_q | \u_dut.tail_q ) & part)
                             == '0);
        end else begin
          beats:     assert (\u_dut.row_q == '0 && \u_dut.column_q == '0);
        end
        if (\u_dut.issuing_q ) counting: assert (!none_left);
      end
      if (!\u_dut.issuing_q ) begin
        whole: assert (\u_dut.row_q == '0 && (!\u_dut.first_valid_q || \u_dut.first_ends_q )
                       && (!\u_dut.second_valid_q || \u_dut.second_ends_q
                           || \u_dut.first_valid_q ));
      end
      if (\u_dut.ready_q == '0) at_first: assert (\u_dut.column_q == '0);
      shapes: assert (!odd_shape);
    end
  end

  // Progress. `stuck_q`: cycles with ready ports, neither read nor beat, and no ring in the making.
  logic [1:0]  stuck_q;
  logic        stepped_q, popped_q;
  logic [54:0] left_q;
  logic [4:0]  columns_q;
  logic [3:0]  ring_row_q;
  logic        turning, turned_q;

  assign turning = \u_dut.linear_q && !\u_dut.ring_ready ;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || !\u_dut.busy_q || issue || pop || turning || !rd_gnt_i || !beat_ready_i) begin
      stuck_q <= '0;
    end else stuck_q <= stuck_q + 2'd1;
    stepped_q <= rst_ni && issue && !\u_dut.last ;
    popped_q  <= rst_ni && pop && !\u_dut.chunk_sent ;
    left_q    <= \u_dut.u_walker.left_q ;
    columns_q <= columns;
    turned_q   <= rst_ni && \u_dut.busy_q && turning;
    ring_row_q <= \u_dut.u_ring.row_q ;
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      if (stuck_q >= 2'd1) nothing_read:    assert (!\u_dut.first_valid_q );
      if (stuck_q >= 2'd2) nothing_arrives: assert (!\u_dut.second_valid_q );
      moves: assert (stuck_q < 2'd3);
      if (stepped_q) walks: assert (\u_dut.u_walker.left_q < left_q);
      if (popped_q) sends: assert (columns < columns_q);
      if (turned_q) turns: assert (\u_dut.u_ring.row_q == ring_row_q + 4'd1);
      if (done_o) all_sent: assert (!\u_dut.issuing_q && !beat_valid && !\u_dut.first_valid_q
                                    && !\u_dut.second_valid_q );
    end
  end

endmodule
