// Reshape engine of a chip with one tile and no transposer: reads beats from its tile memory, or
// fills, and writes them to it. It walks its five loops at one address a time: the fields of the
// instruction are read from the program, and where the loops are is kept beyond it, in the same
// single-port RAM. One register adds, counts and holds the target.
//
// In the program, word 2l of an instruction holds step and count of level l = 3 (innermost) to 7
// on the source side and word 2l + 1 the step on the target side; words 4 and 5 hold the start
// addresses. Beyond it, a level has the addresses at which its present iteration began and the
// number of iterations that are done.
//
// Contract:   as lacuna_reshape; what comes beside `start_i` is held until `done_o`, and every
//             request is granted at once. A job with a count of 0, the innermost such that of level
//             l, is done in cycle 2 l - 3. Word `mem_word_o` of the instruction, or of the state
//             if `mem_state_o`, is on `mem_rd_data_i` in the cycle after `mem_en_o`, unless that
//             was a write.
// Throughput: a beat in 14 + 6 n cycles, when n levels begin anew after it.
// Latency:    the first beat is read in cycle 34 and offered 2 cycles later; done 20 cycles after
//             the last.
module lacuna_reshape_copy #(
  parameter  int unsigned Tiles     = lacuna_spec_pkg::NanoTiles,
  parameter  int unsigned WordBytes = 2 * lacuna_spec_pkg::NanoLanes,
  parameter  int unsigned TileWords = lacuna_spec_pkg::NanoTileWords,
  localparam int unsigned AddrBits  = $clog2(TileWords * WordBytes),
  localparam int unsigned ByteBits  = $clog2(WordBytes + 1)
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic                      start_i,
  input  logic [Tiles-1:0]          targets_i,
  input  lacuna_spec_pkg::reshape_t job_i,
  input  logic [AddrBits-1:0]       input_offset_i,
  input  logic [AddrBits-1:0]       output_offset_i,
  output logic                      done_o,
  output logic [lacuna_spec_pkg::ProfileBits-1:0] work_o,
  // A beat leaves in this cycle.
  output logic                      sent_o,

  output logic                      mem_en_o,
  output logic                      mem_wr_o,
  output logic                      mem_state_o,
  output logic [4:0]                mem_word_o,
  output logic [15:0]               mem_wr_data_o,
  input  logic [31:0]               mem_rd_data_i,

  output logic                      rd_req_o,
  input  logic                      rd_gnt_i,
  output logic [AddrBits-1:0]       rd_addr_o,
  input  logic [8*WordBytes-1:0]    rd_data_i,

  output logic                      beat_valid_o,
  input  logic                      beat_ready_i,
  output logic [Tiles-1:0]          beat_targets_o,
  output logic [AddrBits-1:0]       beat_addr_o,
  output logic [ByteBits-1:0]       beat_bytes_o,
  output logic [8*WordBytes-1:0]    beat_data_o
);

  localparam int unsigned WorkBits  = lacuna_spec_pkg::ProfileBits;
  localparam int unsigned CountBits = 11;
  localparam int unsigned AccBits   = (AddrBits > CountBits) ? AddrBits : CountBits;

  if (WordBytes != 4) begin : gen_bad_word
    $error("lacuna_reshape_copy: WordBytes is %0d; the fields are in words of 4", WordBytes);
  end

  localparam logic [3:0] Idle      = 4'd0;
  localparam logic [3:0] Look      = 4'd1;   // Before the walk: read a level's count.
  localparam logic [3:0] Clear     = 4'd2;   // Is it 0? No iteration is done.
  localparam logic [3:0] Base      = 4'd3;   // Read where the level's iteration began, or the start.
  localparam logic [3:0] Step      = 4'd4;   // Take it; read the step.
  localparam logic [3:0] Add       = 4'd5;   // Add the step, or the offset.
  localparam logic [3:0] Store     = 4'd6;   // Write the address, level by level.
  localparam logic [3:0] Source    = 4'd7;   // Read the beat's source.
  localparam logic [3:0] Read      = 4'd8;   // Read the beat.
  localparam logic [3:0] Wait      = 4'd9;
  localparam logic [3:0] Beat      = 4'd10;  // Write the beat; read the iterations done.
  localparam logic [3:0] Count     = 4'd11;  // One more; read the count.
  localparam logic [3:0] Compare   = 4'd12;  // The level's last? Else store the iterations.
  localparam logic [3:0] Restart   = 4'd13;  // The level begins anew.
  localparam logic [3:0] Iteration = 4'd14;  // Read the next level's iterations done.
  localparam logic [3:0] Done      = 4'd15;

  localparam logic [2:0] Start     = 3'd2;   // The level of the start addresses.
  localparam logic [2:0] Innermost = 3'd3;

  logic [3:0]           state_q;
  logic [2:0]           level_q, inner_q, level;
  logic                 target_q;
  logic [AccBits-1:0]   acc_q, operand, offset;
  logic [CountBits-1:0] count;
  logic                 carry, clear, add, equal, starts, outermost, stored, unused;
  logic [WorkBits-1:0]  work_q;

  assign unused    = ^{rd_gnt_i, beat_ready_i, job_i, mem_rd_data_i};
  assign starts    = level_q == Start;
  assign outermost = &level_q;
  assign stored    = inner_q == level_q;
  assign count     = mem_rd_data_i[19 +: CountBits];
  assign equal     = acc_q[CountBits-1:0] == count;
  assign offset    = AccBits'(target_q ? output_offset_i : input_offset_i);

  // The one adder.
  assign carry   = state_q == Count;
  assign add     = (state_q == Step) || (state_q == Add) || (state_q == Count);
  assign operand = ((state_q == Add) && starts) ? offset : mem_rd_data_i[AccBits-1:0];
  assign clear   = (state_q == Idle) || (state_q == Beat) || (state_q == Compare)
                   || ((state_q == Store) && stored && !target_q);

  always_ff @(posedge clk_i) begin
    if (clear)    acc_q <= '0;
    else if (add) acc_q <= acc_q + operand + AccBits'(carry);
  end

  // The memory: levels count up from the innermost in `Store`, round to `Start` for the start.
  logic counts, inner, reads_state;

  assign counts      = (state_q == Clear) || (state_q == Beat) || (state_q == Iteration)
                       || (state_q == Compare) || (state_q == Restart);
  assign inner       = state_q == Store;
  assign reads_state = ((state_q == Base) && !starts) || (state_q == Source);
  assign level       = inner ? inner_q : level_q;
  assign mem_en_o    = (state_q != Idle) && (state_q != Add) && (state_q != Read)
                       && (state_q != Wait) && (state_q != Done);
  assign mem_wr_o    = (state_q == Clear) || inner || ((state_q == Compare) && !equal)
                       || (state_q == Restart);
  assign mem_state_o = counts || inner || reads_state;
  assign mem_word_o  = {counts, level, target_q};
  assign mem_wr_data_o = 16'(acc_q);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Idle;
    end else begin
      unique case (state_q)
        Idle:    if (start_i) state_q <= Look;
        Look:    state_q <= Clear;
        Clear:   state_q <= equal ? Done : outermost ? Base : Look;
        Base:    state_q <= Step;
        Step:    state_q <= Add;
        Add:     state_q <= Store;
        Store:   if (stored) state_q <= target_q ? Source : Base;
        Source:  state_q <= Read;
        Read:    state_q <= Wait;
        Wait:    state_q <= Beat;
        Beat:    state_q <= Count;
        Count:   state_q <= Compare;
        Compare: state_q <= equal ? Restart : Base;
        Restart: state_q <= outermost ? Done : Iteration;
        Iteration: state_q <= Count;
        default: state_q <= Idle;
      endcase
    end
  end

  always_ff @(posedge clk_i) begin
    inner_q <= inner ? inner_q + 3'd1 : Innermost;
    if (state_q == Idle)                  target_q <= 1'b0;
    else if ((state_q == Store) && stored) target_q <= !target_q;
    if ((state_q == Idle) || (state_q == Wait) || ((state_q == Store) && stored && target_q)) begin
      level_q <= Innermost;
    end else if ((state_q == Clear) || (state_q == Restart)) begin
      level_q <= ((state_q == Clear) && outermost) ? Start : level_q + 3'd1;
    end
  end

  assign rd_req_o       = (state_q == Read) && !job_i.fill;
  assign rd_addr_o      = mem_rd_data_i[AddrBits-1:0];
  assign beat_valid_o   = state_q == Beat;
  assign beat_targets_o = targets_i;
  assign beat_addr_o    = acc_q[AddrBits-1:0];
  assign beat_bytes_o   = job_i.bytes[ByteBits-1:0];
  assign beat_data_o    = job_i.fill ? {WordBytes{job_i.value}} : rd_data_i;
  assign sent_o         = beat_valid_o;
  assign work_o         = work_q;
  assign done_o         = state_q == Done;

  always_ff @(posedge clk_i) begin
    if (start_i)                       work_q <= '0;
    else if (sent_o && (work_q != '1)) work_q <= work_q + WorkBits'(1);
  end

endmodule
