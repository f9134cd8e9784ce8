// The chip without its link: tiles, reshape engines and route, control, and the host bus.
//
// Contract:   requests of hdl/README.md, "Host bus of lacuna_core". Host traffic never changes how
//             many cycles a program takes, except PHASE through `load`.
// Throughput: one request a cycle; see lacuna_bus.
module lacuna_core #(
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
  localparam int unsigned WordBytes     = 2 * Lanes,
  localparam int unsigned Bits          = 8 * WordBytes
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  input  logic                 req_valid_i,
  output logic                 req_ready_o,
  input  logic                 req_write_i,
  input  logic [31:0]          req_addr_i,
  input  logic [Bits-1:0]      req_wdata_i,
  input  logic [WordBytes-1:0] req_wstrb_i,

  output logic                 rsp_valid_o,
  input  logic                 rsp_ready_i,
  output logic [Bits-1:0]      rsp_rdata_o,
  output logic                 rsp_error_o
);

  if (Tiles < 1 || Tiles > 8) begin : gen_bad_tiles
    $error("lacuna_core: Tiles is %0d; it must be 1 to 8", Tiles);
  end
  if (Lanes != 2 && Lanes != 4 && Lanes != 8) begin : gen_bad_lanes
    $error("lacuna_core: Lanes is %0d; it must be 2, 4 or 8", Lanes);
  end
  if ((ProgramLen & (ProgramLen - 1)) != 0 || ProgramLen < 2) begin : gen_bad_program
    $error("lacuna_core: ProgramLen is %0d; it must be a power of two, 2 or more", ProgramLen);
  end

  localparam int unsigned AddrBits    = $clog2(TileWords * WordBytes);
  localparam int unsigned ByteBits    = $clog2(WordBytes + 1);
  localparam int unsigned OffBits     = $clog2(WordBytes);
  localparam int unsigned LaneBits    = $clog2(Lanes);
  localparam int unsigned PageBits    = $clog2(Pages);
  localparam int unsigned IndexBits   = $clog2(ProgramLen);
  localparam int unsigned Beats       = lacuna_spec_pkg::InstrBytes / WordBytes;
  localparam int unsigned ProgramBits = $clog2(ProgramLen * Beats);
  localparam int unsigned RecordBits  = IndexBits + $clog2(Tiles);
  localparam int unsigned DigitsBits  = $clog2(Lanes + 1);
  localparam int unsigned WorkBits    = lacuna_spec_pkg::ProfileBits;
  // With one tile, control runs one job at a time and holds its instruction: see lacuna_control.
  localparam bit          Hold        = Tiles > 1;

  // Host bus.
  logic [Bits-1:0]             wr_data, program_data;
  logic                        reg_wr_en, reg_rd_en, reg_rd_gnt, reg_known;
  logic [4:0]                  reg_index;
  logic [31:0]                 reg_data;
  logic                        program_wr_en, program_rd_en;
  logic [ProgramBits-1:0]      program_addr;
  logic [Tiles-1:0]            weight_en;
  logic [LaneBits-1:0]         weight_lane;
  logic [PageBits-1:0]         weight_page;
  logic [Tiles-1:0]            host_rd_req, host_rd_gnt, host_wr_req, host_wr_gnt;
  logic [AddrBits-1:0]         host_addr;
  logic [ByteBits-1:0]         host_bytes;
  logic [Tiles-1:0][Bits-1:0]  tile_rd_data;
  logic                        profile_rd_en;
  logic [RecordBits-1:0]       profile_addr;
  logic [1:0]                  profile_field;
  logic [WorkBits-1:0]         profile_data;

  // Control.
  logic                        start, running, program_end, fault, stall_hazard, stall_load, fetch;
  logic [2:0]                  fault_cause;
  logic [IndexBits-1:0]        start_index, index;
  logic [11:0]                 phase;
  logic [AddrBits-1:0]         input_offset, output_offset;
  logic [31:0]                 cycles;
  logic [511:0]                instr;
  logic [Tiles-1:0]            compute_start, compute_occupied, compute_waits;
  logic [Tiles-1:0]            compute_turn, compute_begin, compute_done;
  logic [Tiles-1:0]            reshape_start, reshape_done;
  logic [2*Tiles-1:0][WorkBits-1:0] work;
  logic [Tiles-1:0][WorkBits-1:0]   decisions;
  // Work of this cycle, of the one job that runs: looked at only with one tile.
  logic [Tiles-1:0][DigitsBits-1:0] worked;
  logic                             unused_worked;

  // Events.
  logic [Tiles-1:0][DigitsBits-1:0] digits;
  logic [Tiles-1:0]                 stall_feed, stall_reduce, sent;

  assign unused_worked = ^worked;

  lacuna_bus #(
    .Tiles(Tiles), .Lanes(Lanes), .Pages(Pages), .TileWords(TileWords), .ProgramLen(ProgramLen),
    .Monitor(Monitor)
  ) u_bus (
    .clk_i, .rst_ni,
    .req_valid_i, .req_ready_o, .req_write_i, .req_addr_i, .req_wdata_i, .req_wstrb_i,
    .rsp_valid_o, .rsp_ready_i, .rsp_rdata_o, .rsp_error_o,
    .wr_data_o        (wr_data),
    .reg_wr_en_o      (reg_wr_en),
    .reg_rd_en_o      (reg_rd_en),
    .reg_rd_gnt_i     (reg_rd_gnt),
    .reg_index_o      (reg_index),
    .reg_known_i      (reg_known),
    .reg_rd_data_i    (reg_data),
    .fetch_i          (fetch),
    .program_wr_en_o  (program_wr_en),
    .program_rd_en_o  (program_rd_en),
    .program_addr_o   (program_addr),
    .program_rd_data_i(program_data),
    .weight_en_o      (weight_en),
    .weight_lane_o    (weight_lane),
    .weight_page_o    (weight_page),
    .tile_rd_req_o    (host_rd_req),
    .tile_rd_gnt_i    (host_rd_gnt),
    .tile_wr_req_o    (host_wr_req),
    .tile_wr_gnt_i    (host_wr_gnt),
    .tile_addr_o      (host_addr),
    .tile_bytes_o     (host_bytes),
    .tile_rd_data_i   (tile_rd_data),
    .profile_rd_en_o  (profile_rd_en),
    .profile_addr_o   (profile_addr),
    .profile_field_o  (profile_field),
    .profile_rd_data_i(profile_data)
  );

  lacuna_registers #(
    .Tiles(Tiles), .Lanes(Lanes), .Pages(Pages), .DigitBits(DigitBits), .TileWords(TileWords),
    .ReduceColumns(ReduceColumns), .Slack(Slack), .AccBits(AccBits), .ProgramLen(ProgramLen),
    .DepthwiseTaps(DepthwiseTaps), .Transposer(Transposer), .Monitor(Monitor)
  ) u_registers (
    .clk_i, .rst_ni,
    .wr_en_i       (reg_wr_en),
    .wr_data_i     (wr_data[31:0]),
    .rd_en_i       (reg_rd_en),
    .rd_gnt_o      (reg_rd_gnt),
    .index_i       (reg_index),
    .known_o       (reg_known),
    .rd_data_o     (reg_data),
    .start_o       (start),
    .start_index_o (start_index),
    .phase_o       (phase),
    .input_offset_o(input_offset),
    .output_offset_o(output_offset),
    .cycles_o      (cycles),
    .running_i     (running),
    .end_i         (program_end),
    .fault_i       (fault),
    .fault_cause_i (fault_cause),
    .instr_index_i (index),
    .digits_i      (digits),
    .stall_feed_i  (stall_feed),
    .stall_reduce_i(stall_reduce),
    .stall_hazard_i(stall_hazard),
    .stall_load_i  (stall_load),
    .beats_i       (sent)
  );

  // The only tile's engine without Transposer walks in the program's memory.
  logic [Tiles-1:0]       mem_en, mem_wr, mem_state;
  logic [Tiles-1:0][4:0]  mem_word;
  logic [Tiles-1:0][15:0] mem_wr_data;
  logic                   unused_mem;

  assign unused_mem = ^{mem_en, mem_wr, mem_state, mem_word, mem_wr_data};

  lacuna_control #(
    .Tiles(Tiles), .Lanes(Lanes), .TileWords(TileWords), .ProgramLen(ProgramLen),
    .Transposer(Transposer), .Monitor(Monitor)
  ) u_control (
    .clk_i, .rst_ni,
    .program_wr_en_i  (program_wr_en),
    .program_rd_en_i  (program_rd_en),
    .program_addr_i   (program_addr),
    .program_wr_data_i(wr_data),
    .program_rd_data_o(program_data),
    .fetch_o          (fetch),
    .profile_rd_en_i  (profile_rd_en),
    .profile_addr_i   (profile_addr),
    .profile_field_i  (profile_field),
    .profile_data_o   (profile_data),
    .start_i          (start),
    .start_index_i    (start_index),
    .phase_i          (phase),
    .input_offset_i   (input_offset),
    .output_offset_i  (output_offset),
    .cycle_i          (cycles),
    .running_o        (running),
    .end_o            (program_end),
    .fault_o          (fault),
    .fault_cause_o    (fault_cause),
    .stall_hazard_o   (stall_hazard),
    .stall_load_o     (stall_load),
    .index_o          (index),
    .instr_o          (instr),
    .compute_start_o  (compute_start),
    .reshape_start_o  (reshape_start),
    .compute_occupied_i(compute_occupied),
    .compute_waits_i  (compute_waits),
    .compute_turn_o   (compute_turn),
    .compute_begin_i  (compute_begin),
    .compute_done_i   (compute_done),
    .reshape_done_i   (reshape_done),
    .mem_en_i         (mem_en[0]),
    .mem_wr_i         (mem_wr[0]),
    .mem_state_i      (mem_state[0]),
    .mem_word_i       (mem_word[0]),
    .mem_wr_data_i    (mem_wr_data[0]),
    .work_i           (work),
    .decisions_i      (decisions),
    .worked_i         (worked[0] | DigitsBits'(sent[0]))
  );

  // What all reshape engines are told.
  lacuna_spec_pkg::reshape_t reshape_walk;
  logic [4:0]                reshape_tail;
  logic [AddrBits-1:0]       reshape_pitch;
  logic [ByteBits-1:0]       reshape_limit;
  lacuna_spec_pkg::head_t    head;
  logic                      reshape_empty, several_sources, unused_head;

  assign head            = instr[127:0];
  assign several_sources = (head.tiles & (head.tiles - 8'd1)) != '0;
  assign unused_head     = ^head;

  lacuna_reshape_plan #(
    .WordBytes(WordBytes), .TileWords(TileWords), .Transposer(Transposer)
  ) u_plan (
    .head_i         (head),
    .job_i          (instr[511:128]),
    .input_offset_i (input_offset),
    .output_offset_i(output_offset),
    .walk_o         (reshape_walk),
    .tail_o         (reshape_tail),
    .pitch_o        (reshape_pitch),
    .limit_o        (reshape_limit),
    .empty_o        (reshape_empty)
  );

  // Tiles, each with the reshape engine that reads it.
  logic [Tiles-1:0]               beat_valid, beat_ready, route_req, route_gnt;
  logic [Tiles-1:0][Tiles-1:0]    beat_targets;
  logic [Tiles-1:0][AddrBits-1:0] beat_addr, route_addr;
  logic [Tiles-1:0][ByteBits-1:0] beat_bytes, route_bytes;
  logic [Tiles-1:0][OffBits-1:0]  beat_position, route_position;
  logic [Tiles-1:0][Bits-1:0]     beat_data, route_data;

  lacuna_route #(.Tiles(Tiles), .WordBytes(WordBytes), .AddrBits(AddrBits)) u_route (
    .clk_i, .rst_ni,
    .valid_i  (beat_valid),
    .ready_o  (beat_ready),
    .targets_i(beat_targets),
    .addr_i   (beat_addr),
    .bytes_i  (beat_bytes),
    .position_i(beat_position),
    .data_i   (beat_data),
    .req_o    (route_req),
    .gnt_i    (route_gnt),
    .addr_o   (route_addr),
    .bytes_o  (route_bytes),
    .position_o(route_position),
    .data_o   (route_data)
  );

  for (genvar t = 0; t < Tiles; t++) begin : gen_tile
    logic                rd_req, rd_gnt;
    logic [AddrBits-1:0] rd_addr;
    logic [OffBits-1:0]  rd_position;

    // Of several sources each writes itself alone, or all write everywhere, each behind the other.
    logic                      alone;
    logic [AddrBits-1:0]       ahead;
    lacuna_spec_pkg::reshape_t tile_walk;

    assign alone = several_sources && !reshape_walk.gather;
    assign ahead = AddrBits'(reshape_walk.tile_step & {13{reshape_walk.gather}}) * AddrBits'(t);

    always_comb begin
      tile_walk        = reshape_walk;
      tile_walk.target = 18'(reshape_walk.target[AddrBits-1:0] + ahead);
    end

    lacuna_reshape #(
      .Tiles(Tiles), .WordBytes(WordBytes), .TileWords(TileWords), .Transposer(Transposer)
    ) u_reshape (
      .clk_i, .rst_ni,
      .start_i        (reshape_start[t]),
      .targets_i      (alone ? Tiles'(1) << t : head.targets[Tiles-1:0]),
      .walk_i         (tile_walk),
      .tail_i         (reshape_tail),
      .pitch_i        (reshape_pitch),
      .limit_i        (reshape_limit),
      .empty_i        (reshape_empty),
      .input_offset_i (input_offset & {AddrBits{head.from_input}}),
      .output_offset_i(output_offset & {AddrBits{head.to_output}}),
      .mem_en_o       (mem_en[t]),
      .mem_wr_o       (mem_wr[t]),
      .mem_state_o    (mem_state[t]),
      .mem_word_o     (mem_word[t]),
      .mem_wr_data_o  (mem_wr_data[t]),
      .mem_rd_data_i  (program_data[31:0]),
      .done_o         (reshape_done[t]),
      .work_o         (work[Tiles + t]),
      .sent_o         (sent[t]),
      .rd_req_o       (rd_req),
      .rd_gnt_i       (rd_gnt),
      .rd_addr_o      (rd_addr),
      .rd_position_o  (rd_position),
      .rd_data_i      (tile_rd_data[t]),
      .beat_valid_o   (beat_valid[t]),
      .beat_ready_i   (beat_ready[t]),
      .beat_targets_o (beat_targets[t]),
      .beat_addr_o    (beat_addr[t]),
      .beat_bytes_o   (beat_bytes[t]),
      .beat_position_o(beat_position[t]),
      .beat_data_o    (beat_data[t])
    );

    lacuna_tile #(
      .Lanes(Lanes), .Pages(Pages), .DigitBits(DigitBits), .TileWords(TileWords),
      .ReduceColumns(ReduceColumns), .Slack(Slack), .AccBits(AccBits),
      .DepthwiseTaps(DepthwiseTaps), .Monitor(Monitor), .Hold(Hold)
    ) u_tile (
      .clk_i, .rst_ni,
      .start_i        (compute_start[t]),
      .instr_i        (instr),
      .input_offset_i (input_offset),
      .output_offset_i(output_offset),
      .turn_i         (compute_turn[t]),
      .occupied_o     (compute_occupied[t]),
      .waits_o        (compute_waits[t]),
      .begin_o        (compute_begin[t]),
      .done_o         (compute_done[t]),
      .work_o         (work[t]),
      .decisions_o    (decisions[t]),
      .worked_o       (worked[t]),
      .digits_o       (digits[t]),
      .stall_feed_o   (stall_feed[t]),
      .stall_reduce_o (stall_reduce[t]),
      .weight_en_i    (weight_en[t]),
      .weight_lane_i  (weight_lane),
      .weight_page_i  (weight_page),
      .weight_data_i  (wr_data),
      .reshape_req_i  (rd_req),
      .reshape_gnt_o  (rd_gnt),
      .reshape_addr_i (rd_addr),
      .reshape_position_i(rd_position),
      .host_rd_req_i  (host_rd_req[t]),
      .host_rd_gnt_o  (host_rd_gnt[t]),
      .host_rd_addr_i (host_addr),
      .rd_data_o      (tile_rd_data[t]),
      .route_req_i    (route_req[t]),
      .route_gnt_o    (route_gnt[t]),
      .route_addr_i   (route_addr[t]),
      .route_bytes_i  (route_bytes[t]),
      .route_position_i(route_position[t]),
      .route_data_i   (route_data[t]),
      .host_wr_req_i  (host_wr_req[t]),
      .host_wr_gnt_o  (host_wr_gnt[t]),
      .host_wr_addr_i (host_addr),
      .host_wr_bytes_i(host_bytes),
      .host_wr_data_i (wr_data)
    );
  end

endmodule
