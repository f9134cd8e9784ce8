// Routes beats from the reshape engines to the write ports of the tiles.
//
// Contract:   a beat is delivered once to every tile of its target mask, to each in its own time,
//             and leaves its source in the cycle in which the last of them takes it. Each target
//             takes turns among the sources that want it. Beats from one source to one target stay
//             in order.
// Throughput: one beat a cycle for each source and each target.
// Latency:    none.
module lacuna_route #(
  parameter  int unsigned Tiles     = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned WordBytes = 2 * lacuna_spec_pkg::BaseLanes,
  parameter  int unsigned AddrBits  = 15,
  localparam int unsigned ByteBits  = $clog2(WordBytes + 1),
  localparam int unsigned OffBits   = $clog2(WordBytes)
) (
  input  logic                              clk_i,
  input  logic                              rst_ni,

  // Beats, one stream a source tile.
  input  logic [Tiles-1:0]                  valid_i,
  output logic [Tiles-1:0]                  ready_o,
  input  logic [Tiles-1:0][Tiles-1:0]       targets_i,
  input  logic [Tiles-1:0][AddrBits-1:0]    addr_i,
  input  logic [Tiles-1:0][ByteBits-1:0]    bytes_i,
  input  logic [Tiles-1:0][OffBits-1:0]     position_i,
  input  logic [Tiles-1:0][8*WordBytes-1:0] data_i,

  // Write clients, one a target tile.
  output logic [Tiles-1:0]                  req_o,
  input  logic [Tiles-1:0]                  gnt_i,
  output logic [Tiles-1:0][AddrBits-1:0]    addr_o,
  output logic [Tiles-1:0][ByteBits-1:0]    bytes_o,
  output logic [Tiles-1:0][OffBits-1:0]     position_o,
  output logic [Tiles-1:0][8*WordBytes-1:0] data_o
);

  localparam int unsigned Width = AddrBits + ByteBits + OffBits + 8 * WordBytes;

  logic [Tiles-1:0][Width-1:0] beat, delivered;

  for (genvar t = 0; t < Tiles; t++) begin : gen_tile
    assign beat[t] = {addr_i[t], bytes_i[t], position_i[t], data_i[t]};
    assign {addr_o[t], bytes_o[t], position_o[t], data_o[t]} = delivered[t];
  end

  lacuna_xbar #(.Inputs(Tiles), .Outputs(Tiles), .Width(Width)) u_xbar (
    .clk_i, .rst_ni,
    .valid_i, .ready_o, .data_i(beat), .targets_i,
    .valid_o(req_o), .ready_i(gnt_i), .data_o(delivered)
  );

endmodule
