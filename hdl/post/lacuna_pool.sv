// Combines the taps of an output word: the largest, the sum, or the two operands of an add.
//
// Contract:   `op_i` is held during a job. Last taps are at least Groups cycles apart. A result is
//             20 bits a column: the sum (up to 4096 taps, padding counts as the bytes it carries),
//             the maximum in bits 7:0 (padding is skipped; -128 where nothing else is), or a in
//             bits 7:0 and b in bits 15:8.
// Throughput: one tap a cycle, ReduceColumns results a cycle.
// Latency:    group 0 is out 2 cycles after the last tap, the others follow one a cycle.
module lacuna_pool #(
  parameter  int unsigned Columns       = 16,
  parameter  int unsigned ReduceColumns = 4,
  localparam int unsigned Groups        = Columns / ReduceColumns,
  localparam int unsigned SumBits       = 20
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  input  logic [1:0]                       op_i,

  input  logic                             tap_valid_i,
  input  logic [Columns*8-1:0]             tap_data_i,
  input  logic                             tap_pad_i,
  input  logic                             tap_first_i,
  input  logic                             tap_last_i,

  output logic                             valid_o,
  output logic [ReduceColumns*SumBits-1:0] values_o
);

  localparam int unsigned GroupBits = ReduceColumns * SumBits;

  logic [Columns*SumBits-1:0] sum_q, held_q;
  logic                       full_q;
  logic [Groups-1:0]          valid_q;

  // Shared by the columns. Padding is the smallest byte to the maximum.
  logic is_sum, add_up, lowest;
  assign is_sum = op_i == lacuna_spec_pkg::PostSum;
  assign add_up = is_sum && !tap_first_i;
  assign lowest = (op_i == lacuna_spec_pkg::PostMax) && tap_pad_i;

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    logic signed [7:0]         tap, best;
    logic signed [SumBits-1:0] old, total;
    logic                      take_low, take_high;

    assign tap   = tap_data_i[8*c +: 8];
    assign old   = sum_q[SumBits*c +: SumBits];
    assign best  = old[7:0];
    assign total = old + {{(SumBits-8){tap[7]}}, tap};

    always_comb begin
      take_low  = tap_valid_i && (tap_first_i || is_sum);
      take_high = tap_valid_i && (!tap_first_i || is_sum);
      if (op_i == lacuna_spec_pkg::PostMax)
        take_low = tap_valid_i && (tap_first_i || (!tap_pad_i && (tap > best)));
    end

    always_ff @(posedge clk_i) begin
      if (take_low)
        sum_q[SumBits*c +: 8] <= add_up ? total[7:0] : lowest ? 8'h80 : tap;
      if (take_high) begin
        sum_q[SumBits*c+8 +: 8] <= add_up ? total[15:8] : is_sum ? {8{tap[7]}} : tap;
        sum_q[SumBits*c+16 +: SumBits-16] <= add_up ? total[SumBits-1:16] : {(SumBits-16){tap[7]}};
      end
    end
  end

  always_ff @(posedge clk_i) begin
    held_q <= full_q ? sum_q : held_q >> GroupBits;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      full_q  <= 1'b0;
      valid_q <= '0;
    end else begin
      full_q  <= tap_valid_i && tap_last_i;
      valid_q <= full_q ? '1 : valid_q >> 1;
    end
  end

  assign valid_o  = valid_q[0];
  assign values_o = held_q[GroupBits-1:0];

endmodule
