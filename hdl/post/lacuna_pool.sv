// Combines the taps of an output word: the largest, the sum, the sum of products with weights, or
// the two operands of an add.
//
// Contract:   `op_i` and `depthwise_i` are held during a job. Last taps are at least Groups cycles
//             apart. Column c of a tap is bits 9*c, two's complement; only `depthwise` uses more
//             than a byte. A result has SumBits a column: the sum (up to 4096 bytes, or
//             DepthwiseTaps products; padding counts as what it carries), the maximum in bits 7:0
//             (padding is skipped; -128 where nothing else is), or a in bits 7:0 and b in bits
//             15:8. Weights: see lacuna_depthwise.
// Throughput: one tap a cycle, ReduceColumns results a cycle.
// Latency:    group 0 is out 2 cycles after the last tap, 3 if there are multipliers; the others
//             follow one a cycle.
module lacuna_pool #(
  parameter  int unsigned Columns       = 16,
  parameter  int unsigned ReduceColumns = 4,
  parameter  int unsigned DepthwiseTaps = 16,
  localparam int unsigned Groups        = Columns / ReduceColumns,
  localparam int unsigned GroupWidth    = lacuna_pkg::index_width(Groups),
  localparam int unsigned TapWidth      = (DepthwiseTaps > 16) ? $clog2(DepthwiseTaps) : 4,
  localparam int unsigned ValueBits     = (DepthwiseTaps != 0) ? 17 : 16,
  localparam int unsigned SumBits       = ValueBits + TapWidth
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  input  logic [1:0]                       op_i,

  // For the multipliers, if there are any.
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic                             depthwise_i,
  input  logic                             weight_valid_i,
  input  logic                             weight_sign_i,
  input  logic [TapWidth-1:0]              weight_tap_i,
  input  logic [Columns*8-1:0]             weight_data_i,
  input  logic [TapWidth-1:0]              tap_index_i,
  /* verilator lint_on UNUSEDSIGNAL */

  input  logic                             tap_valid_i,
  input  logic [Columns*9-1:0]             tap_data_i,
  input  logic                             tap_pad_i,
  input  logic                             tap_first_i,
  input  logic                             tap_last_i,

  output logic                             valid_o,
  output logic [GroupWidth-1:0]            group_o,
  output logic [ReduceColumns*SumBits-1:0] values_o
);

  localparam int unsigned GroupBits = ReduceColumns * SumBits;

  logic [Columns*SumBits-1:0] sum_q, held_q;
  logic                       full_q;
  logic [Groups-1:0]          valid_q;

  // Taps meet their weights; a chip without multipliers passes them on.
  logic                         valid, pad, first, last;
  logic [Columns*ValueBits-1:0] values;

  if (DepthwiseTaps != 0) begin : gen_depthwise
    lacuna_depthwise #(.Columns(Columns), .Taps(DepthwiseTaps)) u_depthwise (
      .clk_i,
      .rst_ni,
      .depthwise_i,
      .weight_valid_i,
      .weight_sign_i,
      .weight_tap_i,
      .weight_data_i,
      .tap_valid_i,
      .tap_index_i,
      .tap_data_i,
      .tap_pad_i,
      .tap_first_i,
      .tap_last_i,
      .valid_o   (valid),
      .products_o(values),
      .pad_o     (pad),
      .first_o   (first),
      .last_o    (last)
    );
  end else begin : gen_bytes
    assign {valid, pad, first, last} = {tap_valid_i, tap_pad_i, tap_first_i, tap_last_i};
    for (genvar c = 0; c < Columns; c++) begin : gen_column
      assign values[ValueBits*c +: ValueBits] = ValueBits'($signed(tap_data_i[9*c +: 9]));
    end
  end

  // Shared by the columns. Padding is the smallest byte to the maximum.
  logic is_sum, is_max, low, high, lowest, greater_counts;
  assign is_sum = (op_i == lacuna_spec_pkg::PostSum) || (op_i == lacuna_spec_pkg::PostDepthwise);
  assign is_max = op_i == lacuna_spec_pkg::PostMax;
  assign low    = first || is_sum;
  assign high   = !first || is_sum;
  assign lowest = first && is_max && pad;
  assign greater_counts = is_max && !pad;

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    logic [ValueBits-1:0] value;
    logic signed [7:0]    tap, best;
    logic [SumBits-1:0]   old, added, total;

    assign value = values[ValueBits*c +: ValueBits];
    assign tap   = value[7:0];
    assign old   = sum_q[SumBits*c +: SumBits];
    assign best  = old[7:0];

    always_comb begin
      added = SumBits'($signed(value));
      if (!is_sum) added[15:8] = tap;
    end

    // Only a sum keeps what came before; else the total is the tap, in both its bytes.
    lacuna_keep_add #(.Width(SumBits)) u_total (
      .en_i  (valid),
      .a_i   (old),
      .keep_i(is_sum && !first),
      .b_i   (added),
      .sum_o (total)
    );

    always_ff @(posedge clk_i) begin
      if (valid) begin
        if (lowest)
          sum_q[SumBits*c +: 8] <= 8'h80;
        else if (low || (greater_counts && tap > best))
          sum_q[SumBits*c +: 8] <= total[7:0];
        if (high)
          sum_q[SumBits*c+8 +: SumBits-8] <= total[SumBits-1:8];
      end
    end
  end

  // The group whose results are out.
  logic [GroupWidth-1:0] group_d;
  logic [(Groups+1)/2:0] select, select_q;

  assign group_d = group_o + GroupWidth'(valid_o);

  lacuna_pick_select #(.Words(Groups)) u_select (.word_i(group_d), .select_o(select));

  lacuna_pick #(.Words(Groups), .Width(GroupBits)) u_pick (
    .en_i    (valid_q[0]),
    .words_i (held_q),
    .select_i(select_q),
    .word_o  (values_o)
  );

  always_ff @(posedge clk_i) begin
    if (full_q) held_q <= sum_q;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      full_q   <= 1'b0;
      valid_q  <= '0;
      group_o  <= '0;
      select_q <= '0;
    end else begin
      full_q   <= valid && last;
      valid_q  <= full_q ? '1 : valid_q >> 1;
      group_o  <= group_d;
      select_q <= select;
    end
  end

  assign valid_o = valid_q[0];

endmodule
