// Reshape engine of one tile: lacuna_reshape_blocks, or lacuna_reshape_copy where there is no
// transposer.
//
// Contract:   `start_i` (cycle 0, engine idle) beside the tiles that are written and what
//             lacuna_reshape_plan makes of an instruction whose bounds were checked. `done_o` pulses in the cycle after
//             the last beat was taken: a read issued in the cycle after `done_o` sees it. A job
//             with a count of 0 has no beats and is done in cycle 1. `work_o`, the beats sent
//             (saturating), is valid from `done_o` until the next start. Read data is on
//             `rd_data_i` 2 cycles after the grant, turned by `rd_position_o`. Byte k of a beat is
//             byte `(beat_position_o + k) mod W` of its data; bytes from `beat_bytes_o` on mean
//             nothing.
module lacuna_reshape #(
  parameter  int unsigned Tiles      = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned WordBytes  = 2 * lacuna_spec_pkg::BaseLanes,
  parameter  int unsigned TileWords  = lacuna_spec_pkg::BaseTileWords,
  parameter  bit          Transposer = lacuna_spec_pkg::BaseTransposer != 0,
  localparam int unsigned AddrBits   = $clog2(TileWords * WordBytes),
  localparam int unsigned OffBits    = $clog2(WordBytes),
  localparam int unsigned ByteBits   = $clog2(WordBytes + 1),
  localparam int unsigned CountBits  = $clog2(WordBytes + 1)
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,

  input  logic                      start_i,
  input  logic [Tiles-1:0]          targets_i,
  input  lacuna_spec_pkg::reshape_t walk_i,
  input  logic [4:0]                tail_i,
  input  logic [AddrBits-1:0]       pitch_i,
  input  logic [CountBits-1:0]      limit_i,
  input  logic                      empty_i,
  // Without Transposer `walk_i` is the job as it stands, and the engine adds what it is moved by.
  input  logic [AddrBits-1:0]       input_offset_i,
  input  logic [AddrBits-1:0]       output_offset_i,
  output logic                      done_o,
  output logic [lacuna_spec_pkg::ProfileBits-1:0] work_o,
  // A beat leaves in this cycle.
  output logic                      sent_o,

  // The program's memory, without Transposer: see lacuna_reshape_copy.
  output logic                      mem_en_o,
  output logic                      mem_wr_o,
  output logic                      mem_state_o,
  output logic [4:0]                mem_word_o,
  output logic [15:0]               mem_wr_data_o,
  input  logic [31:0]               mem_rd_data_i,

  output logic                      rd_req_o,
  input  logic                      rd_gnt_i,
  output logic [AddrBits-1:0]       rd_addr_o,
  output logic [OffBits-1:0]        rd_position_o,
  input  logic [8*WordBytes-1:0]    rd_data_i,

  output logic                      beat_valid_o,
  input  logic                      beat_ready_i,
  output logic [Tiles-1:0]          beat_targets_o,
  output logic [AddrBits-1:0]       beat_addr_o,
  output logic [ByteBits-1:0]       beat_bytes_o,
  output logic [OffBits-1:0]        beat_position_o,
  output logic [8*WordBytes-1:0]    beat_data_o
);

  if (!Transposer && Tiles > 1) begin : gen_bad_transposer
    $error("lacuna_reshape: Tiles is %0d without a Transposer; give such a chip one", Tiles);
  end
  if (Transposer && WordBytes < 8) begin : gen_bad_word
    $error("lacuna_reshape: WordBytes is %0d; a Transposer takes 8 at least", WordBytes);
  end

  if (Transposer) begin : gen_blocks
    logic unused;

    assign unused        = ^{input_offset_i, output_offset_i, mem_rd_data_i};
    assign mem_en_o      = 1'b0;
    assign mem_wr_o      = 1'b0;
    assign mem_state_o   = 1'b0;
    assign mem_word_o    = '0;
    assign mem_wr_data_o = '0;

    lacuna_reshape_blocks #(
      .Tiles(Tiles), .WordBytes(WordBytes), .TileWords(TileWords), .Hold(Tiles > 1)
    ) u_blocks (
      .clk_i, .rst_ni,
      .start_i, .targets_i, .walk_i, .tail_i, .pitch_i, .limit_i, .empty_i,
      .done_o, .work_o, .sent_o,
      .rd_req_o, .rd_gnt_i, .rd_addr_o, .rd_position_o, .rd_data_i,
      .beat_valid_o, .beat_ready_i, .beat_targets_o, .beat_addr_o, .beat_bytes_o,
      .beat_position_o, .beat_data_o
    );
  end else begin : gen_copy
    logic unused;

    assign unused          = ^{tail_i, pitch_i, limit_i, empty_i};
    assign rd_position_o   = '0;
    assign beat_position_o = '0;

    lacuna_reshape_copy #(
      .Tiles(Tiles), .WordBytes(WordBytes), .TileWords(TileWords)
    ) u_copy (
      .clk_i, .rst_ni,
      .start_i, .targets_i, .job_i(walk_i), .input_offset_i, .output_offset_i,
      .done_o, .work_o, .sent_o,
      .mem_en_o, .mem_wr_o, .mem_state_o, .mem_word_o, .mem_wr_data_o, .mem_rd_data_i,
      .rd_req_o, .rd_gnt_i, .rd_addr_o, .rd_data_i,
      .beat_valid_o, .beat_ready_i, .beat_targets_o, .beat_addr_o, .beat_bytes_o, .beat_data_o
    );
  end

endmodule
