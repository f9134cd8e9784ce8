// Sparsity monitor: measures the batches of a `run` before they are processed and decides how.
//
// A batch is an output row. Its windows come twice, less the first and less the second gate value.
// The gate value that leaves fewer essential digits wins once it saves more than the hysteresis;
// the batch is gated if the share of rows that equal the winner reaches the threshold, which is
// lower by the hysteresis while the array is gated.
//
// Contract:   threshold and hysteresis are held from `start_i` to the end of the job; `on_i`: it is
//             monitored. `probe_last_i` marks a batch's last window, of the second gate value. What
//             is decided for `row_i` is remembered for the last MonitorRows rows, and shows on
//             `gated_o` and `second_o` the cycle after `decided_o`, on `post_second_o` for another
//             row. Unless `on_i` rows are gated, by the first gate value.
// Throughput: one window a cycle.
// Latency:    `decided_o` comes 4 cycles after a batch's last window.
//
// What is registered is worked out inside the clocked blocks: a simulator then skips it where no
// window comes.
module lacuna_monitor #(
  parameter  int unsigned Lanes      = 8,
  parameter  int unsigned DigitBits  = 4,
  localparam int unsigned Columns    = 2 * Lanes,
  localparam int unsigned CountWidth = $clog2(Columns + 1),
  localparam int unsigned RowWidth   = $clog2(lacuna_spec_pkg::MonitorRows),
  localparam int unsigned CountBits  = lacuna_spec_pkg::DecisionBits
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  input  logic                   start_i,
  input  logic                   on_i,
  input  logic [4:0]             threshold_i,
  input  logic [2:0]             hysteresis_i,

  input  logic                   probe_valid_i,
  input  logic [Columns*9-1:0]   probe_data_i,
  input  logic [CountWidth-1:0]  probe_count_i,
  input  logic                   probe_second_i,
  input  logic                   probe_last_i,

  output logic                   decided_o,
  input  logic [RowWidth-1:0]    row_i,
  output logic                   gated_o,
  output logic                   second_o,
  input  logic [RowWidth-1:0]    post_row_i,
  output logic                   post_second_o,

  // Batches lowest, then those gated, those by the second gate value, and crossings; saturating.
  output logic [4*CountBits-1:0] counts_o
);

  // Slots of a row that may hold an essential digit.
  localparam int unsigned Slots     = (DigitBits == 8) ? 1 : 8 / DigitBits + 1;
  localparam int unsigned DigitsMax = Slots * Columns;
  localparam int unsigned SumWidth  = $clog2(DigitsMax + 1);
  // The largest batch: 2^22 rows, 30 sixteenths of each, and a sign; digits likewise.
  localparam int unsigned ShareBits = 28;
  localparam int unsigned GainBits  = 30;
  localparam int unsigned WantedBits = CountWidth + 5;
  localparam int unsigned CostBits   = SumWidth + 5;

  // Stage 1: which rows equal the gate value, which slots are used.
  logic [Columns-1:0]       zero_q;
  logic [Columns*Slots-1:0] used_q;
  logic [CountWidth-1:0]    count_1_q;

  for (genvar b = 0; b < Columns; b++) begin : gen_row
    logic [8:0]       d;
    logic             present;
    logic [Slots-1:0] slots;

    assign d       = probe_data_i[9*b +: 9];
    assign present = probe_count_i > CountWidth'(b);

    if (DigitBits == 8) begin : gen_whole
      assign slots = d != '0;
    end else begin : gen_recode
      logic [3*Slots*(DigitBits/2)-1:0] terms;
      logic                             unused;
      lacuna_recode #(.DigitBits(DigitBits)) u_recode (
        .en_i(probe_valid_i), .d_i(d), .terms_o(terms), .used_o(slots)
      );
      assign unused = ^terms;
    end

    always_ff @(posedge clk_i) begin
      if (probe_valid_i) begin
        zero_q[b]                <= present && (d == '0);
        used_q[Slots*b +: Slots] <= slots & {Slots{present}};
      end
    end
  end

  // Stage 2: how many.
  logic [CountWidth-1:0] zeros_q, count_2_q;
  logic [SumWidth-1:0]   digits_q;
  logic [2:0]            valid_q, last_q;
  logic [1:0]            by_second_q;

  function automatic logic [CountWidth-1:0] zeros(input logic [Columns-1:0] zero);
    zeros = '0;
    for (int unsigned b = 0; b < Columns; b++) zeros = zeros + CountWidth'(zero[b]);
  endfunction

  function automatic logic [SumWidth-1:0] digits(input logic [DigitsMax-1:0] used);
    digits = '0;
    for (int unsigned s = 0; s < DigitsMax; s++) digits = digits + SumWidth'(used[s]);
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else         valid_q <= {valid_q[1:0], probe_valid_i};
  end

  always_ff @(posedge clk_i) begin
    last_q      <= {last_q[1:0], probe_last_i};
    by_second_q <= {by_second_q[0], probe_second_i};
    if (probe_valid_i) count_1_q <= probe_count_i;
    if (valid_q[0]) begin
      count_2_q <= count_1_q;
      zeros_q   <= zeros(zero_q);
      digits_q  <= digits(used_q);
    end
  end

  // Stage 3: sixteen times what equals a gate value less the threshold's share, for both; sixteen
  // times the digits that the other gate value leaves less what must be beaten of the present one.
  logic                 gated_q, second_q;
  logic [4:0]            threshold, threshold_q, held_q, least;
  logic [WantedBits-1:0] wanted;
  logic [CostBits-1:0]   cost, margin;
  logic [ShareBits-1:0] more_share;
  logic [GainBits-1:0]  wide_cost, more_gain;
  logic [ShareBits-1:0] share_first_q, share_second_q;
  logic [GainBits-1:0]  gain_q;
  logic                 present, batch_end;

  assign threshold  = threshold_i - 5'd1;
  assign least      = gated_q ? held_q : threshold_q;
  assign wanted     = WantedBits'(count_2_q) * WantedBits'(least);
  assign more_share = ShareBits'({zeros_q, 4'd0}) - ShareBits'(wanted);

  assign present   = by_second_q[1] == second_q;
  assign margin    = CostBits'(digits_q) * CostBits'(hysteresis_i);
  assign cost      = {1'b0, digits_q, 4'd0} - (present ? margin : '0);
  assign wide_cost = GainBits'(cost);
  assign more_gain = present ? -wide_cost : wide_cost;
  assign batch_end = valid_q[2] && last_q[2];

  // They hold long before the first window comes, and a multiplication is behind them.
  always_ff @(posedge clk_i) begin
    threshold_q <= threshold;
    held_q      <= (threshold > 5'(hysteresis_i)) ? threshold - 5'(hysteresis_i) : '0;
  end

  always_ff @(posedge clk_i) begin
    if (start_i || batch_end) begin
      share_first_q  <= '0;
      share_second_q <= '0;
      gain_q         <= '0;
    end else if (valid_q[1]) begin
      if (by_second_q[1]) share_second_q <= share_second_q + more_share;
      else                share_first_q  <= share_first_q + more_share;
      gain_q <= gain_q + more_gain;
    end
  end

  // Stage 4: the decision.
  logic                 gated, second, changed;
  logic [CountBits-1:0] batches_q, gated_count_q, second_count_q, crossings_q;

  assign second  = second_q ^ gain_q[GainBits-1];
  assign gated   = second ? !share_second_q[ShareBits-1] : !share_first_q[ShareBits-1];
  assign changed = {second, gated} != {second_q, gated_q};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) decided_o <= 1'b0;
    else         decided_o <= batch_end;
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      gated_q        <= 1'b0;
      second_q       <= 1'b0;
      batches_q      <= '0;
      gated_count_q  <= '0;
      second_count_q <= '0;
      crossings_q    <= '0;
    end else if (batch_end) begin
      gated_q        <= gated;
      second_q       <= second;
      batches_q      <= batches_q + CountBits'(batches_q != '1);
      gated_count_q  <= gated_count_q + CountBits'(gated && (gated_count_q != '1));
      second_count_q <= second_count_q + CountBits'(second && (second_count_q != '1));
      crossings_q    <= crossings_q + CountBits'(changed && (crossings_q != '1));
    end
  end

  assign counts_o = {crossings_q, second_count_q, gated_count_q, batches_q};

  // What was decided for the last rows.
  logic row_gated, row_second, post_second;

  lacuna_ram_lut #(.Words(lacuna_spec_pkg::MonitorRows), .Width(2)) u_rows (
    .clk_i,
    .wr_en_i  (decided_o),
    .wr_addr_i(row_i),
    .wr_data_i({second_q, gated_q}),
    .rd_en_i  (1'b1),
    .rd_addr_i(row_i),
    .rd_data_o({row_second, row_gated})
  );

  lacuna_ram_lut #(.Words(lacuna_spec_pkg::MonitorRows), .Width(1)) u_post_rows (
    .clk_i,
    .wr_en_i  (decided_o),
    .wr_addr_i(row_i),
    .wr_data_i(second_q),
    .rd_en_i  (1'b1),
    .rd_addr_i(post_row_i),
    .rd_data_o(post_second)
  );

  assign gated_o       = row_gated || !on_i;
  assign second_o      = row_second && on_i;
  assign post_second_o = post_second && on_i;

endmodule
