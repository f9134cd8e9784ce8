// lacuna_pool of a chip whose post unit is serial: one column at a time, without multipliers.
//
// The bytes of a tap are taken one a cycle, those of a word's last tap one in GroupCycles cycles,
// so that each leaves as a result when the post unit wants it. What was combined so far goes round
// in a ring of Columns places.
//
// Contract:   as lacuna_pool, but `tap_data_i` is held until the next tap, which comes Columns
//             cycles later or more, after a last tap Columns * GroupCycles; and with the maximum
//             and the add, whose taps are the bytes plus 128, results have no sign.
// Throughput: one result in GroupCycles cycles.
// Latency:    result 0 is out one cycle after the last tap.
module lacuna_pool_serial #(
  parameter  int unsigned Columns     = 4,
  parameter  int unsigned GroupCycles = lacuna_spec_pkg::SerialGroupCycles,
  localparam int unsigned ColumnWidth = $clog2(Columns),
  localparam int unsigned WaitWidth   = $clog2(GroupCycles),
  localparam int unsigned SumBits     = 20
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic [1:0]             op_i,

  input  logic                   tap_valid_i,
  input  logic [Columns*8-1:0]   tap_data_i,
  input  logic                   tap_pad_i,
  input  logic                   tap_first_i,
  input  logic                   tap_last_i,

  output logic                   valid_o,
  output logic [ColumnWidth-1:0] group_o,
  output logic [SumBits-1:0]     value_o
);

  // A byte is taken: column 0 beside the tap, the others when the wait is over.
  logic                   busy_q, pad_q, first_q, last_q, step, pad, first, last;
  logic [ColumnWidth-1:0] column_q, column;
  logic [WaitWidth-1:0]   wait_q;

  assign step   = tap_valid_i || (busy_q && wait_q == '0);
  assign column = tap_valid_i ? '0 : column_q;
  assign pad    = tap_valid_i ? tap_pad_i : pad_q;
  assign first  = tap_valid_i ? tap_first_i : first_q;
  assign last   = tap_valid_i ? tap_last_i : last_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q  <= 1'b0;
      valid_o <= 1'b0;
    end else begin
      if (step) busy_q <= column != '1;
      valid_o <= step && last;
    end
  end

  always_ff @(posedge clk_i) begin
    if (tap_valid_i) {pad_q, first_q, last_q} <= {tap_pad_i, tap_first_i, tap_last_i};
    if (step) begin
      column_q <= column + 1'b1;
      group_o  <= column;
      wait_q   <= last ? WaitWidth'(GroupCycles - 1) : '0;
    end else begin
      wait_q <= wait_q - 1'b1;
    end
  end

  // The ring: its first place is the next column's, its last one the latest result. Results do not
  // go round: the next word begins with 0.
  logic [Columns*SumBits-1:0] ring_q;
  logic [SumBits-1:0]         old, sum, combined;
  logic [7:0]                 tap;
  logic                       is_sum, is_max, take, result_q;

  assign is_sum = op_i[1:0] != lacuna_spec_pkg::PostMax && op_i != lacuna_spec_pkg::PostAdd;
  assign is_max = op_i == lacuna_spec_pkg::PostMax;
  assign tap    = tap_data_i[8*column +: 8] ^ {!is_sum, 7'b0};
  assign old    = ring_q[SumBits-1:0];
  assign sum    = old + {{(SumBits-8){tap[7]}}, tap};
  assign take   = is_max ? !pad && tap > old[7:0] : first;

  always_comb begin
    combined = sum;
    if (!is_sum) begin
      combined[15:8] = tap;
      combined[7:0]  = take ? tap : old[7:0];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      ring_q   <= '0;
      result_q <= 1'b0;
    end else if (step) begin
      ring_q   <= {combined,
                   ring_q[(Columns-1)*SumBits +: SumBits] & {SumBits{!result_q}},
                   ring_q[(Columns-1)*SumBits-1:SumBits]};
      result_q <= last;
    end
  end

  assign value_o = ring_q[(Columns-1)*SumBits +: SumBits];

endmodule
