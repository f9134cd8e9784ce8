// Proves lacuna_scoreboard: no word is read before the jobs that write it are done, and none is
// written before the jobs that read or write it are; but for compute jobs among themselves.
//
// Word and tile are any ones. The proof remembers by itself, for each job in flight, whether it
// reads or writes that word, and so of the job that a tile is at while the last one that it was given
// waits. `hierconn` signals are the scoreboard's own.
module lacuna_scoreboard_proof (
  input logic         clk_i,
  input logic         rst_ni,
  input logic [127:0] head_i,
  input logic         go_i,
  input logic [3:0]   finish_i,
  input logic [1:0]   waits_i
);

  localparam int unsigned Tiles = 2;
  localparam int unsigned Units = 2 * Tiles;

  lacuna_spec_pkg::head_t head;
  logic                   is_reshape, conflict_o;
  logic [Tiles-1:0]       compute_start, reshape_start;
  logic [Units-1:0]       start, done;

  assign head          = head_i;
  assign is_reshape    = head.opcode == lacuna_spec_pkg::OpReshape;
  assign compute_start = head.tiles[Tiles-1:0] & {Tiles{go_i && !is_reshape}};
  assign reshape_start = head.tiles[Tiles-1:0] & {Tiles{go_i && is_reshape}};
  assign start         = {reshape_start, compute_start};

  // The job before the last one, while that waits.
  logic [Tiles-1:0] before_q, before_reads_q, before_writes_q;

  assign done = finish_i & {\u_dut.held_q [3:2],
                            (waits_i & before_q) | (~waits_i & \u_dut.held_q [1:0])};

  lacuna_scoreboard #(.Tiles(Tiles), .TileWords(8)) u_dut (
    .clk_i, .rst_ni,
    .head_i         (head),
    .compute_start_i(compute_start),
    .reshape_start_i(reshape_start),
    .waits_i,
    .compute_done_i (done[Tiles-1:0]),
    .reshape_done_i (done[Units-1:Tiles]),
    .conflict_o
  );

  (* hierconn *) logic [3:0] \u_dut.held_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[0].read_lo_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[1].read_lo_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[2].read_lo_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[3].read_lo_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[0].read_hi_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[1].read_hi_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[2].read_hi_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[3].read_hi_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[0].write_lo_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[1].write_lo_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[2].write_lo_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[3].write_lo_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[0].write_hi_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[1].write_hi_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[2].write_hi_q ;
  (* hierconn *) logic [3:0] \u_dut.gen_entry[3].write_hi_q ;
  (* hierconn *) logic [1:0] \u_dut.gen_entry[2].writes_q ;
  (* hierconn *) logic [1:0] \u_dut.gen_entry[3].writes_q ;

  logic [Units-1:0][3:0] read_lo, read_hi, write_lo, write_hi;
  logic [Units-1:0][1:0] targets;

  assign read_lo  = {\u_dut.gen_entry[3].read_lo_q , \u_dut.gen_entry[2].read_lo_q ,
                     \u_dut.gen_entry[1].read_lo_q , \u_dut.gen_entry[0].read_lo_q };
  assign read_hi  = {\u_dut.gen_entry[3].read_hi_q , \u_dut.gen_entry[2].read_hi_q ,
                     \u_dut.gen_entry[1].read_hi_q , \u_dut.gen_entry[0].read_hi_q };
  assign write_lo = {\u_dut.gen_entry[3].write_lo_q , \u_dut.gen_entry[2].write_lo_q ,
                     \u_dut.gen_entry[1].write_lo_q , \u_dut.gen_entry[0].write_lo_q };
  assign write_hi = {\u_dut.gen_entry[3].write_hi_q , \u_dut.gen_entry[2].write_hi_q ,
                     \u_dut.gen_entry[1].write_hi_q , \u_dut.gen_entry[0].write_hi_q };
  assign targets  = {\u_dut.gen_entry[3].writes_q , \u_dut.gen_entry[2].writes_q , 2'b10, 2'b01};

  initial assume (!rst_ni);

  // A reshape engine starts only when it is idle, a tile when no job waits; regions lie in the memory.
  always_comb begin
    assume ((reshape_start & \u_dut.held_q [3:2]) == '0);
    assume ((compute_start & waits_i) == '0);
    assume ((before_q & ~waits_i) == '0);
    assume ((waits_i & ~\u_dut.held_q [1:0]) == '0);
    assume (head.read_hi <= 16'd8 && head.write_hi <= 16'd8);
    assume (head.read_lo <= head.read_hi && head.write_lo <= head.write_hi);
  end

  (* anyconst *) logic       tile;
  (* anyconst *) logic [2:0] word;

  logic             in_reads, in_writes, now_reads, now_writes;
  logic [Units-1:0] reads_q, writes_q, reads, writes;  // By the proof, and by the scoreboard.
  logic [Units-1:0] ends;                              // Done bits of the jobs in `held_q`.
  logic [Units-1:0] reading, writing;                  // In flight beyond this cycle.

  assign in_reads   = (head.read_lo <= 16'(word)) && (16'(word) < head.read_hi);
  assign in_writes  = (head.write_lo <= 16'(word)) && (16'(word) < head.write_hi);
  assign now_reads  = head.tiles[tile] && in_reads;
  assign now_writes = (is_reshape ? head.targets[tile] : head.tiles[tile]) && in_writes;

  for (genvar e = 0; e < Units; e++) begin : gen_job
    localparam logic Own = 1'(e % Tiles);

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        reads_q[e]  <= 1'b0;
        writes_q[e] <= 1'b0;
      end else if (start[e]) begin
        reads_q[e]  <= (tile == Own) && in_reads;
        writes_q[e] <= ((e < Tiles) ? (tile == Own) : head.targets[tile]) && in_writes;
      end else if (ends[e]) begin
        reads_q[e]  <= 1'b0;
        writes_q[e] <= 1'b0;
      end
    end

    assign reads[e]  = \u_dut.held_q [e] && (tile == Own)
                       && (read_lo[e] <= 4'(word)) && (4'(word) < read_hi[e]);
    assign writes[e] = \u_dut.held_q [e] && targets[e][tile]
                       && (write_lo[e] <= 4'(word)) && (4'(word) < write_hi[e]);
  end

  for (genvar t = 0; t < Tiles; t++) begin : gen_before
    always_ff @(posedge clk_i) begin
      if (!rst_ni || done[t]) begin
        before_q[t]        <= 1'b0;
        before_reads_q[t]  <= 1'b0;
        before_writes_q[t] <= 1'b0;
      end else if (compute_start[t]) begin
        before_q[t]        <= \u_dut.held_q [t];
        before_reads_q[t]  <= reads_q[t];
        before_writes_q[t] <= writes_q[t];
      end
    end
  end

  assign ends = done & ~{2'b00, waits_i};

  always_comb begin
    reading = reads_q & ~ends;
    writing = writes_q & ~ends;
    if (is_reshape) begin
      reading[Tiles-1:0] = reading[Tiles-1:0] | (before_q & before_reads_q & ~done[Tiles-1:0]);
      writing[Tiles-1:0] = writing[Tiles-1:0] | (before_q & before_writes_q & ~done[Tiles-1:0]);
    end else begin
      reading[Tiles-1:0] = '0;
      writing[Tiles-1:0] = '0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      knows_reads:  assert (reads_q == reads);
      knows_writes: assert (writes_q == writes);
      if (now_reads) begin
        reads_after_write: assert (conflict_o || (writing == '0));
      end
      if (now_writes) begin
        writes_after_all: assert (conflict_o || ((reading | writing) == '0));
      end
    end
  end

endmodule
