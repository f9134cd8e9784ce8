// One row lane at 2- and 4-bit digits: a queue of row pairs, the head that is recoded, and the rule
// that ends vectors.
//
// Contract:   a push is never refused: the feeder leaves room (`room_o`). `busy_o`: the hold
//             registers keep a vector, of Slack at most; `freed_i` frees the oldest's in its own
//             cycle. At most as many vectors are between feed and reduction as there are tags.
// Throughput: one digit slot a cycle while the queue is not empty, also across vectors.
// Latency:    a push in cycle t is in the queue in t + 1, in the head in t + 2 and, if its vector
//             is current, leaves in the output registers of t + 3.
module lacuna_lane #(
  parameter  int unsigned Pages      = 512,
  parameter  int unsigned DigitBits  = 4,
  parameter  int unsigned Slack      = 1,
  localparam int unsigned Tags       = lacuna_pkg::vectors_in_flight(Slack),
  localparam int unsigned TagBits    = lacuna_pkg::tag_bits(Slack),
  localparam int unsigned PageWidth  = $clog2(Pages),
  localparam int unsigned PlaneWidth = $clog2(8 / DigitBits),
  localparam int unsigned SlotTerms  = DigitBits / 2
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   start_i,    // forgets all vectors: the next one has tag 0
  input  logic [Tags-1:0]        essential_i,  // by tag: no digit that is 0 is issued

  input  logic                   push_i,
  input  logic [TagBits-1:0]     push_tag_i,
  input  logic [PageWidth-1:0]   push_page_i,
  input  logic [1:0]             push_live_i,
  input  logic [8:0]             push_first_i,
  input  logic [8:0]             push_second_i,
  input  logic [TagBits:0]       fed_i,      // vectors handed over whole, modulo twice the tags
  output logic                   room_o,

  input  logic                   freed_i,
  output logic                   busy_o,

  output logic                   issue_o,
  output logic                   retire_o,
  output logic [PageWidth-1:0]   page_o,
  output logic [PlaneWidth-1:0]  plane_o,
  output logic [3*SlotTerms-1:0] terms_o,

  output logic                   issuing_o,  // issue_o of the next cycle
  output logic                   starved_o,  // waits for the feeder
  output logic                   blocked_o   // could retire but for the hold registers
);

  localparam int unsigned Depth      = lacuna_pkg::lane_queue(Slack);
  localparam int unsigned PtrWidth   = $clog2(Depth);
  localparam int unsigned EntryWidth = TagBits + PageWidth + 2 + 18;
  localparam int unsigned Slots      = 8 / DigitBits + 1;
  localparam int unsigned RowTerms   = 3 * Slots * SlotTerms;

  // Queue.
  logic [EntryWidth-1:0] queue_q [Depth];
  logic [PtrWidth-1:0]   wr_ptr_q, rd_ptr_q;
  logic [PtrWidth:0]     count_q, count_d;
  logic                  empty, load;

  assign empty   = (count_q == '0);
  assign room_o  = (count_q <= (PtrWidth+1)'(Depth - lacuna_spec_pkg::FeedLatency));
  assign count_d = count_q + {{PtrWidth{load && !push_i}}, load != push_i};

  always_ff @(posedge clk_i) begin
    if (push_i) begin
      queue_q[wr_ptr_q] <= {push_tag_i, push_page_i, push_live_i, push_second_i, push_first_i};
    end
  end

  // The entry next for the head, recoded. A simulator skips it unless the head takes it.
  logic [TagBits-1:0]    tag;
  logic [1:0]            live;
  logic [PageWidth-1:0]  page;
  logic [8:0]            first, second;
  logic [2*RowTerms-1:0] terms;
  logic [2*Slots-1:0]    used, pending;

  always_comb begin
    {tag, page, live, second, first} = 'x;
    if (load) {tag, page, live, second, first} = queue_q[rd_ptr_q];
  end

  lacuna_recode #(.DigitBits(DigitBits)) u_first (
    .en_i   (load),
    .d_i    (first),
    .terms_o(terms[0 +: RowTerms]),
    .used_o (used[0 +: Slots])
  );

  lacuna_recode #(.DigitBits(DigitBits)) u_second (
    .en_i   (load),
    .d_i    (second),
    .terms_o(terms[RowTerms +: RowTerms]),
    .used_o (used[Slots +: Slots])
  );

  always_comb begin
    pending = 'x;
    if (load) begin
      pending = used;
      if (!essential_i[tag]) begin
        for (int unsigned s = 0; s < 2 * Slots; s++) begin
          // The last slot of a row is the excess, never issued for nothing.
          if (s % Slots != Slots - 1) pending[s] = 1'b1;
        end
      end
      pending = pending & {{Slots{live[1]}}, {Slots{live[0]}}};
    end
  end

  // Head: lowest pending slot first.
  logic                  head_valid_q;
  logic [TagBits-1:0]    head_tag_q;
  logic [PageWidth-1:0]  head_page_q;
  logic [2*RowTerms-1:0] head_terms_q;
  logic [2*Slots-1:0]    head_pending_q, head_rest;
  logic                  head_last, issue;

  // All but the lowest pending slot: those with another below.
  logic [2*Slots-1:0] above;

  always_comb begin
    above = head_pending_q << 1;
    for (int unsigned s = 1; s < 2 * Slots; s = 2 * s) above = above | (above << s);
  end

  assign head_rest = head_pending_q & above;
  assign head_last = (head_rest == '0);
  assign load      = !empty && (!head_valid_q || (issue && head_last));

  logic retire;

  lacuna_vectors #(.Slack(Slack)) u_vectors (
    .clk_i,
    .rst_ni,
    .start_i,
    .fed_i,
    .empty_i     (empty),
    .head_valid_i(head_valid_q),
    .head_tag_i  (head_tag_q),
    .freed_i,
    .busy_o,
    .issue_o     (issue),
    .retire_o    (retire),
    .starved_o,
    .blocked_o
  );

  assign issuing_o = issue;

  // The slot that leaves.
  logic [3*SlotTerms-1:0] slot_terms;
  logic [PlaneWidth-1:0]  slot_plane;
  logic                   slot_second;

  always_comb begin
    slot_terms = '0;
    slot_plane = '0;
    if (issue) begin
      for (int unsigned s = 2 * Slots; s > 0; s--) begin
        if (head_pending_q[s-1]) begin
          slot_terms = head_terms_q[3*SlotTerms*(s-1) +: 3*SlotTerms];
          slot_plane = PlaneWidth'(((s - 1) % Slots == Slots - 1) ? Slots - 2 : (s - 1) % Slots);
        end
      end
    end
  end
  assign slot_second = (head_pending_q[0 +: Slots] == '0);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q      <= '0;
      wr_ptr_q     <= '0;
      rd_ptr_q     <= '0;
      head_valid_q <= 1'b0;
      issue_o      <= 1'b0;
      retire_o     <= 1'b0;
    end else begin
      count_q <= count_d;
      if (push_i) wr_ptr_q <= wr_ptr_q + 1'b1;
      if (load) rd_ptr_q <= rd_ptr_q + 1'b1;
      head_valid_q <= load || (head_valid_q && !(issue && head_last));
      issue_o      <= issue;
      retire_o     <= retire;
    end
  end

  always_ff @(posedge clk_i) begin
    if (load) begin
      head_tag_q   <= tag;
      head_page_q  <= page;
      head_terms_q <= terms;
    end
    if (load) head_pending_q <= pending;
    else if (issue) head_pending_q <= head_rest;
    if (issue) begin
      page_o  <= head_page_q + PageWidth'(slot_second);
      plane_o <= slot_plane;
      terms_o <= slot_terms;
    end
  end

`ifdef LACUNA_CHECK
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      if (push_i) begin
        assert (count_q != (PtrWidth+1)'(Depth));
        assert (push_live_i != '0);
      end
      if (start_i) assert (empty && !head_valid_q && !busy_o);
      if (head_valid_q) assert (head_pending_q != '0);
    end
  end
`endif

endmodule
