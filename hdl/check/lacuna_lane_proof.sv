// Proves lacuna_lane: every digit slot that gating keeps is issued once, for its own vector, with
// its page, plane and terms; every vector retires once, when nothing of it is left; the queue never
// overflows.
//
// In two parts, since each is much easier than both: the order of vectors (FollowSlots = 0), and,
// relying on that order, what becomes of slots (FollowSlots = 1).
//
// One slot of one entry, any ones, is followed. `hierconn` signals are the lane's own. The feeder
// is assumed as its contract says: no window unless there is room FeedLatency - 1 cycles before its
// push, vectors in order, at most VectorsInFlight of them between first push and the cycle that
// frees their holds.
module lacuna_lane_proof #(
  parameter bit FollowSlots = 1'b0
) (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       start_i,
  input logic       window_i,
  input logic       push_live_i,
  input logic       fed_i,
  input logic [1:0] live_i,
  input logic [1:0] page_i,
  input logic [8:0] first_i,
  input logic [8:0] second_i,
  input logic       freed_i
);

  localparam int unsigned Slots    = 3;
  localparam int unsigned RowTerms = 6 * Slots;
  localparam int unsigned Depth    = lacuna_spec_pkg::LaneQueue;

  (* anyconst *) logic [1:0] gating;
  (* anyconst *) logic [2:0] slot;
  (* anyconst *) logic [3:0] addr;      // where in the queue the followed entry is put
  (* anyseq *)   logic       follow;

  initial assume (!rst_ni);
  always_comb assume (gating <= lacuna_spec_pkg::GatingDigit);
  always_comb assume (slot < 3'(2 * Slots));

  function automatic logic holds(input logic [3:0] at, input logic [3:0] from,
                                 input logic [4:0] count);
    logic [3:0] distance;
    distance = at - from;
    holds    = 5'(distance) < count;
  endfunction

  // A row pair as the feeder pushes it: -255 to 255; gated, a live row is not 0.
  function automatic logic fits(input logic [19:0] pair, input logic [1:0] mode);
    fits = pair[19:18] != '0 && pair[17:9] != 9'h100 && pair[8:0] != 9'h100
           && (mode == lacuna_spec_pkg::GatingOff
               || ((!pair[19] || pair[17:9] != '0) && (!pair[18] || pair[8:0] != '0)));
  endfunction

  // Vectors from the current one to that of a tag.
  function automatic logic [1:0] after(input logic [1:0] tag, input logic [1:0] vec);
    after = tag - vec;
  endfunction

  // The feeder and the reduction.
  logic [2:0] windows_q;   // issued, on the way: bit 2 arrives now
  logic [2:0] fed_q;       // vectors handed over whole, modulo 8; tags are the lower bits
  logic [2:0] lead_q;      // handed over and not retired
  logic       open_q;      // a vector has entries and is not handed over
  logic       push, room, busy, issue, retire;
  logic [1:0] page;
  logic       plane;
  logic [5:0] terms;
  logic       unused_issuing, unused_starved, unused_blocked;

  assign push = windows_q[2] && push_live_i;

  lacuna_lane #(.Pages(4), .DigitBits(4)) u_dut (
    .clk_i, .rst_ni, .start_i,
    .essential_i({4{gating == lacuna_spec_pkg::GatingDigit}}),
    .push_i(push), .push_tag_i(fed_q[1:0]), .push_page_i(page_i), .push_live_i(live_i),
    .push_first_i(first_i), .push_second_i(second_i), .fed_i(fed_q), .room_o(room),
    .freed_i, .busy_o(busy), .issue_o(issue), .retire_o(retire),
    .page_o(page), .plane_o(plane), .terms_o(terms),
    .issuing_o(unused_issuing), .starved_o(unused_starved), .blocked_o(unused_blocked)
  );

  (* hierconn *) logic [4:0]            \u_dut.count_q ;
  (* hierconn *) logic [3:0]            \u_dut.rd_ptr_q ;
  (* hierconn *) logic [3:0]            \u_dut.wr_ptr_q ;
  (* hierconn *) logic                  \u_dut.load ;
  (* hierconn *) logic                  \u_dut.issue ;
  (* hierconn *) logic                  \u_dut.retire ;
  (* hierconn *) logic                  \u_dut.head_last ;
  (* hierconn *) logic                  \u_dut.head_valid_q ;
  (* hierconn *) logic [1:0]            \u_dut.head_tag_q ;
  (* hierconn *) logic [1:0]            \u_dut.head_page_q ;
  (* hierconn *) logic [2*Slots-1:0]    \u_dut.head_pending_q ;
  (* hierconn *) logic [2*RowTerms-1:0] \u_dut.head_terms_q ;
  (* hierconn *) logic [2:0]            \u_dut.u_vectors.vec_q ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[0] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[1] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[2] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[3] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[4] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[5] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[6] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[7] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[8] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[9] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[10] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[11] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[12] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[13] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[14] ;
  (* hierconn *) logic [23:0]           \u_dut.queue_q[15] ;

  logic [15:0][23:0] entry;

  assign entry = {
    \u_dut.queue_q[15] , \u_dut.queue_q[14] , \u_dut.queue_q[13] , \u_dut.queue_q[12] ,
    \u_dut.queue_q[11] , \u_dut.queue_q[10] , \u_dut.queue_q[9] , \u_dut.queue_q[8] ,
    \u_dut.queue_q[7] , \u_dut.queue_q[6] , \u_dut.queue_q[5] , \u_dut.queue_q[4] ,
    \u_dut.queue_q[3] , \u_dut.queue_q[2] , \u_dut.queue_q[1] , \u_dut.queue_q[0]
  };

  logic [3:0] in_flight;
  logic       idle;

  assign in_flight = 4'(lead_q) + 4'(busy) + 4'(open_q);
  assign idle      = in_flight == '0 && windows_q == '0;

  always_comb begin
    if (push)                             assume (fits({live_i, second_i, first_i}, gating));
    if (window_i)                         assume (room);
    if ((push || fed_i) && !open_q)       assume (in_flight < 4'(lacuna_spec_pkg::VectorsInFlight));
    if (freed_i)                          assume (busy);
    if (start_i)                          assume (idle && !push && !fed_i);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      windows_q <= '0;
      fed_q     <= '0;
      lead_q    <= '0;
      open_q    <= 1'b0;
    end else begin
      windows_q <= {windows_q[1:0], window_i};
      fed_q     <= start_i ? '0 : fed_q + 3'(fed_i);
      lead_q    <= lead_q + 3'(fed_i) - 3'(\u_dut.retire );
      open_q    <= (open_q || push) && !fed_i;
    end
  end

  // The followed entry: where it is, what it is, and whether its followed slot has left.
  logic        queued_q, headed_q, issued_q;
  logic [23:0] value_q;
  logic        takes, leaves, slot_leaves;

  assign takes       = queued_q && \u_dut.load && \u_dut.rd_ptr_q == addr;
  assign leaves      = headed_q && \u_dut.issue && \u_dut.head_last ;
  assign slot_leaves = headed_q && \u_dut.issue && \u_dut.head_pending_q [slot]
                       && (\u_dut.head_pending_q & ((6'd1 << slot) - 6'd1)) == '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      queued_q <= 1'b0;
      headed_q <= 1'b0;
    end else begin
      if (!queued_q && !headed_q) begin
        queued_q <= push && follow && \u_dut.wr_ptr_q == addr;
        value_q  <= {fed_q[1:0], page_i, live_i, second_i, first_i};
        issued_q <= 1'b0;
      end
      if (takes) queued_q <= 1'b0;
      headed_q <= takes || (headed_q && !leaves);
      if (slot_leaves) issued_q <= 1'b1;
    end
  end

  // What must become of it.
  logic [1:0]            active;
  logic [1:0]            value_tag, value_page, value_live;
  logic [2*RowTerms-1:0] want_terms;
  logic [2*Slots-1:0]    used, kept;
  logic                  second_row, excess;

  assign {value_tag, value_page, value_live} = value_q[23:18];
  assign active     = \u_dut.u_vectors.vec_q [1:0] + 2'(\u_dut.retire );
  assign second_row = slot >= 3'(Slots);
  assign excess     = slot == 3'(Slots - 1) || slot == 3'(2 * Slots - 1);

  for (genvar r = 0; r < 2; r++) begin : gen_row
    lacuna_recode #(.DigitBits(4)) u_recode (
      .en_i(1'b1), .d_i(value_q[9*r +: 9]),
      .terms_o(want_terms[RowTerms*r +: RowTerms]), .used_o(used[Slots*r +: Slots])
    );
  end

  // Gating keeps a slot of a live row that is not 0; outside `digit` also one that is, unless in
  // excess.
  assign kept = (value_live[second_row]
                 && (used[slot] || (gating != lacuna_spec_pkg::GatingDigit && !excess)))
                ? 6'd1 << slot : '0;

  // Expected at the registered outputs.
  logic       seen_q, retire_q, seen_plane_q;
  logic [1:0] seen_page_q;
  logic [5:0] seen_terms_q;
  logic       issue_q;
  always_ff @(posedge clk_i) begin
    seen_q       <= rst_ni && slot_leaves;
    seen_page_q  <= value_page + 2'(second_row);
    seen_plane_q <= excess || slot == 3'd1 || slot == 3'd4;
    seen_terms_q <= want_terms[6*slot +: 6];
    retire_q     <= rst_ni && \u_dut.retire ;
    issue_q      <= rst_ni && \u_dut.issue ;
  end

  // Tags rise along the queue, from the head's to that of the vector that is being fed.
  logic [15:0] held, live_ok, order_ok;
  logic [1:0]  head_after;
  logic [3:0]  end_ptr;

  assign head_after = after(\u_dut.head_tag_q , \u_dut.u_vectors.vec_q [1:0]);

  assign end_ptr = \u_dut.rd_ptr_q + 4'(\u_dut.count_q );

  for (genvar i = 0; i < 16; i++) begin : gen_entry
    localparam int unsigned Next = (i + 1) % 16;
    logic [1:0] tag_after, next_after;
    assign held[i]     = holds(4'(i), \u_dut.rd_ptr_q , \u_dut.count_q );
    assign live_ok[i]  = !held[i] || fits(entry[i][19:0], gating);
    assign tag_after   = after(entry[i][23:22], \u_dut.u_vectors.vec_q [1:0]);
    assign next_after  = after(entry[Next][23:22], \u_dut.u_vectors.vec_q [1:0]);
    assign order_ok[i] = !held[i] || (3'(tag_after) <= lead_q && (open_q || 3'(tag_after) != lead_q)
                         && (!\u_dut.head_valid_q
                             || tag_after >= head_after)
                         && (!held[Next] || 4'(Next) == \u_dut.rd_ptr_q
                             || next_after >= tag_after));
  end

  // Order of vectors.
  logic no_overflow, pointers, flight, leads, retires_fed, retires_free;
  logic issues_vector, head_ahead, prompt;

  assign no_overflow   = 6'(\u_dut.count_q ) + 6'(windows_q[0]) + 6'(windows_q[1])
                         + 6'(windows_q[2]) <= 6'(Depth);
  assign pointers      = \u_dut.wr_ptr_q == end_ptr;
  assign flight        = in_flight <= 4'(lacuna_spec_pkg::VectorsInFlight);
  assign leads         = 3'(fed_q - \u_dut.u_vectors.vec_q ) == lead_q;
  assign retires_fed   = !\u_dut.retire || lead_q != '0;
  assign retires_free  = !\u_dut.retire || !busy || freed_i;
  assign issues_vector = !\u_dut.issue || (\u_dut.head_valid_q && \u_dut.head_tag_q == active);
  assign head_ahead    = !\u_dut.head_valid_q
                         || (3'(head_after) <= lead_q && (open_q || 3'(head_after) != lead_q));
  // A vector of which nothing is left retires as soon as the hold registers are free.
  assign prompt        = lead_q == '0 || \u_dut.head_valid_q || \u_dut.count_q != '0 || busy
                         || \u_dut.retire ;

  if (!FollowSlots) begin : gen_order
    always_ff @(posedge clk_i) begin
      if (rst_ni) begin
        queue_never_overflows:  assert (no_overflow && pointers);
        vectors_counted:        assert (flight && leads);
        retires_only_whole:     assert (retires_fed);
        retires_into_free_hold: assert (retires_free);
        issues_current_vector:  assert (issues_vector);
        tags_rise:              assert (head_ahead && (&order_ok));
        retires_at_once:        assert (prompt);
        retire_shown:           assert (retire == retire_q);
      end
    end
  end else begin : gen_slots
    always_comb begin
      if (rst_ni) assume (no_overflow && pointers && flight && leads && head_ahead && (&order_ok));
    end

    always_ff @(posedge clk_i) begin
      if (rst_ni) begin
        entries_fit: assert (&live_ok);
        head_works:  assert (!\u_dut.head_valid_q || \u_dut.head_pending_q != '0);
        one_place:   assert (!queued_q || !headed_q);
        if (queued_q) begin
          not_lost:       assert (holds(addr, \u_dut.rd_ptr_q , \u_dut.count_q ));
          intact:         assert (entry[addr] == value_q);
          not_yet_issued: assert (!issued_q);
        end
        if (headed_q) begin
          head_valid:  assert (\u_dut.head_valid_q && fits(value_q[19:0], gating));
          head_value:  assert (\u_dut.head_tag_q == value_tag && \u_dut.head_page_q == value_page
                               && \u_dut.head_terms_q == want_terms);
          pends_once:  assert (\u_dut.head_pending_q [slot] == (kept[slot] && !issued_q));
          issued_kept: assert (!issued_q || kept[slot]);
        end
        if (queued_q || headed_q)
          vector_waits: assert (!(\u_dut.retire && \u_dut.u_vectors.vec_q [1:0] == value_tag));
        if (leaves)      complete:    assert (!kept[slot] || issued_q || slot_leaves);
        if (slot_leaves) issued_once: assert (!issued_q && value_tag == active);

        issue_shown: assert (issue == issue_q);
        if (seen_q)
          shown: assert (issue && page == seen_page_q && plane == seen_plane_q
                         && terms == seen_terms_q);
      end
    end
  end

endmodule
