// Orders the parameter words that the feeder reads from tile memory.
//
// `run`: nine words a block. `depthwise`: `taps_i` words of weights, twice as many if they are
// wide, then nine, a block. `post`: its constants, once. They follow one another in memory. Four
// words of biases for a second gate value follow the nine of a monitored `run`.
//
// Contract:   mode, address and taps are held from `start_i` to the end of the job. While `read_i`
//             a word is read in each cycle of `issue_o`; `part_end_o` marks the last one of the
//             weights, of their signs or of the others, `end_o` the last one of a block. A block
//             waits until fewer than two are loaded and not done.
// Throughput: one word a cycle.
// Latency:    the first word one cycle after `start_i`.
module lacuna_param_reader #(
  parameter  int unsigned Lanes      = 8,
  parameter  int unsigned TileWords  = 2048,
  parameter  int unsigned IndexWidth = 4,
  localparam int unsigned WordBytes  = 2 * Lanes,
  localparam int unsigned OffWidth   = $clog2(WordBytes),
  localparam int unsigned AddrWidth  = $clog2(TileWords * WordBytes)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic                  start_i,
  input  logic                  run_i,
  input  logic                  depthwise_i,
  input  logic                  wide_i,
  input  logic                  monitored_i,
  input  logic [AddrWidth-1:0]  addr_i,
  // 1 or more for `depthwise`.
  input  logic [6:0]            taps_i,
  // Post has finished with a block's parameters.
  input  logic                  block_done_i,

  input  logic                  read_i,
  output logic                  issue_o,
  output logic                  part_end_o,
  output logic                  end_o,
  output logic [AddrWidth-1:0]  addr_o
);

  localparam int unsigned ConstantBytes = 24;  // of post_constants_t

  localparam logic [IndexWidth-1:0] LastOfBlock = IndexWidth'(lacuna_spec_pkg::ParamWords - 1);
  localparam logic [IndexWidth-1:0] LastConstant =
      IndexWidth'((ConstantBytes + WordBytes - 1) / WordBytes - 1);

  logic [1:0]            loaded_q;   // blocks
  logic                  weights_q;  // those of tap `index_q` are next
  logic                  signs_q;    // or their signs
  logic [IndexWidth-1:0] index_q;
  logic                  new_block;

  always_comb begin
    part_end_o = index_q == ((run_i || depthwise_i) ? LastOfBlock : LastConstant);
    if (monitored_i) part_end_o = index_q == LastOfBlock + IndexWidth'(4);
    if (weights_q) part_end_o = index_q == IndexWidth'(taps_i - 7'd1);
  end

  assign new_block = (run_i || depthwise_i) && (index_q == '0) && (weights_q == depthwise_i)
                  && !signs_q;
  assign issue_o   = read_i && (!new_block || (loaded_q != 2'd2));
  assign end_o     = part_end_o && !weights_q;

  // Words may lie at any byte, the same in all of them.
  logic [OffWidth-1:0]           byte_q;
  logic [AddrWidth-OffWidth-1:0] word_q, word_next;

  lacuna_count #(.Width(AddrWidth - OffWidth)) u_word (
    .set_i(start_i), .value_i(addr_i[AddrWidth-1:OffWidth]), .count_i(word_q), .next_o(word_next)
  );

  assign addr_o = {word_q, byte_q};

  always_ff @(posedge clk_i) begin
    if (start_i) byte_q <= addr_i[OffWidth-1:0];
    if (start_i || issue_o) word_q <= word_next;
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      weights_q <= depthwise_i;
      signs_q   <= 1'b0;
      index_q   <= '0;
    end else begin
      if (issue_o) begin
        index_q <= part_end_o ? '0 : index_q + IndexWidth'(1);
        if (part_end_o) begin
          weights_q <= depthwise_i && (!weights_q || (wide_i && !signs_q));
          signs_q   <= weights_q && wide_i && !signs_q;
        end
      end
    end
  end

  // Blocks of the job before may not be done when the next one starts.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) loaded_q <= '0;
    else         loaded_q <= loaded_q + 2'(issue_o && new_block) - 2'(block_done_i);
  end

endmodule
