// When a lane issues, and when it ends a vector.
//
// The current vector, a number modulo 8 whose lower bits are its tag, is over when nothing more of
// it can come: the head is of another one, or there is no head and the feeder has handed the vector
// over whole. It then retires, unless the hold registers still keep the vector before.
//
// Contract:   `fed_i` counts vectors handed over whole, at most 4 more than the lane has retired.
//             `busy_o`: the hold registers keep a vector; `freed_i` frees them in its own cycle.
//             `start_i` makes 0 the current vector.
// Throughput: a digit a cycle, a retire shares its cycle with the next vector's first.
// Latency:    none.
module lacuna_vectors (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       start_i,
  input  logic [2:0] fed_i,

  input  logic       empty_i,       // nothing behind the head
  input  logic       head_valid_i,
  input  logic [1:0] head_tag_i,

  input  logic       freed_i,
  output logic       busy_o,

  output logic       issue_o,       // a slot of the head leaves
  output logic       retire_o,
  output logic       starved_o,     // waits for the feeder
  output logic       blocked_o      // could retire but for the hold registers
);

  logic [2:0] vec_q, active;
  logic       busy_q, spent;

  assign spent     = head_valid_i ? (head_tag_i != vec_q[1:0]) : (empty_i && fed_i != vec_q);
  assign retire_o  = spent && (!busy_q || freed_i);
  assign active    = vec_q + 3'(retire_o);
  assign issue_o   = head_valid_i && (head_tag_i == active[1:0]);
  assign busy_o    = busy_q;
  assign starved_o = !head_valid_i && empty_i && fed_i == vec_q;
  assign blocked_o = spent && busy_q && !freed_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      vec_q  <= '0;
      busy_q <= 1'b0;
    end else begin
      vec_q  <= start_i ? '0 : active;
      busy_q <= retire_o || (busy_q && !freed_i);
    end
  end

endmodule
