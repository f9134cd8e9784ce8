// Host bus: carries each request to the registers, the program memory, the weights, a tile memory
// or the profile, and answers in order. The map is host/spec/src/map.rs.
//
// Contract:   one response for each request, in order; a read sees every write before it.
//             `rsp_error_o`: no such address, a read of weights, a write of the profile, or strobes
//             of a tile memory write that are not a run from byte 0; such a request has no effect.
//             Strobes of other writes are not looked at. Holds one request and one response; with
//             one tile no request: it is taken when it is done, and its payload looked at before.
// Throughput: one write a cycle while the ports are free; a read takes 2 to 5 cycles.
module lacuna_bus #(
  parameter  int unsigned Tiles      = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned Lanes      = lacuna_spec_pkg::BaseLanes,
  parameter  int unsigned Pages      = lacuna_spec_pkg::BasePages,
  parameter  int unsigned TileWords  = lacuna_spec_pkg::BaseTileWords,
  parameter  int unsigned ProgramLen = lacuna_spec_pkg::BaseProgramLen,
  parameter  bit          Monitor    = lacuna_spec_pkg::BaseMonitor != 0,
  localparam int unsigned WordBytes  = 2 * Lanes,
  localparam int unsigned Bits       = 8 * WordBytes,
  localparam int unsigned AddrBits   = $clog2(TileWords * WordBytes),
  localparam int unsigned ByteBits   = $clog2(WordBytes + 1),
  localparam int unsigned LaneBits   = $clog2(Lanes),
  localparam int unsigned PageBits   = $clog2(Pages),
  localparam int unsigned BeatBits   = $clog2(ProgramLen * lacuna_spec_pkg::InstrBytes / WordBytes),
  localparam int unsigned RecordBits = $clog2(ProgramLen) + $clog2(Tiles)
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,

  input  logic                        req_valid_i,
  output logic                        req_ready_o,
  input  logic                        req_write_i,
  input  logic [31:0]                 req_addr_i,
  input  logic [Bits-1:0]             req_wdata_i,
  input  logic [WordBytes-1:0]        req_wstrb_i,

  output logic                        rsp_valid_o,
  input  logic                        rsp_ready_i,
  output logic [Bits-1:0]             rsp_rdata_o,
  output logic                        rsp_error_o,

  // What every region takes writes from.
  output logic [Bits-1:0]             wr_data_o,

  output logic                        reg_wr_en_o,
  output logic                        reg_rd_en_o,
  input  logic                        reg_rd_gnt_i,
  output logic [4:0]                  reg_index_o,
  input  logic                        reg_known_i,
  input  logic [31:0]                 reg_rd_data_i,

  // The sequencer fetches in this cycle, so that an access to the program waits.
  input  logic                        fetch_i,
  output logic                        program_wr_en_o,
  output logic                        program_rd_en_o,
  output logic [BeatBits-1:0]         program_addr_o,
  input  logic [Bits-1:0]             program_rd_data_i,

  output logic [Tiles-1:0]            weight_en_o,
  output logic [LaneBits-1:0]         weight_lane_o,
  output logic [PageBits-1:0]         weight_page_o,

  output logic [Tiles-1:0]            tile_rd_req_o,
  input  logic [Tiles-1:0]            tile_rd_gnt_i,
  output logic [Tiles-1:0]            tile_wr_req_o,
  input  logic [Tiles-1:0]            tile_wr_gnt_i,
  output logic [AddrBits-1:0]         tile_addr_o,
  output logic [ByteBits-1:0]         tile_bytes_o,
  input  logic [Tiles-1:0][Bits-1:0]  tile_rd_data_i,

  output logic                        profile_rd_en_o,
  output logic [RecordBits-1:0]       profile_addr_o,
  output logic [1:0]                  profile_field_o,
  input  logic [lacuna_spec_pkg::ProfileBits-1:0] profile_rd_data_i
);

  localparam int unsigned RegionLsb = lacuna_spec_pkg::RegionLsb;
  localparam int unsigned TileLsb   = lacuna_spec_pkg::TileLsb;
  localparam int unsigned LaneLsb   = lacuna_spec_pkg::LaneLsb;
  localparam int unsigned WordBits  = $clog2(TileWords);
  localparam int unsigned IndexBits = $clog2(ProgramLen);

  localparam bit          Hold      = Tiles > 1;

  // The request in hand, and the response.
  logic                 held_q, write_q;
  logic [31:0]          addr_q;
  logic [Bits-1:0]      data_q;
  logic [WordBytes-1:0] strobe_q;
  logic                 rsp_valid_q, rsp_error_q;
  logic [Bits-1:0]      rsp_rdata_q;
  // Cycles until the data of the read in hand is there; 0: not granted yet.
  logic [1:0]           wait_q;
  // A tile memory was written in the cycle before, which a read of this cycle would not see.
  logic                 landing_q;

  logic room, act, finish;
  assign room        = !rsp_valid_q || rsp_ready_i;
  assign act         = held_q && room && (wait_q == 2'd0);
  assign req_ready_o = (Hold && !held_q) || finish;

  // Decoding. `tile` is one-hot, 0 for a tile that is not there.
  logic [3:0]       region;
  logic [Tiles-1:0] tile, record_tile, strobe_tile;
  logic             in_registers, in_program, in_weights, in_memory, in_profile;
  logic             strobe_ok, error;

  assign region = addr_q[31:RegionLsb];

  always_comb begin
    for (int unsigned t = 0; t < Tiles; t++) begin
      tile[t]        = addr_q[RegionLsb-1:TileLsb] == 8'(t);
      record_tile[t] = addr_q[4:2] == 3'(t);
    end
  end

  assign in_registers = (region == lacuna_spec_pkg::RegionRegisters)
                        && (addr_q[RegionLsb-1:5] == '0) && reg_known_i;
  assign in_program   = (region == lacuna_spec_pkg::RegionProgram)
                        && (addr_q[RegionLsb-1:BeatBits] == '0);
  assign in_weights   = (region == lacuna_spec_pkg::RegionWeights) && (|tile)
                        && (addr_q[TileLsb-1:LaneLsb+LaneBits] == '0)
                        && (addr_q[LaneLsb-1:PageBits] == '0);
  assign in_memory    = (region == lacuna_spec_pkg::RegionTileMemory) && (|tile)
                        && (addr_q[TileLsb-1:WordBits] == '0);
  assign in_profile   = (region == lacuna_spec_pkg::RegionProfile) && (|record_tile)
                        && (addr_q[RegionLsb-1:5+IndexBits] == '0)
                        && (Monitor || (addr_q[1:0] != 2'd3));

  // A run of ones from bit 0 has no bit in common with itself plus one.
  assign strobe_ok   = (strobe_q & (strobe_q + WordBytes'(1))) == '0;
  assign strobe_tile = tile & {Tiles{strobe_ok && strobe_q[0]}};

  always_comb begin
    tile_bytes_o = '0;
    for (int unsigned b = 0; b < WordBytes; b++) begin
      if (strobe_q[b]) tile_bytes_o = ByteBits'(b + 1);
    end
  end

  always_comb begin
    error = 1'b1;
    if (in_registers || in_program) error = 1'b0;
    else if (in_weights)            error = !write_q;
    else if (in_profile)            error = write_q;
    else if (in_memory)             error = write_q && !strobe_ok;
  end

  assign wr_data_o       = data_q;
  assign reg_wr_en_o     = act && in_registers && write_q;
  assign reg_rd_en_o     = act && in_registers && !write_q;
  assign reg_index_o     = addr_q[4:0];
  assign program_wr_en_o = act && in_program && write_q && !fetch_i;
  assign program_rd_en_o = act && in_program && !write_q && !fetch_i;
  assign program_addr_o  = addr_q[BeatBits-1:0];
  assign weight_en_o     = tile & {Tiles{act && in_weights && write_q}};
  assign weight_lane_o   = addr_q[LaneLsb +: LaneBits];
  assign weight_page_o   = addr_q[PageBits-1:0];
  assign tile_rd_req_o   = tile & {Tiles{act && in_memory && !write_q && !landing_q}};
  assign tile_wr_req_o   = strobe_tile & {Tiles{act && in_memory && write_q}};
  assign tile_addr_o     = {addr_q[WordBits-1:0], {AddrBits - WordBits{1'b0}}};
  assign profile_rd_en_o = act && in_profile && !write_q;
  assign profile_field_o = addr_q[1:0];

  if (Tiles == 1) begin : gen_one_tile
    assign profile_addr_o = addr_q[5 +: IndexBits];
  end else begin : gen_tiles
    assign profile_addr_o = {addr_q[5 +: IndexBits], addr_q[2 +: $clog2(Tiles)]};
  end

  // A read takes its grant and then its place's latency; everything else is done when it is let
  // through.
  logic memory_read, memory_granted, memory_write_waits;
  assign memory_read        = !write_q && !error;
  assign memory_granted     = program_rd_en_o || profile_rd_en_o
                              || (reg_rd_en_o && reg_rd_gnt_i)
                              || (|(tile_rd_req_o & tile_rd_gnt_i));
  assign memory_write_waits = (|(tile_wr_req_o & ~tile_wr_gnt_i)) || (in_program && fetch_i);
  assign finish             = (wait_q == 2'd1) || (act && !memory_read && !memory_write_waits);

  // The tiles, the program, and what is narrow.
  localparam int unsigned Answers    = Tiles + 2;
  localparam int unsigned AnswerBits = $clog2(Answers);

  logic [31:0]            narrow;
  logic [Bits-1:0]        answer;
  logic [AnswerBits-1:0]  answer_from;
  logic [(Answers+1)/2:0] answer_select;

  assign narrow = in_registers ? reg_rd_data_i : 32'(profile_rd_data_i);

  always_comb begin
    answer_from = AnswerBits'(Tiles + 1);
    if (region == lacuna_spec_pkg::RegionProgram) answer_from = AnswerBits'(Tiles);
    if (region == lacuna_spec_pkg::RegionTileMemory)
      answer_from = AnswerBits'(addr_q[TileLsb +: AnswerBits]);
  end

  lacuna_pick_select #(.Words(Answers)) u_answer_select (
    .word_i  (answer_from),
    .select_o(answer_select)
  );

  lacuna_pick #(.Words(Answers), .Width(Bits)) u_answer (
    .en_i    (1'b1),
    .words_i ({Bits'(narrow), program_rd_data_i, tile_rd_data_i}),
    .select_i(answer_select),
    .word_o  (answer)
  );

  if (Hold) begin : gen_hold
    always_ff @(posedge clk_i) begin
      if (!rst_ni)          held_q <= 1'b0;
      else if (req_ready_o) held_q <= req_valid_i;
      if (req_ready_o) begin
        write_q  <= req_write_i;
        addr_q   <= req_addr_i;
        data_q   <= req_wdata_i;
        strobe_q <= req_wstrb_i;
      end
    end
  end else begin : gen_held
    assign held_q   = req_valid_i;
    assign write_q  = req_write_i;
    assign addr_q   = req_addr_i;
    assign data_q   = req_wdata_i;
    assign strobe_q = req_wstrb_i;
  end

  assign rsp_valid_o = rsp_valid_q;
  assign rsp_rdata_o = rsp_rdata_q;
  assign rsp_error_o = rsp_error_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      wait_q      <= 2'd0;
      landing_q   <= 1'b0;
      rsp_valid_q <= 1'b0;
    end else begin
      if (act && memory_granted) wait_q <= in_memory ? 2'd2 : 2'd1;
      else if (wait_q != 2'd0)   wait_q <= wait_q - 2'd1;
      landing_q <= |(tile_wr_req_o & tile_wr_gnt_i);
      if (finish)           rsp_valid_q <= 1'b1;
      else if (rsp_ready_i) rsp_valid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (finish) begin
      rsp_rdata_q <= (write_q || error) ? '0 : answer;
      rsp_error_q <= error;
    end
  end

`ifdef LACUNA_CHECK
  lacuna_stream_check #(.Width(33 + Bits + WordBytes)) u_check_req (
    .clk_i, .rst_ni, .valid_i(req_valid_i), .ready_i(req_ready_o),
    .data_i({req_write_i, req_addr_i, req_wdata_i, req_wstrb_i})
  );
  lacuna_stream_check #(.Width(1 + Bits)) u_check_rsp (
    .clk_i, .rst_ni, .valid_i(rsp_valid_o), .ready_i(rsp_ready_i),
    .data_i({rsp_error_o, rsp_rdata_o})
  );
`endif

endmodule
