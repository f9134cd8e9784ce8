// Registers and counters: hdl/pkg/REGISTERS.md.
//
// Offsets are kept modulo the tile memory. PHASE keeps 12 bits, the most that `load` can ask for; a
// larger value is kept as 4095. RUNS also counts programs that a fault ended.
//
// Contract:   a write acts at the end of its cycle; a START while running, and writes to registers
//             that are read only, do nothing. A read is combinational; `known_o` is 0 at an index
//             without a register. Counters hold the sums of the program's cycles, and are cleared
//             by a start.
module lacuna_registers #(
  parameter  int unsigned Tiles         = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned Lanes         = lacuna_spec_pkg::BaseLanes,
  parameter  int unsigned Pages         = lacuna_spec_pkg::BasePages,
  parameter  int unsigned DigitBits     = lacuna_spec_pkg::BaseDigitBits,
  parameter  int unsigned TileWords     = lacuna_spec_pkg::BaseTileWords,
  parameter  int unsigned ReduceColumns = lacuna_spec_pkg::BaseReduceColumns,
  parameter  int unsigned AccBits       = lacuna_spec_pkg::BaseAccBits,
  parameter  int unsigned ProgramLen    = lacuna_spec_pkg::BaseProgramLen,
  parameter  int unsigned DepthwiseTaps = lacuna_spec_pkg::BaseDepthwiseTaps,
  localparam int unsigned AddrBits      = $clog2(TileWords * 2 * Lanes),
  localparam int unsigned IndexBits     = $clog2(ProgramLen),
  localparam int unsigned DigitsBits    = $clog2(Lanes + 1),
  localparam int unsigned CellsBits     = $clog2(2 * Lanes * Lanes + 1)
) (
  input  logic                              clk_i,
  input  logic                              rst_ni,

  input  logic                              wr_en_i,
  input  logic [31:0]                       wr_data_i,
  input  logic [4:0]                        index_i,
  output logic                              known_o,
  output logic [31:0]                       rd_data_o,

  output logic                              start_o,
  output logic [IndexBits-1:0]              start_index_o,
  output logic [11:0]                       phase_o,
  // Of the program; sampled at its start.
  output logic [AddrBits-1:0]               input_offset_o,
  output logic [AddrBits-1:0]               output_offset_o,
  output logic [31:0]                       cycles_o,

  input  logic                              running_i,
  input  logic                              end_i,
  input  logic                              fault_i,
  input  logic [1:0]                        fault_cause_i,
  input  logic [IndexBits-1:0]              fault_index_i,

  // Events of each tile in this cycle.
  input  logic [Tiles-1:0][DigitsBits-1:0]  digits_i,
  input  logic [Tiles-1:0][CellsBits-1:0]   cells_i,
  input  logic [Tiles-1:0]                  stall_feed_i,
  input  logic [Tiles-1:0]                  stall_reduce_i,
  input  logic                              stall_hazard_i,
  input  logic [Tiles-1:0]                  beats_i
);

  localparam int unsigned TileBits = $clog2(Tiles + 1);

  logic                 start;
  logic                 fault_q;
  logic [1:0]           cause_q;
  logic [IndexBits-1:0] fault_index_q;
  logic [31:0]          runs_q, cycles_q, digits_q, cells_q;
  logic [31:0]          stall_feed_q, stall_reduce_q, stall_hazard_q, beats_q;
  logic [11:0]          phase_q;
  logic [AddrBits-1:0]  input_q, output_q, input_start_q, output_start_q;

  logic [31:0] index;
  assign index = {27'd0, index_i};

  assign start           = wr_en_i && (index == lacuna_spec_pkg::RegStart) && !running_i;
  assign start_o         = start;
  assign start_index_o   = wr_data_i[IndexBits-1:0];
  assign phase_o         = phase_q;
  assign input_offset_o  = input_start_q;
  assign output_offset_o = output_start_q;
  assign cycles_o        = cycles_q;

  logic [31:0] fault;
  assign fault = {14'd0, cause_q, 16'(fault_index_q)} & {32{fault_q}};

  always_comb begin
    known_o   = 1'b1;
    rd_data_o = '0;
    unique case (index)
      lacuna_spec_pkg::RegMagic:         rd_data_o = lacuna_spec_pkg::MagicValue;
      lacuna_spec_pkg::RegLayoutHash:    rd_data_o = lacuna_spec_pkg::LayoutHash;
      lacuna_spec_pkg::RegTiles:         rd_data_o = Tiles;
      lacuna_spec_pkg::RegLanes:         rd_data_o = Lanes;
      lacuna_spec_pkg::RegPages:         rd_data_o = Pages;
      lacuna_spec_pkg::RegDigitBits:     rd_data_o = DigitBits;
      lacuna_spec_pkg::RegTileWords:     rd_data_o = TileWords;
      lacuna_spec_pkg::RegProgramLen:    rd_data_o = ProgramLen;
      lacuna_spec_pkg::RegAccBits:       rd_data_o = AccBits;
      lacuna_spec_pkg::RegReduceColumns: rd_data_o = ReduceColumns;
      lacuna_spec_pkg::RegDepthwiseTaps: rd_data_o = DepthwiseTaps;
      lacuna_spec_pkg::RegStart:         rd_data_o = '0;
      lacuna_spec_pkg::RegStatus:        rd_data_o = {30'd0, fault_q, running_i};
      lacuna_spec_pkg::RegRuns:          rd_data_o = runs_q;
      lacuna_spec_pkg::RegInputOffset:   rd_data_o = 32'(input_q);
      lacuna_spec_pkg::RegOutputOffset:  rd_data_o = 32'(output_q);
      lacuna_spec_pkg::RegPhase:         rd_data_o = 32'(phase_q);
      lacuna_spec_pkg::RegFault:         rd_data_o = fault;
      lacuna_spec_pkg::RegCycles:        rd_data_o = cycles_q;
      lacuna_spec_pkg::RegDigits:        rd_data_o = digits_q;
      lacuna_spec_pkg::RegCells:         rd_data_o = cells_q;
      lacuna_spec_pkg::RegStallFeed:     rd_data_o = stall_feed_q;
      lacuna_spec_pkg::RegStallReduce:   rd_data_o = stall_reduce_q;
      lacuna_spec_pkg::RegStallHazard:   rd_data_o = stall_hazard_q;
      lacuna_spec_pkg::RegReshapeBeats:  rd_data_o = beats_q;
      default:                           known_o = 1'b0;
    endcase
  end

  // What all tiles did in a cycle is summed in one and counted in the next; a program never ends in
  // the cycle after an event.
  logic [31:0]         digits, cells, digits_sum_q, cells_sum_q;
  logic [TileBits-1:0] feed, reduce, beats, feed_sum_q, reduce_sum_q, beats_sum_q;

  always_comb begin
    digits = '0;
    cells  = '0;
    feed   = '0;
    reduce = '0;
    beats  = '0;
    for (int unsigned t = 0; t < Tiles; t++) begin
      digits = digits + 32'(digits_i[t]);
      cells  = cells + 32'(cells_i[t]);
      feed   = feed + TileBits'(stall_feed_i[t]);
      reduce = reduce + TileBits'(stall_reduce_i[t]);
      beats  = beats + TileBits'(beats_i[t]);
    end
  end

  always_ff @(posedge clk_i) begin
    digits_sum_q <= digits;
    cells_sum_q  <= cells;
    feed_sum_q   <= feed;
    reduce_sum_q <= reduce;
    beats_sum_q  <= beats;
    if (start || !rst_ni) begin
      cycles_q       <= '0;
      digits_q       <= '0;
      cells_q        <= '0;
      stall_feed_q   <= '0;
      stall_reduce_q <= '0;
      stall_hazard_q <= '0;
      beats_q        <= '0;
    end else begin
      cycles_q       <= cycles_q + 32'(running_i);
      digits_q       <= digits_q + digits_sum_q;
      cells_q        <= cells_q + cells_sum_q;
      stall_feed_q   <= stall_feed_q + 32'(feed_sum_q);
      stall_reduce_q <= stall_reduce_q + 32'(reduce_sum_q);
      stall_hazard_q <= stall_hazard_q + 32'(stall_hazard_i);
      beats_q        <= beats_q + 32'(beats_sum_q);
    end
  end

  always_ff @(posedge clk_i) begin
    if (start) begin
      input_start_q  <= input_q;
      output_start_q <= output_q;
    end
    if (fault_i) begin
      cause_q       <= fault_cause_i;
      fault_index_q <= fault_index_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fault_q  <= 1'b0;
      runs_q   <= '0;
      input_q  <= '0;
      output_q <= '0;
      phase_q  <= '0;
    end else begin
      if (start)        fault_q <= 1'b0;
      else if (fault_i) fault_q <= 1'b1;
      if (end_i) runs_q <= runs_q + 32'd1;
      if (wr_en_i && (index == lacuna_spec_pkg::RegInputOffset)) begin
        input_q <= wr_data_i[AddrBits-1:0];
      end
      if (wr_en_i && (index == lacuna_spec_pkg::RegOutputOffset)) begin
        output_q <= wr_data_i[AddrBits-1:0];
      end
      if (wr_en_i && (index == lacuna_spec_pkg::RegPhase)) begin
        phase_q <= (wr_data_i[31:12] != '0) ? '1 : wr_data_i[11:0];
      end
    end
  end

endmodule
