// What a walker must know to leave the padding of `post` out.
//
// Left and above, the first output column and row have a kernel column or row less (`skip_left`,
// `skip_above`), so that the next output is further on in memory than others are. Beyond the input
// a kernel row or column ends with the last window inside; the first window of either stays.
//
// Contract:   the walk and `on_i` are held from `load_i` to the end of the job; `load_i` or one of
//             `next_*_i` (or none: another segment of the output) is what a move (`moves_i`) makes.
//             `short_*_o`: the loop that the move begins has a turn less; the other outputs are
//             those of the current window.
// Latency:    none; `tap_o` counts the kernel's windows, those left out too, row by row.
module lacuna_skip #(
  parameter int unsigned AddrWidth  = 15,
  parameter int unsigned CoordWidth = 13,
  parameter int unsigned TapWidth   = 5
) (
  input  logic                   clk_i,

  /* verilator lint_off UNUSEDSIGNAL */
  input  lacuna_spec_pkg::walk_t walk_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic                   on_i,

  input  logic                   load_i,
  input  logic                   moves_i,
  input  logic                   next_kx_i,
  input  logic                   next_ky_i,
  input  logic                   next_ox_i,
  input  logic                   next_oy_i,
  input  logic                   next_block_i,
  // Of the window that the move makes the current one.
  input  logic [CoordWidth-1:0]  y_next_i,
  input  logic [CoordWidth-1:0]  x_next_i,

  output logic                   short_kx_o,
  output logic                   short_ky_o,
  // The next kernel column, the next kernel row is to the right of the input or below it.
  output logic                   beyond_x_o,
  output logic                   beyond_y_o,
  // To the next output column and row; strides in two's complement.
  output logic [AddrWidth-1:0]   step_ox_o,
  output logic [AddrWidth-1:0]   step_oy_o,
  output logic [5:0]             x_stride_o,
  output logic [5:0]             y_stride_o,
  output logic [TapWidth-1:0]    tap_o
);

  // The current output is of the first column, of the first row; and that of the next window.
  logic left, above, left_q, above_q, left_next, above_next;

  assign left       = on_i && walk_i.skip_left && (walk_i.k_w != 6'd1);
  assign above      = on_i && walk_i.skip_above && (walk_i.k_h != 6'd1);
  assign left_next  = load_i || next_oy_i || next_block_i || (left_q && !next_ox_i);
  assign above_next = load_i || next_block_i || (above_q && !next_oy_i);
  assign short_kx_o = left && left_next;
  assign short_ky_o = above && above_next;

  always_ff @(posedge clk_i) begin
    if (moves_i) begin
      left_q  <= left_next;
      above_q <= above_next;
    end
  end

  // From an output that starts behind its first kernel column, to one that does not.
  logic [AddrWidth-1:0] from_left_q, from_above_q;
  logic [5:0]           left_stride_q, above_stride_q;

  always_ff @(posedge clk_i) begin
    if (load_i) begin
      from_left_q    <= AddrWidth'(walk_i.step_ox) - AddrWidth'(walk_i.step_kx);
      from_above_q   <= AddrWidth'(walk_i.step_oy) - AddrWidth'(walk_i.step_ky);
      left_stride_q  <= {1'b0, walk_i.x_stride} - {1'b0, walk_i.x_dilation};
      above_stride_q <= {1'b0, walk_i.y_stride} - {1'b0, walk_i.y_dilation};
    end
  end

  logic from_left, from_above;

  assign from_left  = left && left_q;
  assign from_above = above && above_q;
  assign step_ox_o  = from_left ? from_left_q : AddrWidth'(walk_i.step_ox);
  assign step_oy_o  = from_above ? from_above_q : AddrWidth'(walk_i.step_oy);
  assign x_stride_o = from_left ? left_stride_q : {1'b0, walk_i.x_stride};
  assign y_stride_o = from_above ? above_stride_q : {1'b0, walk_i.y_stride};

  // Registers: nothing stands before what a walker does with them. Signed comparisons, for
  // coordinates are below 0 to the left and above.
  logic                         beyond;
  logic signed [CoordWidth-1:0] y_last, x_last;

  assign beyond = on_i && walk_i.skip_beyond;
  assign y_last = CoordWidth'(walk_i.in_h) - CoordWidth'(walk_i.y_dilation);
  assign x_last = CoordWidth'(walk_i.in_w) - CoordWidth'(walk_i.x_dilation);

  always_ff @(posedge clk_i) begin
    if (moves_i) begin
      beyond_y_o <= beyond && ($signed(y_next_i) >= y_last);
      beyond_x_o <= beyond && ($signed(x_next_i) >= x_last);
    end
  end

  // The place in the kernel: of the current window, and of the first one of its row.
  logic [TapWidth-1:0] row_q, row_next, first;

  assign first    = (short_ky_o ? TapWidth'(walk_i.k_w) : '0) + TapWidth'(short_kx_o);
  assign row_next = next_ky_i && !load_i ? row_q + TapWidth'(walk_i.k_w) : first;

  always_ff @(posedge clk_i) begin
    if (moves_i) begin
      if (next_kx_i && !load_i) begin
        tap_o <= tap_o + TapWidth'(1);
      end else begin
        tap_o <= row_next;
        row_q <= row_next;
      end
    end
  end

endmodule
