// Routes items from any input to any set of outputs.
//
// Contract: an item goes to each output of its target set once, each in its own time, and leaves
//           its input when all have it; an empty set drops it. Items of one input that meet at an
//           output stay in order. Each output takes turns among its requesters.
// Throughput: one item a cycle and output.
// Latency:    none; put a spill register where the path is too long.
module lacuna_xbar #(
  parameter int unsigned Inputs  = 2,
  parameter int unsigned Outputs = 2,
  parameter int unsigned Width   = 8
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,

  input  logic [Inputs-1:0]               valid_i,
  output logic [Inputs-1:0]               ready_o,
  input  logic [Inputs-1:0][Width-1:0]    data_i,
  input  logic [Inputs-1:0][Outputs-1:0]  targets_i,

  output logic [Outputs-1:0]              valid_o,
  input  logic [Outputs-1:0]              ready_i,
  output logic [Outputs-1:0][Width-1:0]   data_o
);

  localparam int unsigned IndexWidth = (Inputs > 1) ? $clog2(Inputs) : 1;

  logic [Inputs-1:0][Outputs-1:0] offer, taken;
  logic [Outputs-1:0][Inputs-1:0] request, grant;

  for (genvar i = 0; i < Inputs; i++) begin : gen_fork
    lacuna_fork #(.Outputs(Outputs)) u_fork (
      .clk_i, .rst_ni, .targets_i(targets_i[i]),
      .valid_i(valid_i[i]), .ready_o(ready_o[i]),
      .valid_o(offer[i]), .ready_i(taken[i])
    );
    for (genvar o = 0; o < Outputs; o++) begin : gen_cross
      assign request[o][i] = offer[i][o];
      assign taken[i][o]   = grant[o][i];
    end
  end

  for (genvar o = 0; o < Outputs; o++) begin : gen_arb
    logic [IndexWidth-1:0] unused_index;
    lacuna_rr_arb #(.Inputs(Inputs), .Width(Width)) u_arb (
      .clk_i, .rst_ni,
      .valid_i(request[o]), .ready_o(grant[o]), .data_i(data_i),
      .valid_o(valid_o[o]), .ready_i(ready_i[o]), .data_o(data_o[o]), .index_o(unused_index)
    );
  end

endmodule
