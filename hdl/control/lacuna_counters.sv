// Counts what all tiles do, and the programs.
//
// Contract:   all but RUNS are cleared by `clear_i` and then hold the sums of the program's cycles,
//             modulo 2^32. `rd_index_i` is a register; another one than a counter reads as nothing
//             in particular.
// Latency:    of a read, none. An event shows 2 cycles later; a program never ends in the cycle
//             after an event.
module lacuna_counters #(
  parameter  int unsigned Tiles      = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned Lanes      = lacuna_spec_pkg::BaseLanes,
  localparam int unsigned DigitsBits = $clog2(Lanes + 1)
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,

  input  logic                             clear_i,
  input  logic                             running_i,
  input  logic                             end_i,
  // Events of each tile in this cycle.
  input  logic [Tiles-1:0][DigitsBits-1:0] digits_i,
  input  logic [Tiles-1:0]                 stall_feed_i,
  input  logic [Tiles-1:0]                 stall_reduce_i,
  input  logic                             stall_hazard_i,
  input  logic [Tiles-1:0]                 beats_i,
  output logic [31:0]                      cycles_o,

  input  logic [4:0]                       rd_index_i,
  output logic [31:0]                      rd_data_o
);

  localparam int unsigned TileBits = $clog2(Tiles + 1);
  localparam int unsigned CellBits = $clog2(2 * Lanes);  // cells that a digit enables, log2

  logic [31:0] runs_q, cycles_q, digits_q;
  logic [31:0] stall_feed_q, stall_reduce_q, stall_hazard_q, beats_q;

  assign cycles_o = cycles_q;

  always_comb begin
    unique case ({27'd0, rd_index_i})
      lacuna_spec_pkg::RegRuns:        rd_data_o = runs_q;
      lacuna_spec_pkg::RegDigits:      rd_data_o = digits_q;
      lacuna_spec_pkg::RegCells:       rd_data_o = digits_q << CellBits;
      lacuna_spec_pkg::RegStallFeed:   rd_data_o = stall_feed_q;
      lacuna_spec_pkg::RegStallReduce: rd_data_o = stall_reduce_q;
      lacuna_spec_pkg::RegStallHazard: rd_data_o = stall_hazard_q;
      default:                         rd_data_o = beats_q;
    endcase
  end

  // What all tiles did in a cycle is summed in one and counted in the next.
  logic [31:0]         digits, digits_sum_q;
  logic [TileBits-1:0] feed, reduce, beats, feed_sum_q, reduce_sum_q, beats_sum_q;

  always_comb begin
    digits = '0;
    feed   = '0;
    reduce = '0;
    beats  = '0;
    for (int unsigned t = 0; t < Tiles; t++) begin
      digits = digits + 32'(digits_i[t]);
      feed   = feed + TileBits'(stall_feed_i[t]);
      reduce = reduce + TileBits'(stall_reduce_i[t]);
      beats  = beats + TileBits'(beats_i[t]);
    end
  end

  always_ff @(posedge clk_i) begin
    digits_sum_q <= digits;
    feed_sum_q   <= feed;
    reduce_sum_q <= reduce;
    beats_sum_q  <= beats;
    if (clear_i || !rst_ni) begin
      cycles_q       <= '0;
      digits_q       <= '0;
      stall_feed_q   <= '0;
      stall_reduce_q <= '0;
      stall_hazard_q <= '0;
      beats_q        <= '0;
    end else begin
      cycles_q       <= cycles_q + 32'(running_i);
      digits_q       <= digits_q + digits_sum_q;
      stall_feed_q   <= stall_feed_q + 32'(feed_sum_q);
      stall_reduce_q <= stall_reduce_q + 32'(reduce_sum_q);
      stall_hazard_q <= stall_hazard_q + 32'(stall_hazard_i);
      beats_q        <= beats_q + 32'(beats_sum_q);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni)    runs_q <= '0;
    else if (end_i) runs_q <= runs_q + 32'd1;
  end

endmodule
