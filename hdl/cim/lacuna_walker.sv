// Walks the windows of a `run` or `post` instruction: the loops of `walk_t`, without a multiplier.
//
// Order, outermost first: block, oy, ox, [post: segment], ky, kx, [run: segment]. One level
// advances at a time: its address is stepped and becomes that of every level inside it. Blocks read
// the same windows, or those a word further on. Counts are 1 or more.
//
// `post` may leave padding out, at no cycle: the first kernel column in the first output column,
// the first kernel row in the first output row (`skip_left`, `skip_above`: the walk starts behind
// them), and what lies beyond the input (`skip_beyond`), but never every window of an output.
//
// With `double_i` segments of `run` come two by two, as one window; there are none without a
// partner.
//
// Contract:   `load_i` makes the first window the current one, `advance_i` the next one. Outputs
//             describe the current window and hold until then; after the last one they mean
//             nothing. `blocks_move_i` and `double_i` are held like the walk, and 0 unless
//             BlocksMove and Double.
// Throughput: one window a cycle.
// Latency:    one cycle from load to the first window.
module lacuna_walker #(
  parameter  int unsigned Lanes      = 8,
  parameter  int unsigned TileWords  = 2048,
  parameter  bit          BlocksMove = 1'b1,
  parameter  bit          Double     = 1'b0,
  // `post` leaves padding out and counts taps; else `tap_o` is 0.
  parameter  bit          Skip       = 1'b1,
  parameter  int unsigned TapWidth   = 5,
  localparam int unsigned WordBytes  = 2 * Lanes,
  localparam int unsigned OffWidth   = $clog2(WordBytes),
  localparam int unsigned AddrWidth  = $clog2(TileWords * WordBytes)
) (
  input  logic                   clk_i,

  // Held from `load_i` to the end of the job. Its outputs and high address bits are not used.
  /* verilator lint_off UNUSEDSIGNAL */
  input  lacuna_spec_pkg::walk_t walk_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic                   run_i,
  input  logic                   double_i,
  input  logic                   blocks_move_i,
  input  logic [AddrWidth-1:0]   offset_i,

  input  logic                   load_i,
  input  logic                   advance_i,
  // After the last window of an output row: its first one.
  input  logic                   again_i,

  output logic [AddrWidth-1:0]   addr_o,
  // Outside the input: nothing is read.
  output logic                   pad_o,
  // 1 to WordBytes.
  output logic [OffWidth:0]      bytes_o,
  // Of `post`: the window's place in the kernel, row by row.
  output logic [TapWidth-1:0]    tap_o,
  // First and last window of a vector (`run`) or of an output word (`post`).
  output logic                   first_o,
  output logic                   last_o,
  output logic                   row_end_o,
  output logic                   block_end_o,
  output logic                   job_end_o
);

  // Wide enough for any window of a layer that fits `in_h` and `in_w`, in two's complement.
  localparam int unsigned CoordWidth = 13;

  if (AddrWidth > 16) begin : gen_bad_addr
    $error("lacuna_walker: AddrWidth is %0d; an instruction steps by 16 bits at most", AddrWidth);
  end

  logic                 double;
  logic [9:0]           segments, count_0, count_2;
  logic [5:0]           count_1;
  logic [AddrWidth-1:0] segment_step;

  assign double       = Double && double_i;
  assign segments     = double ? walk_i.segments >> 1 : walk_i.segments;
  assign segment_step = double ? AddrWidth'(2 * WordBytes) : AddrWidth'(WordBytes);

  assign count_0 = run_i ? segments : {4'd0, walk_i.k_w};
  assign count_1 = run_i ? walk_i.k_w : walk_i.k_h;
  assign count_2 = run_i ? {4'd0, walk_i.k_h} : walk_i.segments;

  // The current window is the last one at each level: 0 is the innermost.
  logic last_0, last_1, last_2, last_3, last_4, last_block;
  logic counted_0, counted_1, beyond_0, beyond_1;
  logic inner_end, row_end, level_block;

  assign last_0    = counted_0 || beyond_0;
  assign last_1    = counted_1 || beyond_1;
  assign inner_end = last_0 && last_1 && last_2;
  assign row_end   = inner_end && last_3;

  // A level counts when those inside it begin anew. `short`: a turn less.
  logic moves, short_0, short_1;

  assign moves = load_i || advance_i;

  lacuna_left #(.Width(10), .Ahead(1'b1)) u_left_0 (
    .clk_i, .en_i(moves), .set_i(load_i || last_0), .turns_i(count_0 - 10'(short_0)),
    .last_o(counted_0)
  );

  lacuna_left #(.Width(6), .Ahead(1'b1)) u_left_1 (
    .clk_i, .en_i(moves && (load_i || last_0)),
    .set_i(load_i || last_1), .turns_i(count_1 - 6'(short_1)), .last_o(counted_1)
  );

  lacuna_left #(.Width(10)) u_left_2 (
    .clk_i, .en_i(moves && (load_i || (last_0 && last_1))),
    .set_i(load_i || last_2), .turns_i(count_2), .last_o(last_2)
  );

  lacuna_left #(.Width(10)) u_left_3 (
    .clk_i, .en_i(moves && (load_i || inner_end)),
    .set_i(load_i || last_3), .turns_i(walk_i.out_w), .last_o(last_3)
  );

  lacuna_left #(.Width(10)) u_left_4 (
    .clk_i, .en_i(moves && (load_i || (row_end && !again_i))),
    .set_i(load_i || last_4), .turns_i(walk_i.out_h), .last_o(last_4)
  );

  lacuna_left #(.Width(7)) u_left_block (
    .clk_i, .en_i(moves && (load_i || level_block)),
    .set_i(load_i || last_block), .turns_i(walk_i.blocks), .last_o(last_block)
  );

  // The level that advances next, one-hot; `level_block` when the whole block is done.
  logic [4:0] level;
  logic       seg_end, next_kx, next_ky, next_seg;

  assign level[0]    = !last_0;
  assign level[1]    = last_0 && !last_1;
  assign level[2]    = last_0 && last_1 && !last_2;
  assign level[3]    = inner_end && !last_3;
  assign level[4]    = row_end && (again_i || !last_4);
  assign level_block = row_end && !again_i && last_4;

  assign next_kx  = run_i ? level[1] : level[0];
  assign next_ky  = run_i ? level[2] : level[1];
  assign next_seg = run_i ? level[0] : level[2];
  assign seg_end  = run_i ? last_0 : last_2;

  // Addresses: the current one at the start of each level.
  logic [AddrWidth-1:0] addr_0_q, addr_1_q, addr_2_q, addr_3_q, addr_4_q;
  logic [AddrWidth-1:0] from, step, step_ox, step_oy, start, block_start, addr_next;

  // A simulator skips these, and the coordinates, unless there is a step.
  always_comb begin
    {from, step, addr_next} = 'x;
    if (moves) begin
      from = addr_4_q;
      step = again_i ? '0 : step_oy;
      if (level[0]) from = addr_0_q;
      if (level[1]) from = addr_1_q;
      if (level[2]) from = addr_2_q;
      if (level[3]) begin
        from = addr_3_q;
        step = step_ox;
      end
      if (next_seg) step = segment_step;
      if (next_kx) step = walk_i.step_kx[AddrWidth-1:0];
      if (next_ky) step = walk_i.step_ky[AddrWidth-1:0];
      addr_next = load_i ? start : level_block ? block_start : from + step;
    end
  end

  assign start = walk_i.start[AddrWidth-1:0] + offset_i;

  if (BlocksMove) begin : gen_block_start
    logic [AddrWidth-1:0] block_q;
    assign block_start = block_q + (blocks_move_i ? AddrWidth'(WordBytes) : '0);
    always_ff @(posedge clk_i) begin
      if (load_i) block_q <= start;
      else if (advance_i && level_block) block_q <= block_start;
    end
  end else begin : gen_one_start
    logic unused;
    assign unused      = blocks_move_i;
    assign block_start = start;
  end

  // Input coordinates: of the current window, and of the first window of the current output.
  logic [CoordWidth-1:0] y_q, x_q, y_out_q, x_out_q;
  logic [CoordWidth-1:0] y_from, x_from, y_next, x_next;
  logic [5:0]            y_step, x_step, y_stride, x_stride;  // two's complement
  logic                  first_q;

  always_comb begin
    {y_from, y_step, y_next} = 'x;
    if (moves) begin
      y_from = y_q;
      y_step = '0;
      if (next_ky) y_step = {1'b0, walk_i.y_dilation};
      if (level[3] || (next_seg && !run_i)) y_from = y_out_q;
      if (level[4]) begin
        y_from = y_out_q;
        y_step = again_i ? '0 : y_stride;
      end
      if (load_i || level_block) begin
        y_from = {{(CoordWidth-7){walk_i.y_start[6]}}, walk_i.y_start};
        y_step = '0;
      end
      y_next = y_from + {{(CoordWidth-6){y_step[5]}}, y_step};
    end
  end

  always_comb begin
    {x_from, x_step, x_next} = 'x;
    if (moves) begin
      x_from = x_q;
      x_step = '0;
      if (next_kx) x_step = {1'b0, walk_i.x_dilation};
      if (next_ky || (next_seg && !run_i)) x_from = x_out_q;
      if (level[3]) begin
        x_from = x_out_q;
        x_step = x_stride;
      end
      if (load_i || level[4] || level_block) begin
        x_from = {{(CoordWidth-7){walk_i.x_start[6]}}, walk_i.x_start};
        x_step = '0;
      end
      x_next = x_from + {{(CoordWidth-6){x_step[5]}}, x_step};
    end
  end

  if (Skip) begin : gen_skip
    lacuna_skip #(.AddrWidth(AddrWidth), .CoordWidth(CoordWidth), .TapWidth(TapWidth)) u_skip (
      .clk_i, .walk_i,
      .on_i      (!run_i),
      .load_i, .moves_i(moves), .next_kx_i(next_kx), .next_ky_i(next_ky),
      .next_ox_i (level[3]),
      .next_oy_i (level[4]),
      .next_block_i(level_block),
      .y_next_i(y_next), .x_next_i(x_next),
      .short_kx_o(short_0), .short_ky_o(short_1), .beyond_x_o(beyond_0), .beyond_y_o(beyond_1),
      .step_ox_o (step_ox), .step_oy_o(step_oy), .x_stride_o(x_stride), .y_stride_o(y_stride),
      .tap_o
    );
  end else begin : gen_every_window
    assign {short_0, short_1, beyond_0, beyond_1} = '0;
    assign step_ox  = walk_i.step_ox[AddrWidth-1:0];
    assign step_oy  = walk_i.step_oy[AddrWidth-1:0];
    assign x_stride = {1'b0, walk_i.x_stride};
    assign y_stride = {1'b0, walk_i.y_stride};
    assign tap_o    = '0;
  end

  always_ff @(posedge clk_i) begin
    if (moves) begin
      addr_0_q <= addr_next;
      if (load_i || !level[0]) addr_1_q <= addr_next;
      if (load_i || !(|level[1:0])) addr_2_q <= addr_next;
      if (load_i || inner_end) addr_3_q <= addr_next;
      if (load_i || row_end) addr_4_q <= addr_next;

      y_q <= y_next;
      x_q <= x_next;
      if (load_i || inner_end) x_out_q <= x_next;
      if (load_i || row_end) y_out_q <= y_next;
      first_q <= load_i || last_o;
    end
  end

  assign addr_o      = addr_0_q;
  assign pad_o       = (y_q >= CoordWidth'(walk_i.in_h)) || (x_q >= CoordWidth'(walk_i.in_w));
  assign bytes_o     = seg_end ? walk_i.tail[OffWidth:0] : (OffWidth + 1)'(WordBytes);
  assign first_o     = first_q;
  assign last_o      = run_i ? inner_end : (last_0 && last_1);
  assign row_end_o   = row_end;
  assign block_end_o = level_block;
  assign job_end_o   = level_block && last_block;

endmodule
