// Proves lacuna_route with lacuna_tile_ports: each memory takes one write a cycle at most, so that
// no two walkers write one word in one cycle; and what it takes from the route is one beat of one
// source that wants it there, unchanged.
//
// Data carry the number of their source. The target is any one.
module lacuna_route_proof (
  input logic             clk_i,
  input logic             rst_ni,
  input logic [1:0]       valid_i,
  input logic [1:0][1:0]  targets_i,
  input logic [1:0][2:0]  addr_i,
  input logic [1:0][1:0]  bytes_i,
  input logic [1:0]       position_i,
  input logic [1:0][14:0] data_i,
  input logic [1:0]       post_i,
  input logic [1:0]       host_i,
  input logic [2:0]       other_addr_i
);

  logic [1:0]       ready_o, route_req, route_gnt, host_gnt, wr_en, route_position, wr_position;
  logic [1:0][2:0]  route_addr, wr_addr;
  logic [1:0][1:0]  route_bytes, wr_bytes;
  logic [1:0][15:0] data, route_data, wr_data;

  assign data = {1'b1, data_i[1], 1'b0, data_i[0]};

  lacuna_route #(.Tiles(2), .WordBytes(2), .AddrBits(3)) u_route (
    .clk_i, .rst_ni,
    .valid_i, .ready_o, .targets_i, .addr_i, .bytes_i, .position_i, .data_i(data),
    .req_o(route_req), .gnt_i(route_gnt), .addr_o(route_addr), .bytes_o(route_bytes),
    .position_o(route_position), .data_o(route_data)
  );

  for (genvar t = 0; t < 2; t++) begin : gen_tile
    logic       unused_rd_en, unused_rd_position, unused_reshape_gnt, unused_host_gnt;
    logic [2:0] unused_rd_addr;

    lacuna_tile_ports #(.Lanes(1), .TileWords(4)) u_ports (
      .feed_rd_req_i(1'b0), .feed_rd_addr_i('0), .feed_rd_position_i('0),
      .reshape_rd_req_i(1'b0), .reshape_rd_gnt_o(unused_reshape_gnt), .reshape_rd_addr_i('0),
      .reshape_rd_position_i('0),
      .host_rd_req_i(1'b0), .host_rd_gnt_o(unused_host_gnt), .host_rd_addr_i('0),
      .post_wr_req_i(post_i[t]), .post_wr_addr_i(other_addr_i), .post_wr_bytes_i(2'd1),
      .post_wr_data_i('0),
      .route_wr_req_i(route_req[t]), .route_wr_gnt_o(route_gnt[t]),
      .route_wr_addr_i(route_addr[t]), .route_wr_bytes_i(route_bytes[t]),
      .route_wr_position_i(route_position[t]), .route_wr_data_i(route_data[t]),
      .host_wr_req_i(host_i[t]), .host_wr_gnt_o(host_gnt[t]), .host_wr_addr_i(other_addr_i),
      .host_wr_bytes_i(2'd1), .host_wr_data_i('0),
      .rd_en_o(unused_rd_en), .rd_addr_o(unused_rd_addr), .rd_position_o(unused_rd_position),
      .wr_en_o(wr_en[t]), .wr_addr_o(wr_addr[t]), .wr_bytes_o(wr_bytes[t]),
      .wr_position_o(wr_position[t]), .wr_data_o(wr_data[t])
    );
  end

  initial assume (!rst_ni);

  for (genvar s = 0; s < 2; s++) begin : gen_source
    lacuna_stream_check #(.Width(23), .Assume(1'b1)) u_check (
      .clk_i, .rst_ni, .valid_i(valid_i[s]), .ready_i(ready_o[s]),
      .data_i({targets_i[s], addr_i[s], bytes_i[s], position_i[s], data_i[s]})
    );
  end

  (* anyconst *) logic to;

  logic from, by_post, by_route, by_host;

  assign by_post  = post_i[to];
  assign by_route = route_req[to] && route_gnt[to];
  assign by_host  = host_i[to] && host_gnt[to];
  assign from     = wr_data[to][15];

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      one_writer: assert (2'(by_post) + 2'(by_route) + 2'(by_host) == 2'(wr_en[to]));
      if (by_route) begin
        wanted:    assert (valid_i[from] && targets_i[from][to]);
        unchanged: assert ({wr_addr[to], wr_bytes[to], wr_position[to], wr_data[to]}
                           == {addr_i[from], bytes_i[from], position_i[from], data[from]});
      end
    end
  end

endmodule
