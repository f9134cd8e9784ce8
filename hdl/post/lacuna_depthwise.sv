// Multiplies the taps of `depthwise` by the weights of their channels, one multiplier a column; the
// taps of other operations by 1.
//
// Contract:   `depthwise_i` is held during a job. The weights of a block come before its taps, two
//             cycles or more before the tap they belong to; those of the next block after its last
//             tap. Weights that come between (`product`) are the last tap's, once or more a word
//             and always the same. `tap_index_i` is that of the next cycle's tap. Columns hold bits
//             9*c of `tap_data_i`, a difference from the gate value, and bits 17*c of
//             `products_o`. Weights have 9 bits: a word of them sets all, and a word of
//             `weight_sign_i`, which comes after it, the highest alone, by the highest of each
//             byte.
// Throughput: one tap a cycle.
// Latency:    1 cycle.
module lacuna_depthwise #(
  parameter  int unsigned Columns  = 16,
  parameter  int unsigned Taps     = 16,
  localparam int unsigned TapWidth = $clog2(Taps)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  depthwise_i,

  input  logic                  weight_valid_i,
  input  logic                  weight_sign_i,
  input  logic [TapWidth-1:0]   weight_tap_i,
  input  logic [Columns*8-1:0]  weight_data_i,

  input  logic                  tap_valid_i,
  input  logic [TapWidth-1:0]   tap_index_i,
  input  logic [Columns*9-1:0]  tap_data_i,
  input  logic                  tap_pad_i,
  input  logic                  tap_first_i,
  input  logic                  tap_last_i,

  output logic                  valid_o,
  output logic [Columns*17-1:0] products_o,
  output logic                  pad_o,
  output logic                  first_o,
  output logic                  last_o
);

  // Weights wait for their tap in a register.
  logic [Columns*8-1:0] weights_read, weights_q;
  logic [Columns-1:0]   signs, signs_read, signs_q;

  for (genvar c = 0; c < Columns; c++) begin : gen_sign
    assign signs[c] = weight_data_i[8*c+7];
  end

  lacuna_ram_lut #(.Words(Taps), .Width(Columns * 8)) u_weights (
    .clk_i,
    .wr_en_i  (weight_valid_i && !weight_sign_i),
    .wr_addr_i(weight_tap_i),
    .wr_data_i(weight_data_i),
    .rd_en_i  (depthwise_i),
    .rd_addr_i(tap_index_i),
    .rd_data_o(weights_read)
  );

  lacuna_ram_lut #(.Words(Taps), .Width(Columns)) u_signs (
    .clk_i,
    .wr_en_i  (weight_valid_i),
    .wr_addr_i(weight_tap_i),
    .wr_data_i(signs),
    .rd_en_i  (depthwise_i),
    .rd_addr_i(tap_index_i),
    .rd_data_o(signs_read)
  );

  always_ff @(posedge clk_i) begin
    if (!depthwise_i) {signs_q, weights_q} <= {Columns'(0), {Columns{8'd1}}};
    else {signs_q, weights_q} <= {signs_read, weights_read};
  end

  // 255 * 255 at most.
  function automatic logic [16:0] product(input logic signed [8:0] tap,
                                          input logic signed [8:0] weight);
    product = 17'(tap) * 17'(weight);
  endfunction

  // A word at a time, and only with a tap: a simulator pays for every register that has a name.
  always_ff @(posedge clk_i) begin
    if (tap_valid_i) begin
      for (int unsigned c = 0; c < Columns; c++) begin
        products_o[17*c +: 17] <= product(tap_data_i[9*c +: 9], {signs_q[c], weights_q[8*c +: 8]});
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_o <= 1'b0;
    else         valid_o <= tap_valid_i;
  end

  always_ff @(posedge clk_i) begin
    pad_o   <= tap_pad_i;
    first_o <= tap_first_i;
    last_o  <= tap_last_i;
  end

endmodule
