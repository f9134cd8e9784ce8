// Registers and counters: hdl/pkg/REGISTERS.md.
//
// Offsets are kept modulo the tile memory. PHASE keeps 12 bits, the most that `load` can ask for; a
// larger value is kept as 4095. RUNS also counts programs that a fault ended.
//
// Contract:   a write acts at the end of its cycle; a START while running, and writes to registers
//             that are read only, do nothing. A read is asked for with `rd_en_i`; its data is
//             there in the cycle after `rd_gnt_o`, while `index_i` is held. `known_o` is 0 at an
//             index without a register. Counters hold the sums of the program's cycles, and are
//             cleared by a start.
module lacuna_registers #(
  parameter  int unsigned Tiles         = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned Lanes         = lacuna_spec_pkg::BaseLanes,
  parameter  int unsigned Pages         = lacuna_spec_pkg::BasePages,
  parameter  int unsigned DigitBits     = lacuna_spec_pkg::BaseDigitBits,
  parameter  int unsigned TileWords     = lacuna_spec_pkg::BaseTileWords,
  parameter  int unsigned ReduceColumns = lacuna_spec_pkg::BaseReduceColumns,
  parameter  int unsigned Slack         = lacuna_spec_pkg::BaseSlack,
  parameter  int unsigned AccBits       = lacuna_spec_pkg::BaseAccBits,
  parameter  int unsigned ProgramLen    = lacuna_spec_pkg::BaseProgramLen,
  parameter  int unsigned DepthwiseTaps = lacuna_spec_pkg::BaseDepthwiseTaps,
  parameter  bit          Transposer    = lacuna_spec_pkg::BaseTransposer != 0,
  parameter  bit          Monitor       = lacuna_spec_pkg::BaseMonitor != 0,
  localparam int unsigned AddrBits      = $clog2(TileWords * 2 * Lanes),
  localparam int unsigned IndexBits     = $clog2(ProgramLen),
  localparam int unsigned DigitsBits    = $clog2(Lanes + 1)
) (
  input  logic                              clk_i,
  input  logic                              rst_ni,

  input  logic                              wr_en_i,
  input  logic [31:0]                       wr_data_i,
  input  logic                              rd_en_i,
  output logic                              rd_gnt_o,
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
  input  logic [2:0]                        fault_cause_i,
  // The instruction under check or dispatch.
  input  logic [IndexBits-1:0]              instr_index_i,

  // Events of each tile in this cycle.
  input  logic [Tiles-1:0][DigitsBits-1:0]  digits_i,
  input  logic [Tiles-1:0]                  stall_feed_i,
  input  logic [Tiles-1:0]                  stall_reduce_i,
  input  logic                              stall_hazard_i,
  input  logic                              stall_load_i,
  input  logic [Tiles-1:0]                  beats_i
);

  logic                 start;
  logic                 fault_q;
  logic [2:0]           cause_q;
  logic [IndexBits-1:0] fault_index_q;
  logic [31:0]          counter;
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

  logic        counts;
  logic [31:0] fault;
  assign counts = running_i && !stall_load_i;
  assign fault  = {13'd0, cause_q, 16'(fault_index_q)} & {32{fault_q}};

  // What never changes, word by word.
  localparam logic [511:0] Constants =
      (512'(lacuna_spec_pkg::MagicValue) << (32 * lacuna_spec_pkg::RegMagic))
    | (512'(lacuna_spec_pkg::LayoutHash) << (32 * lacuna_spec_pkg::RegLayoutHash))
    | (512'(Tiles)         << (32 * lacuna_spec_pkg::RegTiles))
    | (512'(Lanes)         << (32 * lacuna_spec_pkg::RegLanes))
    | (512'(Pages)         << (32 * lacuna_spec_pkg::RegPages))
    | (512'(DigitBits)     << (32 * lacuna_spec_pkg::RegDigitBits))
    | (512'(TileWords)     << (32 * lacuna_spec_pkg::RegTileWords))
    | (512'(ProgramLen)    << (32 * lacuna_spec_pkg::RegProgramLen))
    | (512'(AccBits)       << (32 * lacuna_spec_pkg::RegAccBits))
    | (512'(ReduceColumns) << (32 * lacuna_spec_pkg::RegReduceColumns))
    | (512'(DepthwiseTaps) << (32 * lacuna_spec_pkg::RegDepthwiseTaps))
    | (512'(Transposer)    << (32 * lacuna_spec_pkg::RegTransposer))
    | (512'(Monitor)       << (32 * lacuna_spec_pkg::RegMonitor))
    | (512'(Slack)         << (32 * lacuna_spec_pkg::RegSlack));

  logic [31:0] constant;

  always_comb begin
    known_o   = 1'b1;
    rd_data_o = '0;
    unique case (index)
      lacuna_spec_pkg::RegMagic, lacuna_spec_pkg::RegLayoutHash, lacuna_spec_pkg::RegTiles,
      lacuna_spec_pkg::RegLanes, lacuna_spec_pkg::RegPages, lacuna_spec_pkg::RegDigitBits,
      lacuna_spec_pkg::RegTileWords, lacuna_spec_pkg::RegProgramLen, lacuna_spec_pkg::RegAccBits,
      lacuna_spec_pkg::RegReduceColumns, lacuna_spec_pkg::RegDepthwiseTaps,
      lacuna_spec_pkg::RegTransposer, lacuna_spec_pkg::RegMonitor, lacuna_spec_pkg::RegSlack:
                                         rd_data_o = constant;
      lacuna_spec_pkg::RegStart:         rd_data_o = '0;
      lacuna_spec_pkg::RegStatus:        rd_data_o = {30'd0, fault_q, running_i};
      lacuna_spec_pkg::RegInputOffset:   rd_data_o = 32'(input_q);
      lacuna_spec_pkg::RegOutputOffset:  rd_data_o = 32'(output_q);
      lacuna_spec_pkg::RegPhase:         rd_data_o = 32'(phase_q);
      lacuna_spec_pkg::RegFault:         rd_data_o = fault;
      lacuna_spec_pkg::RegCycles:        rd_data_o = cycles_o;
      lacuna_spec_pkg::RegInstruction:   rd_data_o = 32'(instr_index_i) & {32{running_i}};
      lacuna_spec_pkg::RegRuns, lacuna_spec_pkg::RegDigits, lacuna_spec_pkg::RegCells,
      lacuna_spec_pkg::RegStallFeed, lacuna_spec_pkg::RegStallReduce,
      lacuna_spec_pkg::RegStallHazard, lacuna_spec_pkg::RegReshapeBeats:
                                         rd_data_o = counter;
      default:                           known_o = 1'b0;
    endcase
  end

  if (Tiles == 1) begin : gen_serial
    logic unused;
    assign unused   = stall_hazard_i;
    assign constant = counter;

    lacuna_counters_serial #(.Lanes(Lanes), .Constants(Constants)) u_counters (
      .clk_i, .rst_ni,
      .clear_i(start), .running_i(counts), .end_i,
      .digits_i(digits_i[0]), .stall_feed_i(stall_feed_i[0]), .stall_reduce_i(stall_reduce_i[0]),
      .beats_i(beats_i[0]), .cycles_o,
      .rd_en_i, .rd_gnt_o, .rd_index_i(index_i), .rd_data_o(counter)
    );
  end else begin : gen_parallel
    logic unused;
    assign unused   = rd_en_i;
    assign rd_gnt_o = 1'b1;
    assign constant = Constants[32*index_i[3:0] +: 32];

    lacuna_counters #(.Tiles(Tiles), .Lanes(Lanes)) u_counters (
      .clk_i, .rst_ni,
      .clear_i(start), .running_i(counts), .end_i,
      .digits_i, .stall_feed_i, .stall_reduce_i, .stall_hazard_i, .beats_i, .cycles_o,
      .rd_index_i(index_i), .rd_data_o(counter)
    );
  end

  always_ff @(posedge clk_i) begin
    if (start) begin
      input_start_q  <= input_q;
      output_start_q <= output_q;
    end
    if (fault_i) begin
      cause_q       <= fault_cause_i;
      fault_index_q <= instr_index_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      fault_q  <= 1'b0;
      input_q  <= '0;
      output_q <= '0;
      phase_q  <= '0;
    end else begin
      if (start)        fault_q <= 1'b0;
      else if (fault_i) fault_q <= 1'b1;
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
