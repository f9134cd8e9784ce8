// Turns a reshape instruction into the walk that the engines step through: one step a read. What
// all engines would work out alike is worked out here, once.
//
// A job without transposition is walked as it is. A transposing one is walked in columns of blocks
// of W bytes by W / e rows: the innermost level goes down the C x R matrix row by row, the next one
// to the right block by block. The engine finds the ends of blocks by itself. A linear one is
// walked word by word, as many as it tells.
//
// Contract:   `walk_o` is `job_i` with its addresses moved by the offsets that `head_i` asks for,
//             with counts and steps of levels 0 and 1 replaced, and with the bytes of a beat where
//             they are always the same. Without Transposer only addresses change, and `tail_o`,
//             `pitch_o` and `limit_o` mean nothing. `empty_o`: a count is 0, there is no beat.
//             Bytes from the first column of a block to the last of the rightmost one: `tail_o`.
//             From a target row to the next: `pitch_o`. Chunks (blocks, or single beats) that an
//             engine may hold: `limit_o`.
// Latency:    none.
module lacuna_reshape_plan #(
  parameter  int unsigned WordBytes  = 2 * lacuna_spec_pkg::BaseLanes,
  parameter  int unsigned TileWords  = lacuna_spec_pkg::BaseTileWords,
  parameter  bit          Transposer = lacuna_spec_pkg::BaseTransposer != 0,
  localparam int unsigned AddrBits   = $clog2(TileWords * WordBytes),
  localparam int unsigned OffBits    = $clog2(WordBytes),
  localparam int unsigned CountBits  = $clog2(WordBytes + 1)
) (
  input  lacuna_spec_pkg::head_t    head_i,
  input  lacuna_spec_pkg::reshape_t job_i,
  input  logic [AddrBits-1:0]       input_offset_i,
  input  logic [AddrBits-1:0]       output_offset_i,

  output lacuna_spec_pkg::reshape_t walk_o,
  output logic [4:0]                tail_o,
  output logic [AddrBits-1:0]       pitch_o,
  output logic [CountBits-1:0]      limit_o,
  output logic                      empty_o
);

  // Addresses wrap at the end of the memory.
  logic [AddrBits-1:0] source, target;
  logic                unused;

  assign source  = job_i.source[AddrBits-1:0] + (input_offset_i & {AddrBits{head_i.from_input}});
  assign target  = job_i.target[AddrBits-1:0] + (output_offset_i & {AddrBits{head_i.to_output}});
  assign empty_o = (job_i.count_0 == '0) || (job_i.count_1 == '0) || (job_i.count_2 == '0)
                   || (job_i.count_3 == '0) || (job_i.count_4 == '0);
  assign unused  = ^{head_i, job_i};

  // Bytes of a row, and target rows of a block.
  logic [12:0] row_bytes;
  logic [13:0] row_end;
  logic [18:0] block_step;
  logic        linear;

  logic [OffBits-1:0] unit, tail;

  always_comb begin
    row_bytes  = {2'd0, job_i.count_0};
    block_step = job_i.target_step_0 << OffBits;
    if (job_i.element == 2'd1) begin
      row_bytes  = {1'd0, job_i.count_0, 1'd0};
      block_step = job_i.target_step_0 << (OffBits - 1);
    end
    if (job_i.element == 2'd2) begin
      row_bytes  = {job_i.count_0, 2'd0};
      block_step = job_i.target_step_0 << (OffBits - 2);
    end
  end

  assign row_end = {1'b0, row_bytes} + 14'(WordBytes - 1);
  assign linear  = job_i.element == lacuna_spec_pkg::ReshapeLinear;
  assign unit    = OffBits'(1) << job_i.element;
  assign tail    = row_bytes[OffBits-1:0] - unit;
  assign tail_o  = linear ? job_i.count_0[4:0] - 5'd1 : 5'(tail);
  assign pitch_o = job_i.target_step_0[AddrBits-1:0];

  always_comb begin
    limit_o = (job_i.capacity == '0 || job_i.capacity > 8'(WordBytes))
              ? CountBits'(WordBytes) : CountBits'(job_i.capacity);
    if (job_i.transpose) begin
      limit_o = (job_i.capacity == '0 || job_i.capacity > 8'(WordBytes)) ? CountBits'(2)
                                                                         : CountBits'(1);
    end
  end

  always_comb begin
    walk_o        = job_i;
    walk_o.source = 18'(source);
    walk_o.target = 18'(target);
    if (Transposer && job_i.transpose) begin
      walk_o.count_0       = job_i.count_1;
      walk_o.source_step_0 = job_i.source_step_1;
      walk_o.target_step_0 = 19'd1 << job_i.element;
      walk_o.count_1       = 11'(row_end >> OffBits);
      walk_o.source_step_1 = 19'(WordBytes);
      walk_o.target_step_1 = block_step;
      if (linear) begin
        walk_o.bytes         = job_i.count_1[4:0];
        walk_o.count_0       = {6'd0, job_i.bytes};
        walk_o.source_step_0 = 19'(WordBytes);
        walk_o.count_1       = 11'd1;
      end
    end
  end

endmodule
