// One column of the charge-domain array: eight bit slices, their readouts, and the digital sum.
//
// A slice counts the cells whose input and weight bit meet (AND) or agree (XNOR), page by page;
// that is the charge a real column would share at once. Codes are compensated one slice a cycle,
// top slice first, and summed by bit weight; planes come top plane first.
//
// Contract:   the strobes follow each other as lacuna_charge_macro issues them: `clear_i`,
//             `count_i` a page, readout, `fold_i` a slice, `add_i`. `skip_i` takes the place of all
//             of them where no row of the plane is enabled. `new_i` goes with the first `add_i` or
//             `skip_i` of a sum.
// Throughput: one page, one readout step or one slice a cycle.
// Latency:    `sum_o` is there in the cycle after `add_i`.
module lacuna_charge_column #(
  parameter int unsigned Lanes   = 8,
  parameter int unsigned SumBits = 25
) (
  input  logic               clk_i,

  input  logic               xnor_i,
  input  logic               clear_i,
  input  logic               count_i,
  input  logic [Lanes-1:0]   drive_i,    // rows whose word line is driven
  input  logic [Lanes-1:0]   input_i,    // their input bits
  input  logic [8*Lanes-1:0] weights_i,  // their weights, one a lane

  input  logic               shift_i,
  input  logic               first_i,
  input  logic               round_i,
  input  logic [2:0]         quarters_i,
  input  logic [3:0]         readout_bits_i,

  input  logic               fold_i,
  input  logic               fold_first_i,
  input  logic [2:0]         slice_i,
  input  logic [6:0]         rows_i,     // driven; XNOR is twice the agreements less these
  input  logic               add_i,
  input  logic               skip_i,
  input  logic               new_i,
  input  logic               minus_i,    // the top plane of AND
  output logic [SumBits-1:0] sum_o
);

  localparam int unsigned Slices = lacuna_spec_pkg::ChargeWeightBitsMax;

  logic [8*Slices-1:0] codes;

  for (genvar s = 0; s < Slices; s++) begin : gen_slice
    logic [6:0] hits, count_q;

    always_comb begin
      hits = '0;
      for (int unsigned l = 0; l < Lanes; l++) begin
        hits = hits + 7'(drive_i[l] && (xnor_i ? input_i[l] == weights_i[8*l+s]
                                               : input_i[l] && weights_i[8*l+s]));
      end
    end

    always_ff @(posedge clk_i) begin
      if (clear_i) count_q <= '0;
      else if (count_i) count_q <= count_q + hits;
    end

    lacuna_charge_readout u_readout (
      .clk_i,
      .shift_i,
      .first_i,
      .round_i,
      .count_i   (count_q),
      .quarters_i,
      .code_o    (codes[8*s +: 8])
    );
  end

  logic [6:0]         count;
  logic [7:0]         value;
  logic [15:0]        fold_q, fold;
  logic [SumBits-1:0] sum_q, base, plane;

  lacuna_charge_scale u_scale (
    .code_i    (codes[8*slice_i +: 8]),
    .bits_i    (readout_bits_i),
    .quarters_i,
    .count_o   (count)
  );

  assign value = xnor_i ? {count, 1'b0} - {1'b0, rows_i} : {1'b0, count};
  assign fold  = fold_first_i ? 16'b0 : {fold_q[14:0], 1'b0};
  assign base  = new_i ? '0 : {sum_q[SumBits-2:0], 1'b0};
  assign plane = {{(SumBits-16){fold_q[15]}}, fold_q};
  assign sum_o = sum_q;

  always_ff @(posedge clk_i) begin
    // The top slice of AND counts negative.
    if (fold_i) begin
      fold_q <= (fold_first_i && !xnor_i) ? -{{8{value[7]}}, value}
                                          : fold + {{8{value[7]}}, value};
    end
    if (skip_i) sum_q <= base;
    else if (add_i) sum_q <= minus_i ? base - plane : base + plane;
  end

endmodule
