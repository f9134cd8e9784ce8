// Turns a reshape descriptor into the walk that the engines step through: one step a read.
//
// A job without transposition is walked as it is. A transposing one is walked in columns of blocks
// of W bytes by W / e rows: the innermost level goes down the C x R matrix row by row, the next one
// to the right block by block. The engine finds the ends of blocks by itself. A linear one is
// walked word by word, as many as it tells.
//
// Contract:   `walk_o` is `job_i` with counts and steps of levels 0 and 1 replaced, and with
//             the bytes of a beat where they are always the same. Bytes from the first column of a
//             block to the last of the rightmost one: `tail_o`. From a target row
//             to the next: `pitch_o`.
// Latency:    none.
module lacuna_reshape_plan #(
  parameter  int unsigned WordBytes = 2 * lacuna_spec_pkg::BaseLanes,
  localparam int unsigned OffBits   = $clog2(WordBytes)
) (
  input  lacuna_spec_pkg::reshape_t job_i,

  output lacuna_spec_pkg::reshape_t walk_o,
  output logic [4:0]                tail_o,
  output logic [18:0]               pitch_o
);

  // Bytes of a row, and target rows of a block.
  logic [12:0] row_bytes, row_end;
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

  assign row_end = row_bytes + 13'(WordBytes - 1);
  assign linear  = job_i.element == lacuna_spec_pkg::ReshapeLinear;
  assign unit    = OffBits'(1) << job_i.element;
  assign tail    = row_bytes[OffBits-1:0] - unit;
  assign tail_o  = linear ? job_i.count_0[4:0] - 5'd1 : 5'(tail);
  assign pitch_o = job_i.target_step_0;

  always_comb begin
    walk_o = job_i;
    if (job_i.transpose) begin
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
        walk_o.count_1       = (job_i.count_0 == '0 || job_i.count_1 == '0) ? 11'd0 : 11'd1;
      end
    end
  end

endmodule
