// Program memory, sequencer, scoreboard and profile as in the chip; the units are outside.
module control_bench #(
  parameter  int unsigned Tiles      = 4,
  parameter  int unsigned Lanes      = 8,
  parameter  int unsigned TileWords  = 64,
  parameter  int unsigned ProgramLen = 32,
  localparam int unsigned WordBytes  = 2 * Lanes,
  localparam int unsigned Beats      = lacuna_spec_pkg::InstrBytes / WordBytes,
  localparam int unsigned IndexBits  = $clog2(ProgramLen),
  localparam int unsigned BeatBits   = $clog2(ProgramLen * Beats),
  localparam int unsigned RecordBits = IndexBits + $clog2(Tiles),
  localparam int unsigned WorkBits   = lacuna_spec_pkg::ProfileBits
) (
  input  logic                                clk_i,
  input  logic                                rst_ni,

  input  logic                                wr_en_i,
  input  logic [BeatBits-1:0]                 wr_addr_i,
  input  logic [8*WordBytes-1:0]              wr_data_i,

  input  logic                                start_i,
  input  logic [IndexBits-1:0]                start_index_i,
  input  logic [11:0]                         phase_i,
  input  logic [31:0]                         cycle_i,
  input  logic [Tiles-1:0]                    compute_done_i,
  input  logic [Tiles-1:0]                    reshape_done_i,
  input  logic [2*Tiles-1:0][WorkBits-1:0]    work_i,

  output logic                                running_o,
  output logic                                end_o,
  output logic                                fault_o,
  output logic [1:0]                          fault_cause_o,
  output logic                                stall_hazard_o,
  output logic [IndexBits-1:0]                index_o,
  output logic [511:0]                        instr_o,
  output logic [Tiles-1:0]                    compute_start_o,
  output logic [Tiles-1:0]                    reshape_start_o,
  output logic [2*Tiles-1:0]                  busy_o,

  input  logic                                rd_en_i,
  input  logic [RecordBits-1:0]               rd_addr_i,
  input  logic [1:0]                          rd_field_i,
  output logic [WorkBits-1:0]                 rd_data_o
);

  logic                   fetch, conflict;
  logic [BeatBits-1:0]    fetch_addr;
  logic [8*WordBytes-1:0] fetch_data;
  logic [Tiles-1:0]       compute_busy, reshape_busy;

  assign busy_o = {reshape_busy, compute_busy};

  lacuna_ram_1r1w #(.Words(ProgramLen * Beats), .WordBytes(WordBytes)) u_program (
    .clk_i,
    .rd_en_i(fetch), .rd_addr_i(fetch_addr), .rd_data_o(fetch_data),
    .wr_be_i({WordBytes{wr_en_i}}), .wr_addr_i, .wr_data_i
  );

  lacuna_sequencer #(
    .Tiles(Tiles), .WordBytes(WordBytes), .TileWords(TileWords), .ProgramLen(ProgramLen)
  ) u_sequencer (
    .clk_i, .rst_ni,
    .start_i, .start_index_i, .phase_i, .running_o, .end_o, .fault_o, .fault_cause_o,
    .stall_hazard_o,
    .fetch_o(fetch), .fetch_addr_o(fetch_addr), .fetch_data_i(fetch_data),
    .instr_o, .index_o, .conflict_i(conflict),
    .compute_busy_i(compute_busy), .reshape_busy_i(reshape_busy),
    .compute_start_o, .reshape_start_o
  );

  lacuna_scoreboard #(.Tiles(Tiles), .TileWords(TileWords)) u_scoreboard (
    .clk_i, .rst_ni,
    .head_i(instr_o[127:0]),
    .compute_start_i(compute_start_o), .reshape_start_i(reshape_start_o),
    .compute_done_i, .reshape_done_i, .conflict_o(conflict)
  );

  lacuna_profile #(.Tiles(Tiles), .ProgramLen(ProgramLen)) u_profile (
    .clk_i, .rst_ni,
    .cycle_i, .index_i(index_o),
    .start_i({reshape_start_o, compute_start_o}), .done_i({reshape_done_i, compute_done_i}),
    .work_i,
    .busy_o({reshape_busy, compute_busy}),
    .rd_en_i, .rd_addr_i, .rd_field_i, .rd_data_o
  );

endmodule
