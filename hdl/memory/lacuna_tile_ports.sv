// Shares the two ports of a tile memory: reads feeder > reshape > host, writes post > route > host.
//
// Contract:   feeder and post are never refused, so the compute pipeline does not depend on other
//             traffic. A client raises `req` beside its request and holds both until `gnt`, which
//             is combinational and does not depend on its own `req`. Read data is on the memory's
//             `rd_data_o`, for all clients, 2 cycles after the grant.
// Throughput: one read and one write a cycle.
// Latency:    none.
module lacuna_tile_ports #(
  parameter  int unsigned Lanes     = 8,
  parameter  int unsigned TileWords = 2048,
  localparam int unsigned WordBytes = 2 * Lanes,
  localparam int unsigned OffWidth  = $clog2(WordBytes),
  localparam int unsigned AddrWidth = $clog2(TileWords * WordBytes)
) (
  input  logic                   feed_rd_req_i,
  input  logic [AddrWidth-1:0]   feed_rd_addr_i,
  input  logic [OffWidth-1:0]    feed_rd_position_i,

  input  logic                   reshape_rd_req_i,
  output logic                   reshape_rd_gnt_o,
  input  logic [AddrWidth-1:0]   reshape_rd_addr_i,
  input  logic [OffWidth-1:0]    reshape_rd_position_i,

  input  logic                   host_rd_req_i,
  output logic                   host_rd_gnt_o,
  input  logic [AddrWidth-1:0]   host_rd_addr_i,

  input  logic                   post_wr_req_i,
  input  logic [AddrWidth-1:0]   post_wr_addr_i,
  input  logic [OffWidth:0]      post_wr_bytes_i,
  input  logic [WordBytes*8-1:0] post_wr_data_i,

  input  logic                   route_wr_req_i,
  output logic                   route_wr_gnt_o,
  input  logic [AddrWidth-1:0]   route_wr_addr_i,
  input  logic [OffWidth:0]      route_wr_bytes_i,
  input  logic [OffWidth-1:0]    route_wr_position_i,
  input  logic [WordBytes*8-1:0] route_wr_data_i,

  input  logic                   host_wr_req_i,
  output logic                   host_wr_gnt_o,
  input  logic [AddrWidth-1:0]   host_wr_addr_i,
  input  logic [OffWidth:0]      host_wr_bytes_i,
  input  logic [WordBytes*8-1:0] host_wr_data_i,

  output logic                   rd_en_o,
  output logic [AddrWidth-1:0]   rd_addr_o,
  output logic [OffWidth-1:0]    rd_position_o,

  output logic                   wr_en_o,
  output logic [AddrWidth-1:0]   wr_addr_o,
  output logic [OffWidth:0]      wr_bytes_o,
  output logic [OffWidth-1:0]    wr_position_o,
  output logic [WordBytes*8-1:0] wr_data_o
);

  assign reshape_rd_gnt_o = !feed_rd_req_i;
  assign host_rd_gnt_o    = !feed_rd_req_i && !reshape_rd_req_i;
  assign rd_en_o          = feed_rd_req_i || reshape_rd_req_i || host_rd_req_i;

  always_comb begin
    rd_addr_o     = host_rd_addr_i;
    rd_position_o = '0;
    if (feed_rd_req_i) begin
      rd_addr_o     = feed_rd_addr_i;
      rd_position_o = feed_rd_position_i;
    end else if (reshape_rd_req_i) begin
      rd_addr_o     = reshape_rd_addr_i;
      rd_position_o = reshape_rd_position_i;
    end
  end

  assign route_wr_gnt_o = !post_wr_req_i;
  assign host_wr_gnt_o  = !post_wr_req_i && !route_wr_req_i;
  assign wr_en_o        = post_wr_req_i || route_wr_req_i || host_wr_req_i;

  always_comb begin
    wr_addr_o     = host_wr_addr_i;
    wr_bytes_o    = host_wr_bytes_i;
    wr_position_o = '0;
    wr_data_o     = host_wr_data_i;
    if (post_wr_req_i) begin
      wr_addr_o  = post_wr_addr_i;
      wr_bytes_o = post_wr_bytes_i;
      wr_data_o  = post_wr_data_i;
    end else if (route_wr_req_i) begin
      wr_addr_o     = route_wr_addr_i;
      wr_bytes_o    = route_wr_bytes_i;
      wr_position_o = route_wr_position_i;
      wr_data_o     = route_wr_data_i;
    end
  end

endmodule
