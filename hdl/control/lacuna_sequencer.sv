// Fetches instructions, checks them, waits for their units and regions, and dispatches them in
// order.
//
// An instruction is fetched while the jobs of those before it still run, so that it waits complete
// in `instr_o` when their units come free. A serial chip runs one job at a time: `instr_o` and
// `index_o` stay those of the job until no unit is busy, so that nobody needs a copy of them.
//
// Contract:   a start at cycle a makes `running_o` 1 from a + 1 to the cycle in which the program
//             ends. A dispatched instruction has its start bits set for one cycle beside `instr_o`,
//             none of its units busy and no conflict in the scoreboard. `fence` and `halt`
//             go on when no unit is busy, `load` when `phase_i` has reached its phase. A faulty
//             instruction is not dispatched: `fault_o` pulses with its cause, the units drain, and
//             the program ends. Causes, the lowest wins: 1 unknown opcode, or a reshape that asks
//             for a transposer that is not there or does not take the matrix; 2 region outside the
//             tile memory, or with lo > hi; 3 no tile, no target or one that does not exist, or a
//             reshape with several sources and other targets that is no `gather`; 4 a reshape that
//             leaves its memories, where there is a transposer.
// Latency:    from start to the earliest dispatch: the beats of an instruction + 3 cycles, + 4 for
//             a reshape whose bounds are checked; from dispatch to the next one a cycle less,
//             unless the chip is serial: its first beat is read as the one before goes. From the
//             last `done` it waits for to a dispatch: 1 cycle for a region.
module lacuna_sequencer #(
  parameter  int unsigned Tiles      = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned WordBytes  = 2 * lacuna_spec_pkg::BaseLanes,
  parameter  int unsigned TileWords  = lacuna_spec_pkg::BaseTileWords,
  parameter  int unsigned ProgramLen = lacuna_spec_pkg::BaseProgramLen,
  parameter  bit          Serial     = 1'b0,
  parameter  bit          Transposer = 1'b1,
  localparam int unsigned Beats      = lacuna_spec_pkg::InstrBytes / WordBytes,
  localparam int unsigned IndexBits  = $clog2(ProgramLen),
  localparam int unsigned BeatBits   = $clog2(Beats),
  localparam int unsigned AddrBits   = $clog2(TileWords * WordBytes)
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,

  input  logic                          start_i,
  input  logic [IndexBits-1:0]          start_index_i,
  input  logic [11:0]                   phase_i,
  input  logic [AddrBits-1:0]           input_offset_i,
  input  logic [AddrBits-1:0]           output_offset_i,
  output logic                          running_o,
  // The last cycle of a program.
  output logic                          end_o,
  output logic                          fault_o,
  output logic [2:0]                    fault_cause_o,
  // A job is held back for a region or a unit.
  output logic                          stall_hazard_o,
  // Nothing but a `load` is under way, and it waits for its phase.
  output logic                          stall_load_o,

  // Program memory: data in the cycle after `fetch_o`.
  output logic                          fetch_o,
  output logic [IndexBits+BeatBits-1:0] fetch_addr_o,
  input  logic [8*WordBytes-1:0]        fetch_data_i,

  // The instruction under check or dispatch.
  output logic [511:0]                  instr_o,
  output logic [IndexBits-1:0]          index_o,
  input  logic                          conflict_i,
  input  logic [Tiles-1:0]              compute_busy_i,
  input  logic [Tiles-1:0]              reshape_busy_i,
  // Some unit has a job, or its record is not written.
  input  logic                          any_busy_i,
  output logic [Tiles-1:0]              compute_start_o,
  output logic [Tiles-1:0]              reshape_start_o
);

  localparam int unsigned BeatWidth = 8 * WordBytes;

  localparam logic [2:0] Idle  = 3'd0;  // No program.
  localparam logic [2:0] Fetch = 3'd1;  // A beat is read each cycle.
  localparam logic [2:0] Last  = 3'd2;  // The last beat arrives.
  localparam logic [2:0] Check = 3'd3;  // The instruction is looked at.
  localparam logic [2:0] Issue = 3'd4;  // It goes on as soon as it may.
  localparam logic [2:0] Drain = 3'd5;  // After a fault, until no unit is busy.
  localparam logic [2:0] Hold  = 3'd6;  // Serial: while the job runs.

  logic [2:0]           state_q;
  logic [IndexBits-1:0] index_q, index_next;
  logic [BeatBits-1:0]  beat_q;
  logic                 fetches, prefetch, arrives_q;
  logic [BeatBits-1:0]  arrived_q;
  logic [511:0]         instr_q;

  lacuna_spec_pkg::head_t head;
  assign head = instr_q[127:0];

  logic is_compute, is_reshape, is_job;
  assign is_compute = (head.opcode == lacuna_spec_pkg::OpRun)
                      || (head.opcode == lacuna_spec_pkg::OpPost);
  assign is_reshape = head.opcode == lacuna_spec_pkg::OpReshape;
  assign is_job     = is_compute || is_reshape;

  // Check.
  lacuna_spec_pkg::reshape_t reshape;
  logic [7:0]                exists;
  logic                      bad_opcode, bad_region, bad_tiles, bad_targets, bad_linear;
  logic                      bad_bounds, checked;
  logic [2:0]                cause, cause_q;
  logic                      unused;

  assign reshape = instr_q[511:128];
  assign unused  = ^{head, reshape};
  assign exists  = 8'((9'd1 << Tiles) - 9'd1);

  assign bad_linear = (reshape.element == lacuna_spec_pkg::ReshapeLinear)
                      && (!reshape.count_0[0] || (reshape.bytes == '0)
                          || (reshape.count_0 > 11'(lacuna_spec_pkg::ReshapeLinearColumns))
                          || (reshape.count_1 > 11'(WordBytes))
                          || (reshape.bytes > 5'(WordBytes)));
  assign bad_opcode = (head.opcode > lacuna_spec_pkg::OpReshape)
                      || (is_reshape && reshape.transpose
                          && (!Transposer || bad_linear));

  if (BeatWidth == 32 && Tiles == 1) begin : gen_check_beats
    // Each field is looked at as it comes: regions and masks need not be kept.
    lacuna_spec_pkg::head_t first;
    logic [15:0]            lo, hi;
    logic                   region_q, tiles_q, targets_q, unused_first;

    assign first        = 128'(fetch_data_i);
    assign {hi, lo}     = fetch_data_i;
    assign unused_first = ^first;

    always_ff @(posedge clk_i) begin
      if (arrives_q && (arrived_q == BeatBits'(0))) begin
        region_q  <= 1'b0;
        tiles_q   <= (first.tiles == '0) || ((first.tiles & ~exists) != '0);
        targets_q <= (first.targets == '0) || ((first.targets & ~exists) != '0);
      end
      if (arrives_q && ((arrived_q == BeatBits'(1)) || (arrived_q == BeatBits'(2)))) begin
        if ((lo > hi) || (hi > 16'(TileWords))) region_q <= 1'b1;
      end
    end

    assign bad_region  = is_job && region_q;
    assign bad_tiles   = is_job && tiles_q;
    assign bad_targets = is_reshape && targets_q;
  end else begin : gen_check
    logic several_sources;

    assign several_sources = (head.tiles & (head.tiles - 8'd1)) != '0;

    assign bad_region = is_job && ((head.read_lo > head.read_hi)
                                   || (head.write_lo > head.write_hi)
                                   || (head.read_hi > 16'(TileWords))
                                   || (head.write_hi > 16'(TileWords)));
    assign bad_tiles  = is_job && ((head.tiles == '0) || ((head.tiles & ~exists) != '0));
    assign bad_targets = is_reshape
                         && ((head.targets == '0) || ((head.targets & ~exists) != '0)
                             || (several_sources && !reshape.gather
                                 && (head.targets != head.tiles)));
  end

  if (Transposer) begin : gen_bounds
    logic leaves, bounds_done;

    lacuna_reshape_bounds #(
      .Tiles(Tiles), .WordBytes(WordBytes), .TileWords(TileWords)
    ) u_bounds (
      .clk_i,
      // The beats with its levels arrive as it comes to them.
      .first_i        (fetches && &beat_q),
      .job_i          (reshape),
      .input_offset_i (input_offset_i & {AddrBits{head.from_input}}),
      .output_offset_i(output_offset_i & {AddrBits{head.to_output}}),
      .done_o         (bounds_done),
      .bad_o          (leaves)
    );

    assign checked    = bounds_done || !is_reshape;
    assign bad_bounds = is_reshape && leaves;
  end else begin : gen_no_bounds
    logic unused_offsets;

    assign unused_offsets = ^{input_offset_i, output_offset_i};
    assign checked        = 1'b1;
    assign bad_bounds     = 1'b0;
  end

  always_comb begin
    cause = 3'd0;
    if (bad_opcode)                    cause = 3'd1;
    else if (bad_region)               cause = 3'd2;
    else if (bad_tiles || bad_targets) cause = 3'd3;
    else if (bad_bounds)               cause = 3'd4;
  end

  // Waiting. `blocked_q` tells of the cycle before; jobs in flight only become fewer meanwhile.
  logic [Tiles-1:0] tiles;
  logic             unit_busy, blocked, blocked_q, faulty, goes, next;

  assign tiles     = head.tiles[Tiles-1:0];
  assign unit_busy = |(tiles & (is_reshape ? reshape_busy_i : compute_busy_i));

  always_comb begin
    blocked = 1'b0;
    unique case (head.opcode)
      lacuna_spec_pkg::OpLoad: blocked = phase_i < head.phase;
      lacuna_spec_pkg::OpRun, lacuna_spec_pkg::OpPost, lacuna_spec_pkg::OpReshape:
        blocked = !Serial && (unit_busy || conflict_i);
      default: blocked = any_busy_i;
    endcase
  end

  assign faulty   = (state_q == Issue) && (cause_q != 3'd0);
  assign goes     = (state_q == Issue) && (cause_q == 3'd0) && !blocked_q;

  // The instruction has had its turn.
  assign next = (Serial && is_job) ? (state_q == Hold) && !any_busy_i : goes;

  assign compute_start_o = tiles & {Tiles{goes && is_compute}};
  assign reshape_start_o = tiles & {Tiles{goes && is_reshape}};
  assign stall_hazard_o  = !Serial && (state_q == Issue) && (cause_q == 3'd0) && blocked_q
                           && is_job;
  assign stall_load_o    = (state_q == Issue) && (cause_q == 3'd0) && blocked_q && !any_busy_i
                           && (head.opcode == lacuna_spec_pkg::OpLoad);
  assign fault_o         = faulty;
  assign fault_cause_o   = cause_q;
  assign end_o           = (goes && (head.opcode == lacuna_spec_pkg::OpHalt))
                           || ((state_q == Drain) && !any_busy_i);
  assign running_o       = state_q != Idle;
  assign instr_o         = instr_q;
  assign index_o         = index_q;
  assign fetches         = state_q == Fetch;
  assign prefetch        = !Serial && goes;
  assign fetch_o         = fetches || prefetch;
  assign fetch_addr_o    = {index_q + IndexBits'(prefetch), beat_q};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Idle;
    end else begin
      unique case (state_q)
        Idle:    if (start_i) state_q <= Fetch;
        Fetch:   if (&beat_q) state_q <= Last;
        Last:    state_q <= Check;
        Check:   if (checked) state_q <= Issue;
        Issue: begin
          if (faulty)     state_q <= Drain;
          else if (end_o) state_q <= Idle;
          else if (goes)  state_q <= (Serial && is_job) ? Hold : Fetch;
        end
        Hold:    if (!any_busy_i) state_q <= Fetch;
        default: if (end_o) state_q <= Idle;
      endcase
    end
  end

  lacuna_count #(.Width(IndexBits)) u_index (
    .set_i(state_q == Idle), .value_i(start_index_i), .count_i(index_q), .next_o(index_next)
  );

  always_ff @(posedge clk_i) begin
    if ((state_q == Idle) || next) index_q <= index_next;
  end

  always_ff @(posedge clk_i) begin
    arrives_q <= fetch_o;
    beat_q    <= fetch_o ? beat_q + BeatBits'(1) : '0;
    blocked_q <= blocked;
    cause_q   <= cause;
    arrived_q <= beat_q;
    for (int unsigned b = 0; b < Beats; b++) begin
      if (arrives_q && (arrived_q == BeatBits'(b))) begin
        instr_q[b*BeatWidth +: BeatWidth] <= fetch_data_i;
      end
    end
  end

endmodule
