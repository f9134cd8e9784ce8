// Where the columns of a linear block lie: a matrix whose rows follow each other without a gap,
// read word by word as if it had none.
//
// Byte L = r * C + c of the block lies in bank L mod W, word L div W. C is odd, so the bytes of one
// column are in different banks. From one column to the next each address moves to the next bank,
// and one word up where it passes the last one: a ring of addresses that turns.
//
// Contract:   `start_i` begins a job; `columns_i` (C, odd) is held from the cycle after it.
//             `rows_o`, bank 0 lowest, is that of column 0 after each cycle with `first_i`, and of
//             the next column after each one with `next_i`. Row r of a column comes from bank
//             `c + r * C`, and, its data gathered with stride C, is `turn_o` bytes further in each
//             column: `turn_o * C` is 1, modulo W.
// Latency:    `ready_o` comes W + 2 cycles after `start_i`.
module lacuna_reshape_ring #(
  parameter  int unsigned WordBytes = 16,
  localparam int unsigned OffBits   = $clog2(WordBytes)
) (
  input  logic                         clk_i,

  input  logic                         start_i,
  input  logic [4:0]                   columns_i,
  output logic                         ready_o,

  input  logic                         first_i,
  input  logic                         next_i,
  output logic [WordBytes*OffBits-1:0] rows_o,
  output logic [OffBits-1:0]           turn_o
);

  localparam int unsigned CountBits = $clog2(WordBytes + 2);
  localparam int unsigned Ready     = WordBytes + 1;

  // Row r of column 0, one a cycle: byte r * C.
  logic [CountBits-1:0]         row_q;
  logic [2*OffBits-1:0]         byte_q;
  logic [OffBits-1:0]           bank, turn_q;
  logic [WordBytes*OffBits-1:0] table_q, ring_q;

  assign bank    = byte_q[OffBits-1:0];
  assign ready_o = row_q == CountBits'(Ready);
  assign turn_o  = turn_q;
  assign rows_o  = ring_q;

  always_ff @(posedge clk_i) begin
    if (start_i)       row_q <= '0;
    else if (!ready_o) row_q <= row_q + CountBits'(1);
    byte_q <= start_i ? '0 : byte_q + (2*OffBits)'(columns_i);
    if (row_q < CountBits'(WordBytes)) begin
      if (bank == OffBits'(1)) turn_q <= row_q[OffBits-1:0];
      for (int unsigned b = 0; b < WordBytes; b++) begin
        if (bank == OffBits'(b)) table_q[OffBits*b +: OffBits] <= byte_q[2*OffBits-1:OffBits];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (first_i) begin
      ring_q <= table_q;
    end else if (next_i) begin
      ring_q <= {
        ring_q[(WordBytes-1)*OffBits-1:0],
        ring_q[(WordBytes-1)*OffBits +: OffBits] + OffBits'(1)
      };
    end
  end

endmodule
