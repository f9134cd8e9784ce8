// Program memory, sequencer, scoreboard and profile, beside the units that they control.
//
// A chip with several tiles runs a compute job and a reshape on each at the same time. A chip with
// one tile is serial: it runs one job at a time, needs no scoreboard, and holds each instruction
// once.
//
// Contract:   see the parts. Serial: `instr_o` is that of the job until its done and beyond.
//             Accesses of the host to the program are to wait while `fetch_o`.
module lacuna_control #(
  parameter  int unsigned Tiles       = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned Lanes       = lacuna_spec_pkg::BaseLanes,
  parameter  int unsigned TileWords   = lacuna_spec_pkg::BaseTileWords,
  parameter  int unsigned ProgramLen  = lacuna_spec_pkg::BaseProgramLen,
  parameter  bit          Transposer  = lacuna_spec_pkg::BaseTransposer != 0,
  parameter  bit          Monitor     = lacuna_spec_pkg::BaseMonitor != 0,
  localparam int unsigned WordBytes   = 2 * Lanes,
  localparam int unsigned Bits        = 8 * WordBytes,
  localparam int unsigned Beats       = lacuna_spec_pkg::InstrBytes / WordBytes,
  localparam int unsigned BeatBits    = $clog2(Beats),
  localparam int unsigned AddrBits    = $clog2(TileWords * WordBytes),
  localparam int unsigned IndexBits   = $clog2(ProgramLen),
  localparam int unsigned ProgramBits = $clog2(ProgramLen * Beats),
  localparam int unsigned RecordBits  = IndexBits + $clog2(Tiles),
  localparam int unsigned WorkBits    = lacuna_spec_pkg::ProfileBits,
  localparam int unsigned DigitsBits  = $clog2(Lanes + 1)
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,

  // Host: program memory.
  input  logic                             program_wr_en_i,
  input  logic                             program_rd_en_i,
  input  logic [ProgramBits-1:0]           program_addr_i,
  input  logic [Bits-1:0]                  program_wr_data_i,
  output logic [Bits-1:0]                  program_rd_data_o,
  output logic                             fetch_o,

  // Host: profile records, instruction above tile.
  input  logic                             profile_rd_en_i,
  input  logic [RecordBits-1:0]            profile_addr_i,
  input  logic [1:0]                       profile_field_i,
  output logic [WorkBits-1:0]              profile_data_o,

  // Registers.
  input  logic                             start_i,
  input  logic [IndexBits-1:0]             start_index_i,
  input  logic [11:0]                      phase_i,
  input  logic [AddrBits-1:0]              input_offset_i,
  input  logic [AddrBits-1:0]              output_offset_i,
  input  logic [31:0]                      cycle_i,
  output logic                             running_o,
  output logic                             end_o,
  output logic                             fault_o,
  output logic [2:0]                       fault_cause_o,
  output logic                             stall_hazard_o,
  output logic                             stall_load_o,
  output logic [IndexBits-1:0]             index_o,

  // Units; for `compute_*` see lacuna_tile. `work_i` of compute units first. Serial: `worked_i`, the work of each cycle, in its place.
  output logic [511:0]                     instr_o,
  output logic [Tiles-1:0]                 compute_start_o,
  output logic [Tiles-1:0]                 reshape_start_o,
  input  logic [Tiles-1:0]                 compute_occupied_i,
  input  logic [Tiles-1:0]                 compute_waits_i,
  output logic [Tiles-1:0]                 compute_turn_o,
  input  logic [Tiles-1:0]                 compute_begin_i,
  input  logic [Tiles-1:0]                 compute_done_i,
  input  logic [Tiles-1:0]                 reshape_done_i,
  input  logic [2*Tiles-1:0][WorkBits-1:0] work_i,
  input  logic [Tiles-1:0][WorkBits-1:0]   decisions_i,
  input  logic [DigitsBits-1:0]            worked_i,

  // The reshape engine without Transposer: words of the instruction under way, or of its state,
  // which lies beyond the program.
  input  logic                             mem_en_i,
  input  logic                             mem_wr_i,
  input  logic                             mem_state_i,
  input  logic [4:0]                       mem_word_i,
  input  logic [15:0]                      mem_wr_data_i
);

  localparam bit Serial = Tiles == 1;

  logic                   conflict;
  logic [ProgramBits-1:0] fetch_addr;
  logic [Tiles-1:0]       compute_busy, compute_records, reshape_busy;
  logic                   any_busy;

  // The smallest chip keeps it in UP5K's single-port RAM: its block RAM is needed elsewhere.
  logic sequencer_fetch;

  if (!Transposer) begin : gen_single_port
    logic [ProgramBits-1:0] addr, walk_addr;
    logic                   beyond;
    logic [Bits-1:0]        wr_data;

    assign walk_addr = mem_state_i ? ProgramBits'(mem_word_i) : {index_o, mem_word_i[BeatBits-1:0]};
    assign beyond    = mem_en_i && mem_state_i;
    assign fetch_o   = sequencer_fetch || mem_en_i;
    assign wr_data   = {program_wr_data_i[Bits-1:16],
                        mem_en_i ? mem_wr_data_i : program_wr_data_i[15:0]};

    always_comb begin
      addr = program_addr_i;
      if (sequencer_fetch) addr = fetch_addr;
      if (mem_en_i)        addr = walk_addr;
    end

    lacuna_ram_spram #(.Words(2 * ProgramLen * Beats), .WordBytes(WordBytes)) u_program (
      .clk_i,
      .en_i     (fetch_o || program_rd_en_i || program_wr_en_i),
      .addr_i   ({beyond, addr}),
      .wr_be_i  ({WordBytes{program_wr_en_i || mem_wr_i}}),
      .wr_data_i(wr_data),
      .rd_data_o(program_rd_data_o)
    );
  end else begin : gen_two_ports
    logic unused_mem;

    assign unused_mem = ^{mem_en_i, mem_wr_i, mem_state_i, mem_word_i, mem_wr_data_i};
    assign fetch_o    = sequencer_fetch;

    lacuna_ram_1r1w #(.Words(ProgramLen * Beats), .WordBytes(WordBytes)) u_program (
      .clk_i,
      .rd_en_i  (fetch_o || program_rd_en_i),
      .rd_addr_i(fetch_o ? fetch_addr : program_addr_i),
      .rd_data_o(program_rd_data_o),
      .wr_be_i  ({WordBytes{program_wr_en_i}}),
      .wr_addr_i(program_addr_i),
      .wr_data_i(program_wr_data_i)
    );
  end

  lacuna_sequencer #(
    .Tiles(Tiles), .WordBytes(WordBytes), .TileWords(TileWords), .ProgramLen(ProgramLen),
    .Serial(Serial), .Transposer(Transposer)
  ) u_sequencer (
    .clk_i, .rst_ni,
    .start_i, .start_index_i, .phase_i, .input_offset_i, .output_offset_i,
    .running_o, .end_o, .fault_o, .fault_cause_o, .stall_hazard_o, .stall_load_o,
    .fetch_o       (sequencer_fetch),
    .fetch_addr_o  (fetch_addr),
    .fetch_data_i  (program_rd_data_o),
    .instr_o, .index_o,
    .conflict_i    (conflict),
    .compute_busy_i(compute_busy),
    .reshape_busy_i(reshape_busy),
    .any_busy_i    (any_busy),
    .compute_start_o, .reshape_start_o
  );

  assign compute_turn_o = ~compute_records;

  if (Serial) begin : gen_serial
    logic unused;
    assign unused       = ^{work_i, compute_occupied_i, compute_waits_i, compute_begin_i};
    assign conflict     = 1'b0;
    assign compute_busy = compute_records;
    assign reshape_busy = compute_records;
    assign any_busy     = compute_records[0];

    // The tile's decisions are of its own last job.
    logic computes_q;

    always_ff @(posedge clk_i) begin
      if (compute_start_o[0])      computes_q <= 1'b1;
      else if (reshape_start_o[0]) computes_q <= 1'b0;
    end

    lacuna_profile_serial #(
      .Lanes(Lanes), .ProgramLen(ProgramLen), .Monitor(Monitor)
    ) u_profile (
      .clk_i, .rst_ni, .cycle_i,
      .index_i   (index_o),
      .start_i   (compute_start_o[0] || reshape_start_o[0]),
      .done_i    (compute_done_i[0] || reshape_done_i[0]),
      .worked_i,
      .decisions_i(decisions_i[0] & {WorkBits{computes_q}}),
      .busy_o    (compute_records[0]),
      .rd_en_i   (profile_rd_en_i),
      .rd_index_i(profile_addr_i),
      .rd_field_i(profile_field_i),
      .rd_data_o (profile_data_o)
    );
  end else begin : gen_parallel
    logic unused;
    assign unused       = ^worked_i;
    assign compute_busy = compute_occupied_i;
    assign any_busy     = |{compute_occupied_i, compute_records, reshape_busy};

    lacuna_scoreboard #(.Tiles(Tiles), .TileWords(TileWords)) u_scoreboard (
      .clk_i, .rst_ni,
      .head_i         (instr_o[127:0]),
      .compute_start_i(compute_start_o),
      .reshape_start_i(reshape_start_o),
      .waits_i        (compute_waits_i),
      .compute_done_i, .reshape_done_i,
      .conflict_o     (conflict)
    );

    lacuna_profile #(
      .Tiles(Tiles), .ProgramLen(ProgramLen), .Monitor(Monitor)
    ) u_profile (
      .clk_i, .rst_ni, .cycle_i,
      .index_i   (index_o),
      .given_i   (compute_start_o),
      .start_i   ({reshape_start_o, compute_begin_i}),
      .done_i    ({reshape_done_i, compute_done_i}),
      .work_i, .decisions_i,
      .busy_o    ({reshape_busy, compute_records}),
      .rd_en_i   (profile_rd_en_i),
      .rd_addr_i (profile_addr_i),
      .rd_field_i(profile_field_i),
      .rd_data_o (profile_data_o)
    );
  end

endmodule
