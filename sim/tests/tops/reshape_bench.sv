// Reshape engines, route and tile memories as in the chip, with the feeder's and post's use of the
// ports, and the host's, driven from outside.
module reshape_bench #(
  parameter  int unsigned Tiles     = 4,
  parameter  int unsigned Lanes     = 8,
  parameter  int unsigned TileWords = 64,
  parameter  bit          Transposer = 1'b1,
  localparam int unsigned WordBytes = 2 * Lanes,
  localparam int unsigned Bits      = 8 * WordBytes,
  localparam int unsigned AddrBits  = $clog2(TileWords * WordBytes),
  localparam int unsigned ByteBits  = $clog2(WordBytes + 1),
  localparam int unsigned OffBits   = $clog2(WordBytes),
  localparam int unsigned WorkBits  = lacuna_spec_pkg::ProfileBits
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,

  input  logic [Tiles-1:0]                start_i,
  input  logic [511:0]                    instr_i,
  input  logic [AddrBits-1:0]             input_offset_i,
  input  logic [AddrBits-1:0]             output_offset_i,
  output logic [Tiles-1:0]                done_o,
  output logic [Tiles-1:0][WorkBits-1:0]  work_o,
  output logic [Tiles-1:0]                sent_o,

  // The feeder reads address 0, post writes at `post_addr_i`.
  input  logic [Tiles-1:0]                feed_i,
  input  logic [Tiles-1:0]                post_i,
  input  logic [AddrBits-1:0]             post_addr_i,
  input  logic [Bits-1:0]                 post_data_i,

  input  logic [Tiles-1:0]                host_rd_i,
  input  logic [AddrBits-1:0]             host_addr_i,
  output logic [Tiles-1:0][Bits-1:0]      rd_data_o,

  // Reads that are granted, and beats that are written.
  output logic [Tiles-1:0]                read_o,
  output logic [Tiles-1:0]                written_o
);

  logic [Tiles-1:0]               beat_valid, beat_ready, route_req, route_gnt;
  logic [Tiles-1:0][Tiles-1:0]    beat_targets;
  logic [Tiles-1:0][AddrBits-1:0] beat_addr, route_addr;
  logic [Tiles-1:0][ByteBits-1:0] beat_bytes, route_bytes;
  logic [Tiles-1:0][OffBits-1:0]  beat_position, route_position;
  logic [Tiles-1:0][Bits-1:0]     beat_data, route_data;

  lacuna_spec_pkg::reshape_t walk;
  logic [4:0]                tail;
  logic [AddrBits-1:0]       pitch;
  logic [ByteBits-1:0]       limit;
  lacuna_spec_pkg::head_t    head;
  logic                      empty, unused_head;

  assign written_o   = route_req & route_gnt;
  assign head        = instr_i[127:0];
  assign unused_head = ^head;

  lacuna_reshape_plan #(
    .WordBytes(WordBytes), .TileWords(TileWords), .Transposer(Transposer)
  ) u_plan (
    .head_i(head), .job_i(instr_i[511:128]), .input_offset_i, .output_offset_i,
    .walk_o(walk), .tail_o(tail), .pitch_o(pitch), .limit_o(limit), .empty_o(empty)
  );

  lacuna_route #(.Tiles(Tiles), .WordBytes(WordBytes), .AddrBits(AddrBits)) u_route (
    .clk_i, .rst_ni,
    .valid_i(beat_valid), .ready_o(beat_ready), .targets_i(beat_targets),
    .addr_i(beat_addr), .bytes_i(beat_bytes), .position_i(beat_position), .data_i(beat_data),
    .req_o(route_req), .gnt_i(route_gnt),
    .addr_o(route_addr), .bytes_o(route_bytes), .position_o(route_position), .data_o(route_data)
  );

  for (genvar t = 0; t < Tiles; t++) begin : gen_tile
    logic                       rd_req, rd_gnt, rd_en, wr_en, unused_host_rd, unused_host_wr;
    logic [WordBytes*8-1:0]     unused_next;
    logic [AddrBits-1:0]        reshape_addr, rd_addr, wr_addr;
    logic [OffBits-1:0]         rd_position, wr_position, reshape_position;
    logic [ByteBits-1:0]        wr_bytes;
    logic [Bits-1:0]            wr_data;

    assign read_o[t] = rd_req && rd_gnt;

    // The program's memory, with one instruction.
    logic        mem_en, mem_wr, mem_state;
    logic [4:0]  mem_word;
    logic [15:0] mem_wr_data;
    logic [31:0] mem_rd_data, state_q [32];

    always_ff @(posedge clk_i) begin
      if (mem_en && mem_wr) state_q[mem_word] <= 32'(mem_wr_data);
      else if (mem_en) begin
        mem_rd_data <= mem_state ? state_q[mem_word] : instr_i[32*mem_word[3:0] +: 32];
      end
    end

    lacuna_reshape #(
      .Tiles(Tiles), .WordBytes(WordBytes), .TileWords(TileWords), .Transposer(Transposer)
    ) u_reshape (
      .clk_i, .rst_ni,
      .start_i(start_i[t]), .targets_i(head.targets[Tiles-1:0]), .walk_i(walk), .tail_i(tail),
      .pitch_i(pitch), .limit_i(limit), .empty_i(empty),
      .input_offset_i(input_offset_i & {AddrBits{head.from_input}}),
      .output_offset_i(output_offset_i & {AddrBits{head.to_output}}),
      .mem_en_o(mem_en), .mem_wr_o(mem_wr), .mem_state_o(mem_state), .mem_word_o(mem_word),
      .mem_wr_data_o(mem_wr_data), .mem_rd_data_i(mem_rd_data),
      .done_o(done_o[t]), .work_o(work_o[t]), .sent_o(sent_o[t]),
      .rd_req_o(rd_req), .rd_gnt_i(rd_gnt), .rd_addr_o(reshape_addr),
      .rd_position_o(reshape_position), .rd_data_i(rd_data_o[t]),
      .beat_valid_o(beat_valid[t]), .beat_ready_i(beat_ready[t]), .beat_targets_o(beat_targets[t]),
      .beat_addr_o(beat_addr[t]), .beat_bytes_o(beat_bytes[t]),
      .beat_position_o(beat_position[t]), .beat_data_o(beat_data[t])
    );

    lacuna_tile_ports #(.Lanes(Lanes), .TileWords(TileWords)) u_ports (
      .feed_rd_req_i(feed_i[t]), .feed_rd_addr_i('0), .feed_rd_position_i('0),
      .reshape_rd_req_i(rd_req), .reshape_rd_gnt_o(rd_gnt), .reshape_rd_addr_i(reshape_addr),
      .reshape_rd_position_i(reshape_position),
      .host_rd_req_i(host_rd_i[t]), .host_rd_gnt_o(unused_host_rd), .host_rd_addr_i(host_addr_i),
      .post_wr_req_i(post_i[t]), .post_wr_addr_i(post_addr_i),
      .post_wr_bytes_i(ByteBits'(WordBytes)), .post_wr_data_i(post_data_i),
      .route_wr_req_i(route_req[t]), .route_wr_gnt_o(route_gnt[t]), .route_wr_addr_i(route_addr[t]),
      .route_wr_bytes_i(route_bytes[t]), .route_wr_position_i(route_position[t]),
      .route_wr_data_i(route_data[t]),
      .host_wr_req_i(1'b0), .host_wr_gnt_o(unused_host_wr), .host_wr_addr_i('0),
      .host_wr_bytes_i('0), .host_wr_data_i('0),
      .rd_en_o(rd_en), .rd_addr_o(rd_addr), .rd_position_o(rd_position),
      .wr_en_o(wr_en), .wr_addr_o(wr_addr), .wr_bytes_o(wr_bytes), .wr_position_o(wr_position),
      .wr_data_o(wr_data)
    );

    lacuna_tile_memory #(.Lanes(Lanes), .TileWords(TileWords)) u_memory (
      .clk_i,
      .rd_en_i(rd_en), .rd_addr_i(rd_addr), .rd_position_i(rd_position), .rd_double_i(1'b0),
      .rd_data_o(rd_data_o[t]), .rd_next_o(unused_next),
      .wr_en_i(wr_en), .wr_addr_i(wr_addr), .wr_bytes_i(wr_bytes), .wr_position_i(wr_position),
      .wr_data_i(wr_data)
    );
  end

endmodule
