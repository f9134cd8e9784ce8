// lacuna_counters of a chip that runs one job at a time: sums in a RAM, and one adder.
//
// What happened lately is held in a few bits a counter; each in its turn is added to its sum. A
// read takes a turn, so that it sees all of them. Sums lie in the RAM at their registers, and what
// registers are constant lies below them.
//
// Contract:   as lacuna_counters, but a read is asked for with `rd_en_i` until `rd_gnt_o`, and not
//             in two cycles running; no job is held back, so STALL_HAZARD is 0. Register i < 16
//             reads as word i of `Constants`.
// Latency:    of a read, one cycle from its grant, with `rd_index_i` held.
module lacuna_counters_serial #(
  parameter  int unsigned Lanes      = lacuna_spec_pkg::NanoLanes,
  parameter  logic [16*32-1:0] Constants = '0,
  localparam int unsigned DigitsBits = $clog2(Lanes + 1)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic                  clear_i,
  input  logic                  running_i,
  input  logic                  end_i,
  // Events in this cycle.
  input  logic [DigitsBits-1:0] digits_i,
  input  logic                  stall_feed_i,
  input  logic                  stall_reduce_i,
  input  logic                  beats_i,
  output logic [31:0]           cycles_o,

  input  logic                  rd_en_i,
  output logic                  rd_gnt_o,
  input  logic [4:0]            rd_index_i,
  output logic [31:0]           rd_data_o
);

  localparam int unsigned CellBits = $clog2(2 * Lanes);  // cells that a digit enables, log2
  // Turns come round every 8 cycles, or 16 with a read before each; so many events pile up.
  localparam int unsigned LateBits = 5;

  localparam int unsigned DueBits  = DigitsBits + LateBits;

  // Where sums lie: the last eight words take turns.
  localparam logic [4:0] Digits = 5'(lacuna_spec_pkg::RegDigits);
  localparam logic [4:0] Cells  = 5'(lacuna_spec_pkg::RegCells);
  localparam logic [4:0] Feed   = 5'(lacuna_spec_pkg::RegStallFeed);
  localparam logic [4:0] Reduce = 5'(lacuna_spec_pkg::RegStallReduce);
  localparam logic [4:0] Beats  = 5'(lacuna_spec_pkg::RegReshapeBeats);
  // RUNS is beyond them, INSTRUCTION has no sum.
  localparam logic [4:0] Runs   = 5'(lacuna_spec_pkg::RegInstruction);
  // START has none either, and reads as 0.
  localparam logic [4:0] Zero   = 5'(lacuna_spec_pkg::RegStart);

  if ((Digits & Cells & Feed & Reduce & Beats & Runs) < 5'd24 || Zero >= 5'd24) begin : gen_bad_map
    $error("lacuna_counters_serial: a counter's register is below 24, or START is not");
  end

  // A turn: its sum is read, then written back. A sum that is under way, or is to be next, is not
  // read again.
  logic [2:0]  turn_q;
  logic [4:0]  turn, place, next, at_q;
  logic        rd_now, clear_q, clear_runs_q, cleared;
  logic [31:0] old, sum;

  assign turn     = {2'b11, turn_q};
  assign place    = ({27'd0, rd_index_i} == lacuna_spec_pkg::RegRuns) ? Runs : rd_index_i;
  assign rd_gnt_o = (place != at_q) && (place != turn);
  assign rd_now   = rd_en_i && rd_gnt_o;
  assign next     = rd_now ? place : turn;
  // After a clear each sum starts from 0 in its turn.
  assign cleared  = (next[4:3] == 2'b11) && ((next == Runs) ? clear_runs_q : clear_q);

  // Not in a sum yet.
  logic [DueBits-1:0]          digits_q, cells_q;
  logic [LateBits-1:0]         feed_q, reduce_q, beats_q;
  logic                        ended_q;
  logic [DueBits+CellBits-1:0] late;

  always_comb begin
    unique case (at_q)
      Digits:  late = (DueBits + CellBits)'(digits_q);
      Cells:   late = {cells_q, {CellBits{1'b0}}};
      Feed:    late = (DueBits + CellBits)'(feed_q);
      Reduce:  late = (DueBits + CellBits)'(reduce_q);
      Beats:   late = (DueBits + CellBits)'(beats_q);
      Runs:    late = (DueBits + CellBits)'(ended_q);
      default: late = '0;
    endcase
  end

  assign sum       = old + 32'(late);
  assign rd_data_o = sum;

  lacuna_ram_filled #(.Words(32), .WordBytes(4), .Filling({512'd0, Constants})) u_sums (
    .clk_i,
    .rd_addr_i(cleared ? Zero : next),
    .rd_data_o(old),
    .wr_en_i  (at_q[4:3] == 2'b11),
    .wr_addr_i(at_q),
    .wr_data_i(sum)
  );

  always_ff @(posedge clk_i) begin
    at_q <= (clear_i || !rst_ni) ? '0 : next;
    if (clear_i || !rst_ni) turn_q <= '0;
    else if (!rd_now)       turn_q <= turn_q + 3'd1;
    if (clear_i || !rst_ni)             clear_q <= 1'b1;
    else if (!rd_now && (turn_q == '1)) clear_q <= 1'b0;
    if (!rst_ni)                        clear_runs_q <= 1'b1;
    else if (!rd_now && (turn_q == '1)) clear_runs_q <= 1'b0;
  end

  lacuna_tally u_cycles (
    .clk_i,
    .begin_i(clear_i || !rst_ni),
    .add_i  (8'(running_i)),
    .sum_o  (cycles_o)
  );

  always_ff @(posedge clk_i) begin
    if (clear_i || !rst_ni) begin
      digits_q <= '0;
      cells_q  <= '0;
      feed_q   <= '0;
      reduce_q <= '0;
      beats_q  <= '0;
    end else begin
      digits_q <= (at_q == Digits) ? DueBits'(digits_i) : digits_q + DueBits'(digits_i);
      cells_q  <= (at_q == Cells)  ? DueBits'(digits_i) : cells_q + DueBits'(digits_i);
      feed_q   <= (at_q == Feed)   ? LateBits'(stall_feed_i)
                                   : feed_q + LateBits'(stall_feed_i);
      reduce_q <= (at_q == Reduce) ? LateBits'(stall_reduce_i)
                                   : reduce_q + LateBits'(stall_reduce_i);
      beats_q  <= (at_q == Beats)  ? LateBits'(beats_i) : beats_q + LateBits'(beats_i);
    end
    if (!rst_ni) ended_q <= 1'b0;
    else         ended_q <= end_i || (ended_q && (at_q != Runs));
  end

endmodule
