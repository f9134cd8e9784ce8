// When a lane issues, and when it ends a vector.
//
// The current vector, a number whose lower bits are its tag, is over when nothing more of
// it can come: the head is of another one, or there is no head and the feeder has handed the vector
// over whole. It then retires, unless the hold registers still keep Slack vectors before it.
//
// Contract:   `fed_i` counts vectors handed over whole, at most
//             lacuna_pkg::vectors_in_flight(Slack) more than the lane has retired. `busy_o`: the
//             hold registers keep a vector; `freed_i` frees those of the oldest in its own cycle.
//             `start_i` makes 0 the current vector.
// Throughput: a digit a cycle, a retire shares its cycle with the next vector's first.
// Latency:    none.
module lacuna_vectors #(
  parameter  int unsigned Slack   = 1,
  localparam int unsigned TagBits = lacuna_pkg::tag_bits(Slack)
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               start_i,
  input  logic [TagBits:0]   fed_i,

  input  logic               empty_i,       // nothing behind the head
  input  logic               head_valid_i,
  input  logic [TagBits-1:0] head_tag_i,

  input  logic               freed_i,
  output logic               busy_o,

  output logic               issue_o,       // a slot of the head leaves
  output logic               retire_o,
  output logic               starved_o,     // waits for the feeder
  output logic               blocked_o      // could retire but for the hold registers
);

  localparam int unsigned HeldBits = $clog2(Slack + 1);

  logic [TagBits:0]    vec_q, active;
  logic [HeldBits-1:0] held_q, held_d;  // vectors in the hold registers
  logic                full, spent;

  assign full      = held_q == HeldBits'(Slack);
  assign spent     = head_valid_i ? (head_tag_i != vec_q[TagBits-1:0])
                                  : (empty_i && fed_i != vec_q);
  assign retire_o  = spent && (!full || freed_i);
  assign active    = vec_q + (TagBits + 1)'(retire_o);
  assign issue_o   = head_valid_i && (head_tag_i == active[TagBits-1:0]);
  assign busy_o    = held_q != '0;
  assign starved_o = !head_valid_i && empty_i && fed_i == vec_q;
  assign blocked_o = spent && full && !freed_i;

  if (Slack == 1) begin : gen_one
    assign held_d = retire_o || (full && !freed_i);
  end else begin : gen_some
    assign held_d = held_q + HeldBits'(retire_o) - HeldBits'(freed_i);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      vec_q  <= '0;
      held_q <= '0;
    end else begin
      vec_q  <= start_i ? '0 : active;
      held_q <= held_d;
    end
  end

`ifdef LACUNA_CHECK
  always_ff @(posedge clk_i) begin
    if (rst_ni) assert (!freed_i || held_q != '0);
  end
`endif

endmodule
