// Holds the tile-memory regions of the jobs in flight and tells whether an instruction meets them.
//
// Each tile has one compute job, the last one that it was given, and one reshape job at most. A
// compute job reads and writes its own tile, one after the other; a reshape reads its own and writes
// its targets. Regions are word ranges, compared as
// declared: an instruction whose addresses move with INPUT_OFFSET or OUTPUT_OFFSET declares all
// that it may reach.
//
// Contract:   `conflict_o` is combinational: the instruction reads what a job writes, or writes
//             what a job reads or writes, in a tile that both use, unless both are compute jobs. A
//             job is held from the cycle after its start bit and released in the cycle of its done
//             bit. `waits_i`: the tile's last job has not begun, and a done bit is that of the one
//             before; meanwhile every reshape conflicts.
module lacuna_scoreboard #(
  parameter int unsigned Tiles     = lacuna_spec_pkg::BaseTiles,
  parameter int unsigned TileWords = lacuna_spec_pkg::BaseTileWords
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  input  lacuna_spec_pkg::head_t head_i,
  input  logic [Tiles-1:0]       compute_start_i,
  input  logic [Tiles-1:0]       reshape_start_i,
  input  logic [Tiles-1:0]       waits_i,
  input  logic [Tiles-1:0]       compute_done_i,
  input  logic [Tiles-1:0]       reshape_done_i,
  output logic                   conflict_o
);

  // Word numbers, and one past the last.
  localparam int unsigned Bits = $clog2(TileWords) + 1;

  logic             is_reshape, unused;
  logic [Tiles-1:0] reads, writes;
  logic [Bits-1:0]  read_lo, read_hi, write_lo, write_hi;

  assign is_reshape = head_i.opcode == lacuna_spec_pkg::OpReshape;
  assign reads      = head_i.tiles[Tiles-1:0];
  assign writes     = is_reshape ? head_i.targets[Tiles-1:0] : head_i.tiles[Tiles-1:0];
  assign read_lo    = head_i.read_lo[Bits-1:0];
  assign read_hi    = head_i.read_hi[Bits-1:0];
  assign write_lo   = head_i.write_lo[Bits-1:0];
  assign write_hi   = head_i.write_hi[Bits-1:0];
  assign unused     = ^head_i;

  // Entries 0 to Tiles - 1 are compute jobs, the others reshapes.
  logic [2*Tiles-1:0] start, done, held_q, meets;

  assign start = {reshape_start_i, compute_start_i};
  assign done  = {reshape_done_i, compute_done_i & ~waits_i};

  for (genvar e = 0; e < 2 * Tiles; e++) begin : gen_entry
    localparam int unsigned Own = e % Tiles;

    logic [Bits-1:0]  read_lo_q, read_hi_q, write_lo_q, write_hi_q;
    logic [Tiles-1:0] writes_q;
    logic             read_after_write, write_after_read, write_after_write;

    if (e < Tiles) begin : gen_compute
      assign writes_q = Tiles'(1) << Own;
    end else begin : gen_reshape
      always_ff @(posedge clk_i) begin
        if (start[e]) writes_q <= head_i.targets[Tiles-1:0];
      end
    end

    always_ff @(posedge clk_i) begin
      if (start[e]) begin
        read_lo_q  <= read_lo;
        read_hi_q  <= read_hi;
        write_lo_q <= write_lo;
        write_hi_q <= write_hi;
      end
    end

    assign read_after_write  = ((reads & writes_q) != '0)
                               && (read_lo < write_hi_q) && (write_lo_q < read_hi);
    assign write_after_read  = writes[Own] && (write_lo < read_hi_q) && (read_lo_q < write_hi);
    assign write_after_write = ((writes & writes_q) != '0)
                               && (write_lo < write_hi_q) && (write_lo_q < write_hi);

    assign meets[e] = held_q[e] && !done[e] && (is_reshape || (e >= Tiles))
                      && (read_after_write || write_after_read || write_after_write);
  end

  assign conflict_o = (|meets) || (is_reshape && (waits_i != '0));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) held_q <= '0;
    else         held_q <= (held_q & ~done) | start;
  end

endmodule
