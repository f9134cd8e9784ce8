// Reshape engine of one tile, with a transposer: reads beats from its tile memory, or fills, and
// sends them to target tiles through the route.
//
// What was read lies in the chunk buffer until it is sent. Without transposition a beat leaves as
// it came. With it, the beats of W / e rows are a block, and what leaves are the block's columns.
// Two blocks are in hand: one is sent while the next is read, each row into the places of a column
// that has left, so that the buffer's latency costs nothing. A linear matrix, whose rows leave no
// gaps, is a block read word by word; its columns are put in order on their way out.
//
// Contract:   as lacuna_reshape.
// Throughput: one beat a cycle. A matrix takes the larger of its reads, R * ceil(C * e / W), and
//             its writes, C * ceil(R * e / W).
// Latency:    a beat is offered 3 cycles after its read is granted, a column 3 cycles after its
//             block's last row.
module lacuna_reshape_blocks #(
  parameter  int unsigned Tiles     = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned WordBytes = 2 * lacuna_spec_pkg::BaseLanes,
  parameter  int unsigned TileWords = lacuna_spec_pkg::BaseTileWords,
  // Keep a copy of the job; else all that comes beside `start_i` is held until `done_o`.
  parameter  bit          Hold      = 1'b1,
  localparam int unsigned AddrBits  = $clog2(TileWords * WordBytes),
  localparam int unsigned OffBits   = $clog2(WordBytes),
  localparam int unsigned ByteBits  = $clog2(WordBytes + 1),
  localparam int unsigned CountBits = $clog2(WordBytes + 1)
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
  output logic                      done_o,
  output logic [lacuna_spec_pkg::ProfileBits-1:0] work_o,
  // A beat leaves in this cycle.
  output logic                      sent_o,

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

  // Chunks in hand: blocks, or single beats.
  localparam int unsigned Chunks    = WordBytes;
  localparam int unsigned WorkBits  = lacuna_spec_pkg::ProfileBits;

  // The job. `unit_q`: bytes of an element.
  logic                 busy_q, issuing_q, fill_q, transpose_q, linear, linear_q;
  logic [7:0]           value_q;
  logic [ByteBits-1:0]  bytes_q;
  logic [Tiles-1:0]     targets_q;
  logic [OffBits-1:0]   unit, unit_q;
  logic [4:0]           tail_q;
  logic [AddrBits-1:0]  pitch_q;
  logic [CountBits-1:0] limit_q;

  assign linear = walk_i.transpose && (walk_i.element == lacuna_spec_pkg::ReshapeLinear);
  assign unit   = linear ? OffBits'(1) : OffBits'(1) << walk_i.element;

  if (Hold) begin : gen_hold
    always_ff @(posedge clk_i) begin
      if (start_i) begin
        fill_q      <= walk_i.fill;
        value_q     <= walk_i.value;
        bytes_q     <= walk_i.bytes[ByteBits-1:0];
        transpose_q <= walk_i.transpose;
        linear_q    <= linear;
        targets_q   <= targets_i;
        unit_q      <= unit;
        tail_q      <= tail_i;
        pitch_q     <= pitch_i;
        limit_q     <= limit_i;
      end
    end
  end else begin : gen_held
    assign fill_q      = walk_i.fill;
    assign value_q     = walk_i.value;
    assign bytes_q     = walk_i.bytes[ByteBits-1:0];
    assign transpose_q = walk_i.transpose;
    assign linear_q    = linear;
    assign targets_q   = targets_i;
    assign unit_q      = unit;
    assign tail_q      = tail_i;
    assign pitch_q     = pitch_i;
    assign limit_q     = limit_i;
  end

  // Reads. `row_q`: bytes of elements from the block's first row to this one.
  logic                 last, bottom, rightmost, may_issue, issue, room, chunk_ends;
  logic [AddrBits-1:0]  source, target;
  logic [OffBits-1:0]   row_q, row_next;
  logic [4:0]           column_q, column_last;
  logic [OffBits-1:0]   issue_q, send_q;  // Numbers of chunks, counted through all jobs.
  logic [CountBits-1:0] held_q;           // Chunks read in full and not sent in full.
  logic                 chunk_sent;

  lacuna_reshape_walker #(.AddrBits(AddrBits), .Hold(Hold)) u_walker (
    .clk_i,
    .load_i  (start_i),
    .job_i   (walk_i),
    .step_i  (issue),
    .last_o  (last),
    .ends_o  ({rightmost, bottom}),
    .source_o(source),
    .target_o(target)
  );

  assign row_next   = row_q + unit_q;
  assign chunk_ends = !transpose_q || bottom || (row_next == '0);

  // A row takes the place of a column of the block before the last one.
  assign room = (held_q < limit_q)
                || (transpose_q && !linear_q && (held_q == limit_q) && (5'(row_q) < column_q));

  assign may_issue     = issuing_q && room;
  assign rd_req_o      = may_issue && !fill_q;
  assign rd_addr_o     = source;
  assign rd_position_o = linear_q ? OffBits'(0) : row_q;
  assign issue         = may_issue && (fill_q || rd_gnt_i);

  // Two cycles of read; a fill waits as long, so that beats keep their order and their timing.
  // Blocks alternate between the halves, and in each half between plain words and diagonals.
  logic               first_valid_q, second_valid_q, first_ends_q, second_ends_q;
  logic               half, diagonal, first_half_q, second_half_q;
  logic               first_diagonal_q, second_diagonal_q;
  logic [OffBits-1:0] place, first_row_q, second_row_q, spread;

  assign half     = transpose_q && issue_q[0];
  assign diagonal = transpose_q && !linear_q && issue_q[1];
  assign spread   = -unit_q;

  always_comb begin
    place = issue_q;
    if (transpose_q) place = diagonal ? -row_q : row_q;
  end

  always_ff @(posedge clk_i) begin
    first_valid_q     <= issue && rst_ni;
    second_valid_q    <= first_valid_q && rst_ni;
    first_ends_q      <= chunk_ends;
    second_ends_q     <= first_ends_q;
    first_half_q      <= half;
    second_half_q     <= first_half_q;
    first_diagonal_q  <= diagonal;
    second_diagonal_q <= first_diagonal_q;
    first_row_q       <= place;
    second_row_q      <= first_row_q;
  end

  // What is known of a chunk when its first read is issued, and when its last one is.
  logic [AddrBits-1:0] chunk_target;

  lacuna_ram_lut #(.Words(Chunks), .Width(AddrBits)) u_targets (
    .clk_i,
    .wr_en_i  (issue && (row_q == '0)),
    .wr_addr_i(issue_q),
    .wr_data_i(target),
    .rd_en_i  (ready_q != '0),
    .rd_addr_i(send_q),
    .rd_data_o(chunk_target)
  );

  lacuna_ram_lut #(.Words(Chunks), .Width(5 + ByteBits)) u_shapes (
    .clk_i,
    .wr_en_i  (issue && chunk_ends),
    .wr_addr_i(issue_q),
    .wr_data_i({
      transpose_q ? (rightmost ? tail_q : 5'(spread)) : 5'd0,
      (transpose_q && !linear_q) ? ByteBits'(row_q) + ByteBits'(unit_q) : bytes_q
    }),
    .rd_en_i  (ready_q != '0),
    .rd_addr_i(send_q),
    .rd_data_o({column_last, beat_bytes_o})
  );

  // Beats. `column_q`: bytes of elements from the block's first column to this one; `turn_q`: where
  // in the data the column begins.
  logic [CountBits-1:0] ready_q;  // Chunks of which all is in the buffer.
  logic [AddrBits-1:0]  next_addr_q;
  logic                 pop, send_diagonal, ring_ready;
  logic [OffBits-1:0]   send_row, turn_q, ring_turn;

  logic [WordBytes*OffBits-1:0] ring_rows;
  logic [8*WordBytes-1:0]       column_data;

  assign send_diagonal = transpose_q && !send_q[1];

  always_comb begin
    send_row = send_q;
    if (transpose_q) send_row = send_diagonal ? -turn_q : turn_q;
  end

  lacuna_reshape_ring #(.WordBytes(WordBytes)) u_ring (
    .clk_i,
    .start_i,
    .columns_i({tail_q[4:1], 1'b1}),
    .ready_o  (ring_ready),
    .first_i  (chunk_sent || ((column_q == '0) && !pop)),
    .next_i   (pop),
    .rows_o   (ring_rows),
    .turn_o   (ring_turn)
  );

  lacuna_reshape_buffer #(.WordBytes(WordBytes)) u_buffer (
    .clk_i,
    .wr_en_i    (second_valid_q),
    .wr_half_i  (second_half_q),
    .wr_row_i   (second_row_q),
    .wr_spread_i(spread & {OffBits{second_diagonal_q}}),
    .wr_data_i  (fill_q ? {WordBytes{value_q}} : rd_data_i),
    .rd_en_i    (ready_q != '0),
    .rd_half_i  (transpose_q && send_q[0]),
    .rd_row_i   (send_row),
    .rd_spread_i(spread & {OffBits{send_diagonal}}),
    .rd_own_i   (linear_q),
    .rd_rows_i  (ring_rows),
    .rd_data_o  (column_data)
  );

  lacuna_reshape_stride #(.WordBytes(WordBytes)) u_stride (
    .stride_i({tail_q[3:1], 1'b1} & {4{linear_q}}),
    .data_i  (column_data),
    .data_o  (beat_data_o)
  );

  assign beat_valid_o    = (ready_q != '0) && (ring_ready || !linear_q);
  assign beat_targets_o  = targets_q;
  assign beat_addr_o     = (column_q == '0) ? chunk_target : next_addr_q;
  assign beat_position_o = turn_q;
  assign pop             = beat_valid_o && beat_ready_i;
  assign chunk_sent      = pop && (column_q == column_last);
  assign sent_o          = pop;
  assign work_o          = work_q;
  assign done_o          = busy_q && !issuing_q && (held_q == '0);

  logic [WorkBits-1:0] work_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q    <= 1'b0;
      issuing_q <= 1'b0;
      row_q     <= '0;
      column_q  <= '0;
      turn_q    <= '0;
      issue_q   <= '0;
      send_q    <= '0;
      held_q    <= '0;
      ready_q   <= '0;
    end else begin
      if (start_i)     busy_q <= 1'b1;
      else if (done_o) busy_q <= 1'b0;
      if (start_i)            issuing_q <= !empty_i;
      else if (issue && last) issuing_q <= 1'b0;
      if (issue) row_q <= chunk_ends ? '0 : row_next;
      if (pop) begin
        column_q <= chunk_sent ? '0 : column_q + 5'(unit_q);
        turn_q   <= chunk_sent ? '0 : turn_q + (linear_q ? ring_turn : unit_q);
      end
      issue_q <= issue_q + OffBits'(issue && chunk_ends);
      send_q  <= send_q + OffBits'(chunk_sent);
      held_q  <= held_q + CountBits'(issue && chunk_ends) - CountBits'(chunk_sent);
      ready_q <= ready_q + CountBits'(second_valid_q && second_ends_q) - CountBits'(chunk_sent);
    end
  end

  always_ff @(posedge clk_i) begin
    if (pop) next_addr_q <= beat_addr_o + pitch_q;
    if (start_i)                    work_q <= '0;
    else if (pop && (work_q != '1)) work_q <= work_q + WorkBits'(1);
  end

endmodule
