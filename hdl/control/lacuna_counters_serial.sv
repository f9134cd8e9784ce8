// lacuna_counters of a chip that runs one job at a time: sums in a RAM, and one adder.
//
// What happened lately is held in a few bits a counter; each in its turn is added to its sum. A
// read takes a turn, so that it sees all of them.
//
// Contract:   as lacuna_counters, but a read is asked for with `rd_en_i` until `rd_gnt_o`, and not
//             in two cycles running; no job is held back, so STALL_HAZARD is 0.
// Latency:    of a read, one cycle from its grant, with `rd_index_i` held.
module lacuna_counters_serial #(
  parameter  int unsigned Lanes      = lacuna_spec_pkg::NanoLanes,
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

  // Where a sum lies.
  localparam logic [2:0] Digits = 3'd0;
  localparam logic [2:0] Feed   = 3'd1;
  localparam logic [2:0] Reduce = 3'd2;
  localparam logic [2:0] Beats  = 3'd3;
  localparam logic [2:0] Runs   = 3'd4;
  localparam logic [2:0] None   = 3'd5;

  logic [2:0] place;
  logic       times_cells;

  assign times_cells = {27'd0, rd_index_i} == lacuna_spec_pkg::RegCells;

  always_comb begin
    unique case ({27'd0, rd_index_i})
      lacuna_spec_pkg::RegRuns:        place = Runs;
      lacuna_spec_pkg::RegStallFeed:   place = Feed;
      lacuna_spec_pkg::RegStallReduce: place = Reduce;
      lacuna_spec_pkg::RegStallHazard: place = None;
      lacuna_spec_pkg::RegReshapeBeats: place = Beats;
      default:                         place = Digits;
    endcase
  end

  // A turn: its sum is read, then written back. A sum that is under way, or is to be next, is not
  // read again.
  logic [2:0]  turn_q, at_q;
  logic        rd_now, clear_q, clear_runs_q;
  logic [31:0] old, sum;

  assign rd_gnt_o = (place != at_q) && (place != turn_q);
  assign rd_now   = rd_en_i && rd_gnt_o;

  // Not in a sum yet.
  logic [DigitsBits+LateBits-1:0] digits_q, late;
  logic [LateBits-1:0]            feed_q, reduce_q, beats_q;
  logic                           ended_q, zero;

  always_comb begin
    unique case (at_q)
      Digits:  late = digits_q;
      Feed:    late = (DigitsBits + LateBits)'(feed_q);
      Reduce:  late = (DigitsBits + LateBits)'(reduce_q);
      Beats:   late = (DigitsBits + LateBits)'(beats_q);
      Runs:    late = (DigitsBits + LateBits)'(ended_q);
      default: late = '0;
    endcase
  end

  // After a clear each sum becomes 0 in its turn. Nothing is counted so early.
  assign zero      = (at_q == Runs) ? clear_runs_q : clear_q;
  assign sum       = (old + 32'(late)) & {32{!zero}};
  assign rd_data_o = times_cells ? sum << CellBits : sum;

  lacuna_ram_1r1w #(.Words(8), .WordBytes(4)) u_sums (
    .clk_i,
    .rd_en_i  (1'b1),
    .rd_addr_i(rd_now ? place : turn_q),
    .rd_data_o(old),
    .wr_be_i  (4'hf),
    .wr_addr_i(at_q),
    .wr_data_i(sum)
  );

  always_ff @(posedge clk_i) begin
    at_q <= (clear_i || !rst_ni) ? '0 : rd_now ? place : turn_q;
    if (clear_i || !rst_ni) turn_q <= '0;
    else if (!rd_now)       turn_q <= turn_q + 3'd1;
    if (clear_i || !rst_ni) clear_q <= 1'b1;
    else if (at_q == '1)    clear_q <= 1'b0;
    if (!rst_ni)         clear_runs_q <= 1'b1;
    else if (at_q == '1) clear_runs_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (clear_i || !rst_ni) begin
      digits_q <= '0;
      feed_q   <= '0;
      reduce_q <= '0;
      beats_q  <= '0;
      cycles_o <= '0;
    end else begin
      digits_q <= (digits_q & {DigitsBits + LateBits{at_q != Digits}})
                + (DigitsBits + LateBits)'(digits_i);
      feed_q   <= (feed_q & {LateBits{at_q != Feed}}) + LateBits'(stall_feed_i);
      reduce_q <= (reduce_q & {LateBits{at_q != Reduce}}) + LateBits'(stall_reduce_i);
      beats_q  <= (beats_q & {LateBits{at_q != Beats}}) + LateBits'(beats_i);
      cycles_o <= cycles_o + 32'(running_i);
    end
    if (!rst_ni) ended_q <= 1'b0;
    else         ended_q <= end_i || (ended_q && (at_q != Runs));
  end

endmodule
