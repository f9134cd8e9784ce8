// Products of a page of weights with one digit, on multipliers.
//
// Contract:   a weight is -128 to 127, the digit 0 to 255 with a sign. `weight_en_i` takes the
//             weights and the magnitude; `product_en_i`, a cycle later, multiplies, with the
//             sign of that cycle. Column c has byte c of the weights and bits 16*c of the products.
// Throughput: one page a cycle.
// Latency:    2 cycles.
//
// `hdl/tech/ice40` holds the same on multiplier blocks, two columns each.
module lacuna_products #(
  parameter int unsigned Columns = 4
) (
  input  logic                  clk_i,
  input  logic                  weight_en_i,
  input  logic [Columns*8-1:0]  weights_i,
  input  logic [7:0]            magnitude_i,
  input  logic                  product_en_i,
  input  logic                  negative_i,

  output logic [Columns*16-1:0] products_o
);

  logic [7:0] magnitude_q;

  always_ff @(posedge clk_i) begin
    if (weight_en_i) magnitude_q <= magnitude_i;
  end

  for (genvar c = 0; c < Columns; c++) begin : gen_column
    logic [7:0]  weight_q;
    logic [15:0] product;

    // At most 255 * 128 either way.
    assign product = {{8{weight_q[7]}}, weight_q} * {8'b0, magnitude_q};

    always_ff @(posedge clk_i) begin
      if (weight_en_i) weight_q <= weights_i[8*c +: 8];
      if (product_en_i) products_o[16*c +: 16] <= negative_i ? -product : product;
    end
  end

endmodule
