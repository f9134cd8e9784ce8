// Packs the windows of a vector into row words and subtracts the gate value.
//
// Contract:   a window comes rotated, its first byte at `position_i`; the bytes below it are those
//             held from the windows before it. `keep_i`: the window joins the bytes held; with
//             `full_i` it completes a word, and what wraps round to its bottom is held instead.
//             `flush_i`: no window, the bytes held go out. Byte i of the outcome, less the gate
//             value, is bits 9*i of `data_o`, two's complement, until the next `en_i`.
// Throughput: one window a cycle.
// Latency:    1 cycle.
module lacuna_assembler #(
  parameter  int unsigned Lanes     = 8,
  localparam int unsigned WordBytes = 2 * Lanes,
  localparam int unsigned OffWidth  = $clog2(WordBytes)
) (
  input  logic                   clk_i,

  input  logic                   en_i,
  input  logic                   keep_i,
  input  logic                   full_i,
  input  logic                   flush_i,
  // Every byte of the window is `pad_byte_i`.
  input  logic                   pad_i,
  input  logic [OffWidth-1:0]    position_i,
  input  logic [7:0]             pad_byte_i,
  input  logic [7:0]             gate_i,
  input  logic [WordBytes*8-1:0] window_i,

  output logic [WordBytes*9-1:0] data_o
);

  logic [WordBytes*8-1:0] window, held_q;
  logic [WordBytes*9-1:0] data_d, data_q;
  logic [8:0]             minus_gate;
  logic [WordBytes-1:0]   from_held;

  assign minus_gate = -{gate_i[7], gate_i};

  assign window = pad_i ? {WordBytes{pad_byte_i}} : window_i;

  // A simulator skips this, and the differences, where no slot comes.
  always_comb begin
    from_held = 'x;
    if (en_i || keep_i) begin
      for (int unsigned b = 0; b < WordBytes; b++) begin
        from_held[b] = flush_i || OffWidth'(b) < position_i;
      end
    end
  end

  for (genvar b = 0; b < WordBytes; b++) begin : gen_byte
    logic [7:0] held;

    assign held = held_q[8*b +: 8];

    lacuna_select_add #(.Width(9)) u_difference (
      .en_i,
      .a_i     (minus_gate),
      .b_i     ({held[7], held}),
      .c_i     ({window[8*b+7], window[8*b +: 8]}),
      .select_i(from_held[b]),
      .sum_o   (data_d[9*b +: 9])
    );
  end

  // A byte that joins those held is the window's; the others stay.
  always_ff @(posedge clk_i) begin
    if (keep_i) begin
      for (int unsigned b = 0; b < WordBytes; b++) begin
        if (full_i || !from_held[b]) held_q[8*b +: 8] <= window[8*b +: 8];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i) data_q <= data_d;
  end

  assign data_o = data_q;

endmodule
