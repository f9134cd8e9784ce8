// The receive window: decides where a request lands, whether it counts, what runs next, what is
// sent.
//
// Contract:   the rules of `host/spec/src/frame.rs`. With sequence numbers modulo 256:
//               base ..= exec - 1    executed, response kept in its slot
//               exec ..= base+Slots-1  free, or `held` when its request has arrived whole
//             A slot is written only when it is free; a request is executed only as number `exec`,
//             after which `exec` is one more: so each runs once, and no response is lost before its
//             ack. A byte that lands (`land_o`) cancels any answer still due from that slot.
// Throughput: one decoded byte a cycle. With `Early` one in two: then `byte_data_i` and `length_i`
//             are a byte's from the cycle before it is taken.
// Latency:    a held request is offered in the cycle after its delimiter.
module lacuna_link_window #(
  parameter  int unsigned Slots       = 8,
  parameter  int unsigned SlotBytes   = 1024,
  parameter  int unsigned WordBytes   = 16,
  // Decide about a first byte in the cycle before it is taken.
  parameter  bit          Early       = 1'b0,
  localparam int unsigned SlotWidth   = $clog2(Slots),
  localparam int unsigned LengthWidth = $clog2(SlotBytes) + 1
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  // From the decoder: bytes as they are stored, then the verdict.
  input  logic                   byte_take_i,
  input  logic [7:0]             byte_data_i,
  input  logic [LengthWidth-1:0] length_i,
  input  logic                   end_i,
  input  logic                   sound_i,
  output logic                   land_o,
  output logic [SlotWidth-1:0]   land_slot_o,
  // One pulse for each request of the open session that arrived whole.
  output logic                   heard_o,

  // To the executor: holds until `exec_done_i`.
  output logic                   exec_valid_o,
  output logic [SlotWidth-1:0]   exec_slot_o,
  input  logic                   exec_done_i,

  // To the encoder: a slot whose response is to be sent.
  output logic                   send_valid_o,
  input  logic                   send_ready_i,
  output logic [SlotWidth-1:0]   send_slot_o
);

  if (Slots < 2 || Slots > 128 || (1 << SlotWidth) != Slots) begin : gen_bad_slots
    $error("lacuna_link_window: Slots is %0d; choose a power of two, 2 to 128", Slots);
  end
  if ((1 << (LengthWidth - 1)) != SlotBytes) begin : gen_bad_slot_bytes
    $error("lacuna_link_window: SlotBytes is %0d; choose a power of two", SlotBytes);
  end

  localparam int unsigned Overhead =
      lacuna_spec_pkg::FrameRequestBytes + lacuna_spec_pkg::FrameCrcBytes;
  localparam int unsigned MaxBeats  = (SlotBytes - Overhead) / WordBytes;
  // Beats may travel compressed: see lacuna_frame_halves.
  localparam bit          Compresses = WordBytes >= lacuna_spec_pkg::FrameHalfBytes;
  localparam int unsigned MaxCompressedRead =
      (SlotBytes - lacuna_spec_pkg::FrameResponseBytes - lacuna_spec_pkg::FrameCrcBytes)
      / (WordBytes + WordBytes / lacuna_spec_pkg::FrameHalfBytes);
  localparam int unsigned BeatShift = $clog2(WordBytes);

  logic [7:0]             base_q, exec_q;
  logic [15:0]            session_q;
  logic [Slots-1:0]       held_q, send_q;
  // Header of the frame that is arriving.
  logic [7:0]             sequence_q, ack_q, op_q, count_q;
  logic [15:0]            stranger_q;
  logic                   land_q;
  logic [SlotWidth-1:0]   sent_q;

  logic [7:0]             number, offset, executed, acked;
  logic                   first, in_header, free, free_now;
  logic                   burst_fits, halves_fit, whole, known, open, accept, again;
  logic [LengthWidth-1:0] expected;
  logic [Slots-1:0]       land_mask, exec_mask, sent_mask;

  // The first byte, the sequence number, decides while it passes.
  assign in_header   = length_i < LengthWidth'(lacuna_spec_pkg::FrameResponseBytes);
  assign first       = length_i == '0;
  assign number      = (first && (Early || byte_take_i)) ? byte_data_i : sequence_q;
  assign offset      = number - base_q;
  assign executed    = exec_q - base_q;
  assign free_now    = offset >= executed && offset < 8'(Slots) && !held_q[land_slot_o];
  assign land_slot_o = number[SlotWidth-1:0];
  // A byte past the slot belongs to no sound frame.
  assign land_o      = byte_take_i && (first ? free : land_q) && !length_i[LengthWidth-1];

  // A request that has just been executed was held before and is below `exec` now, and nothing else
  // changes between two bytes: the decision of one cycle is that of the next.
  if (Early) begin : gen_early
    logic free_q;
    always_ff @(posedge clk_i) free_q <= free_now;
    assign free = free_q;
  end else begin : gen_at_once
    assign free = free_now;
  end

  // The verdict.
  assign burst_fits = count_q != 8'd0 && count_q <= 8'(MaxBeats);
  always_comb begin
    expected = LengthWidth'(Overhead);
    whole    = sound_i && stranger_q != 16'd0 && length_i == expected;
    unique case (op_q)
      lacuna_spec_pkg::FrameHello: whole = whole && count_q == 8'd0;
      lacuna_spec_pkg::FrameRead:  whole = whole && burst_fits;
      lacuna_spec_pkg::FrameReadCompressed: begin
        whole = whole && Compresses && count_q != 8'd0 && count_q <= 8'(MaxCompressedRead);
      end
      lacuna_spec_pkg::FrameWriteCompressed: begin
        whole = sound_i && stranger_q != 16'd0 && count_q != 8'd0 && halves_fit;
      end
      lacuna_spec_pkg::FrameWrite: begin
        expected = LengthWidth'(Overhead) + (LengthWidth'(count_q) << BeatShift);
        whole    = sound_i && stranger_q != 16'd0 && burst_fits && length_i == expected;
      end
      default: whole = 1'b0;
    endcase
  end
  if (Compresses) begin : gen_halves
    lacuna_frame_halves #(.SlotBytes(SlotBytes), .WordBytes(WordBytes)) u_halves (
      .clk_i, .byte_take_i, .byte_data_i, .length_i, .fit_o(halves_fit)
    );
  end else begin : gen_no_halves
    assign halves_fit = 1'b0;
  end
  assign known  = stranger_q == session_q;
  assign heard_o = end_i && whole && known;
  assign open   = end_i && whole && !known && op_q == lacuna_spec_pkg::FrameHello && !exec_valid_o;
  assign accept = heard_o && land_q;
  assign again  = heard_o && offset < executed;
  assign acked  = ack_q - base_q;

  assign exec_slot_o  = exec_q[SlotWidth-1:0];
  assign exec_valid_o = held_q[exec_slot_o];
  // Not in a cycle that may just be cancelling it.
  assign send_valid_o = send_q != '0 && !land_o;
  // The next due slot after the last one sent, so that responses leave in the order of execution.
  always_comb begin
    send_slot_o = '0;
    for (int unsigned s = Slots; s > 0; s--) begin
      if (send_q[s-1]) send_slot_o = SlotWidth'(s - 1);
    end
    for (int unsigned s = Slots; s > 0; s--) begin
      if (send_q[s-1] && SlotWidth'(s - 1) > sent_q) send_slot_o = SlotWidth'(s - 1);
    end
  end

  assign land_mask = Slots'(1) << land_slot_o;
  assign exec_mask = exec_done_i ? Slots'(1) << exec_slot_o : '0;
  assign sent_mask = (send_valid_o && send_ready_i) ? Slots'(1) << send_slot_o : '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      session_q <= 16'd0;
      base_q    <= 8'd0;
      exec_q    <= 8'd0;
      held_q    <= '0;
      send_q    <= '0;
      land_q    <= 1'b0;
    end else if (open) begin
      session_q <= stranger_q;
      base_q    <= sequence_q;
      exec_q    <= sequence_q;
      held_q    <= '0;
      send_q    <= '0;
      land_q    <= 1'b0;
    end else begin
      if (byte_take_i && first) land_q <= free;
      else if (end_i)           land_q <= 1'b0;
      if (heard_o && acked <= executed) base_q <= ack_q;
      exec_q <= exec_q + 8'(exec_done_i);
      held_q <= (held_q & ~exec_mask) | (accept ? land_mask : '0);
      send_q <= ((send_q & ~sent_mask) | exec_mask | (again ? land_mask : '0))
                & ~(land_o ? land_mask : '0);
    end
  end

  always_ff @(posedge clk_i) begin
    if (send_valid_o && send_ready_i) sent_q <= send_slot_o;
    if (byte_take_i && in_header) begin
      unique case (length_i[2:0])
        3'd0:    sequence_q       <= byte_data_i;
        3'd1:    ack_q            <= byte_data_i;
        3'd2:    stranger_q[7:0]  <= byte_data_i;
        3'd3:    stranger_q[15:8] <= byte_data_i;
        3'd4:    op_q             <= byte_data_i;
        3'd5:    count_q          <= byte_data_i;
        default: ;
      endcase
    end
  end

endmodule
