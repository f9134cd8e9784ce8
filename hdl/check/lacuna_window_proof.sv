// Proves lacuna_link_window: a request of the open session that arrived whole runs once, in its
// turn; until then nothing is written over it, and afterwards nothing over its response before the
// host says that it has it.
//
// One request, any one, is followed. It counts as accepted when all its bytes were stored and the
// window calls it sound. `hierconn` signals are the window's own.
//
// Assumed: the decoder's bytes, counts and ends are those of lacuna_frame_proof; an executor is
// done only with what it was offered; with `Early`, bytes stand for a cycle before they are taken;
// numbers that come again do so after 256 requests, so a copy of a request arrives before
// 256 - Slots later ones have run. A new session forgets the old one's.
module lacuna_window_proof #(
  // As of lacuna_link_window.
  parameter bit     Early = 1'b0
) (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       byte_take_i,
  input logic [7:0] byte_data_i,
  input logic       end_i,
  input logic       sound_i,
  input logic       exec_done_i,
  input logic       send_ready_i
);

  localparam int unsigned Slots     = 4;
  localparam int unsigned SlotBytes = 64;

  logic [6:0] length_q;
  logic       land_o, heard_o, exec_valid_o, send_valid_o;
  logic [1:0] land_slot_o, exec_slot_o, send_slot_o;

  lacuna_link_window #(.Slots(Slots), .SlotBytes(SlotBytes), .WordBytes(4), .Early(Early)) u_dut (
    .clk_i, .rst_ni,
    .byte_take_i, .byte_data_i, .length_i(length_q), .end_i, .sound_i,
    .land_o, .land_slot_o, .heard_o,
    .exec_valid_o, .exec_slot_o, .exec_done_i,
    .send_valid_o, .send_ready_i, .send_slot_o
  );

  (* hierconn *) logic [7:0] \u_dut.base_q ;
  (* hierconn *) logic [7:0] \u_dut.exec_q ;
  (* hierconn *) logic [3:0] \u_dut.held_q ;
  (* hierconn *) logic [3:0] \u_dut.send_q ;
  (* hierconn *) logic       \u_dut.land_q ;
  (* hierconn *) logic [7:0] \u_dut.sequence_q ;
  (* hierconn *) logic [7:0] \u_dut.ack_q ;
  (* hierconn *) logic       \u_dut.open ;

  always_comb begin
    assume (!(byte_take_i && end_i));
    assume (!exec_done_i || exec_valid_o);
  end

  // `Early`: a byte stands for a cycle before it is taken.
  logic       stood_q;
  logic [7:0] stands_q;

  initial assume (!stood_q);

  always_ff @(posedge clk_i) begin
    stood_q  <= rst_ni && !byte_take_i && !end_i;
    stands_q <= byte_data_i;
  end

  always_comb assume (!Early || !byte_take_i || (stood_q && byte_data_i == stands_q));

  // The frame that is arriving.
  logic [7:0] number_q, ack_q;
  logic       stored_q;          // All its bytes landed in the slot of its number.
  logic       right_slot, accept;

  assign right_slot = land_slot_o == ((length_q == 7'd0) ? byte_data_i[1:0] : number_q[1:0]);
  assign accept     = heard_o && stored_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || end_i) begin
      length_q <= 7'd0;
      stored_q <= 1'b0;
    end else if (byte_take_i) begin
      if (length_q != 7'(SlotBytes + 1)) length_q <= length_q + 7'd1;
      if (length_q == 7'd0) number_q <= byte_data_i;
      if (length_q == 7'd1) ack_q    <= byte_data_i;
      stored_q <= land_o && right_slot && (length_q == 7'd0 || stored_q);
    end
  end

  // Slots whose request was accepted and has not run.
  logic [3:0] accepted_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || \u_dut.open ) begin
      accepted_q <= '0;
    end else begin
      if (exec_done_i) accepted_q[exec_slot_o]   <= 1'b0;
      if (accept)      accepted_q[number_q[1:0]] <= 1'b1;
    end
  end

  // The followed request.
  (* anyseq *) logic follow;

  logic       waits_q, ran_q;
  logic [7:0] it_q;              // Its number.
  logic [7:0] since_q;           // Requests that ran after it.
  logic       its_turn, kept;

  assign its_turn = waits_q && \u_dut.exec_q == it_q;
  assign kept     = ran_q && (it_q - \u_dut.base_q ) < 8'(Slots);

  always_ff @(posedge clk_i) begin
    if (!rst_ni || \u_dut.open ) begin
      waits_q <= 1'b0;
      ran_q   <= 1'b0;
    end else if (waits_q) begin
      waits_q <= !(its_turn && exec_done_i);
      ran_q   <= its_turn && exec_done_i;
      since_q <= 8'd0;
    end else if (ran_q) begin
      since_q <= since_q + 8'(exec_done_i);
      // Its number's next turn.
      ran_q   <= since_q < 8'(256 - Slots);
    end else begin
      waits_q <= accept && follow;
      it_q    <= number_q;
    end
  end

  // What holds at all times.
  logic [7:0] executed, its_offset, arriving;
  logic [3:0] early;             // Held slots whose number has run already.

  assign executed   = \u_dut.exec_q - \u_dut.base_q ;
  assign its_offset = it_q - \u_dut.base_q ;
  assign arriving   = \u_dut.sequence_q - \u_dut.base_q ;

  for (genvar s = 0; s < Slots; s++) begin : gen_slot
    logic [1:0] offset;
    assign offset   = 2'(s) - \u_dut.base_q [1:0];
    assign early[s] = \u_dut.held_q [s] && 8'(offset) < executed;
  end

  logic frame_known, frame_lands, it_waits, it_ran, consistent;

  assign frame_known = (length_q == 7'd0 || \u_dut.sequence_q == number_q)
                       && (length_q <= 7'd1 || \u_dut.ack_q == ack_q)
                       && length_q <= 7'(SlotBytes + 1);
  // Stored so far: into a free slot of the window.
  assign frame_lands = (!\u_dut.land_q
                        || (length_q != 7'd0 && arriving >= executed && arriving < 8'(Slots)
                            && !\u_dut.held_q [number_q[1:0]]))
                       && (!stored_q || \u_dut.land_q )
                       && (!\u_dut.land_q || stored_q || length_q > 7'(SlotBytes));
  assign it_waits    = !waits_q || (its_offset >= executed && its_offset < 8'(Slots)
                                    && accepted_q[it_q[1:0]] && !ran_q);
  assign it_ran      = !ran_q || (\u_dut.exec_q == it_q + 8'd1 + since_q
                                  && since_q <= 8'(256 - Slots));
  assign consistent  = executed <= 8'(Slots) && early == '0 && \u_dut.held_q == accepted_q
                       && frame_known && frame_lands && it_waits && it_ran;

  // After reset, or in the middle of anything: a frame takes longer than a search does.
  initial assume (!rst_ni || consistent);

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      stays_consistent:       assert (consistent);
      runs_what_was_accepted: assert (!exec_valid_o || accepted_q[exec_slot_o]);
      accepted_is_new:        assert (!accept || !accepted_q[number_q[1:0]]);
      opens_between_requests: assert (!\u_dut.open || !exec_valid_o);

      if (waits_q) begin
        offered_in_turn: assert (!its_turn || (exec_valid_o && exec_slot_o == it_q[1:0]));
        not_before:      assert (its_turn || !exec_valid_o || exec_slot_o != it_q[1:0]);
        not_overwritten: assert (!land_o || land_slot_o != it_q[1:0]);
      end
      if (ran_q) begin
        not_run_again:   assert (since_q == 8'(256 - Slots)
                                 || !(exec_valid_o && \u_dut.exec_q == it_q));
        not_taken_again: assert (!accept || number_q != it_q || since_q >= 8'(256 - Slots));
      end
      if (kept && since_q < 8'(Slots)) begin
        response_kept:   assert (!land_o || land_slot_o != it_q[1:0]);
      end
    end
  end

  // What a cycle leads to.
  logic past_q, was_kept_q, repeated_q, acked_q;

  initial assume (!past_q);

  always_ff @(posedge clk_i) begin
    past_q     <= rst_ni && !\u_dut.open ;
    was_kept_q <= rst_ni && kept && since_q < 8'(Slots);
    repeated_q <= heard_o && number_q == it_q;
    acked_q    <= heard_o && (ack_q - it_q - 8'd1) < 8'd128;
    if (rst_ni && past_q && was_kept_q && ran_q) begin
      answered_again:  assert (!repeated_q || \u_dut.send_q [it_q[1:0]]);
      kept_until_ack:  assert (kept || acked_q);
    end
  end

endmodule
