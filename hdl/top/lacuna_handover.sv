// A tile's jobs: the one that the feeder is at, and the one of monitor, macro and post unit.
//
// Contract:   `start_i` comes beside `instr_i`. The feeder has that job from the cycle after on
//             (`feeder_start_o`, `feeder_instr_o`); the others `begin_o` it, with `instr_o`, when
//             `turn_i`, and until then it waits (`waits_o`). `busy_o`: they are at a job, until
//             `done_i`.
// Latency:    2 cycles from `start_i` to `begin_o` where it is its turn; 1 without Hold.
module lacuna_handover #(
  // Keep copies of the instructions; else `instr_i` is held until `done_i`, before which there is
  // no start, and all units begin one cycle after it.
  parameter bit Hold = 1'b1
) (
  input  logic         clk_i,
  input  logic         rst_ni,

  input  logic         start_i,
  input  logic [511:0] instr_i,
  input  logic         turn_i,
  input  logic         done_i,

  output logic         feeder_start_o,
  output logic [511:0] feeder_instr_o,
  output logic         waits_o,
  output logic         begin_o,
  output logic [511:0] instr_o,
  output logic         busy_o
);

  logic begins;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      feeder_start_o <= 1'b0;
      busy_o         <= 1'b0;
    end else begin
      feeder_start_o <= start_i;
      busy_o         <= begins || (busy_o && !done_i);
    end
  end

  if (Hold) begin : gen_hold
    assign begins = waits_o && turn_i;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        waits_o <= 1'b0;
        begin_o <= 1'b0;
      end else begin
        waits_o <= start_i || (waits_o && !begins);
        begin_o <= begins;
      end
    end

    always_ff @(posedge clk_i) begin
      if (start_i) feeder_instr_o <= instr_i;
      if (begins) instr_o <= feeder_instr_o;
    end
  end else begin : gen_held
    logic unused;
    assign unused         = turn_i;
    assign begins         = start_i;
    assign waits_o        = 1'b0;
    assign begin_o        = feeder_start_o;
    assign feeder_instr_o = instr_i;
    assign instr_o        = instr_i;
  end

endmodule
