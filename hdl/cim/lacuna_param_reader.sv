// Orders the parameter words that the feeder reads from tile memory.
//
// `run`: nine words a block. `depthwise`: `taps_i` words of weights, then nine, a block. `post`:
// its constants, once. They follow one another in memory.
//
// Contract:   mode, address and taps are held from `start_i` to the end of the job. While `read_i`
//             a word is read in each cycle of `issue_o`; `end_o` marks the last one of a block. A
//             block waits until fewer than two are loaded and not done.
// Throughput: one word a cycle.
// Latency:    the first word one cycle after `start_i`.
module lacuna_param_reader #(
  parameter  int unsigned Lanes      = 8,
  parameter  int unsigned TileWords  = 2048,
  parameter  int unsigned IndexWidth = 4,
  localparam int unsigned WordBytes  = 2 * Lanes,
  localparam int unsigned AddrWidth  = $clog2(TileWords * WordBytes)
) (
  input  logic                  clk_i,

  input  logic                  start_i,
  input  logic                  run_i,
  input  logic                  depthwise_i,
  input  logic [AddrWidth-1:0]  addr_i,
  // 1 or more for `depthwise`.
  input  logic [6:0]            taps_i,
  // Post has finished with a block's parameters.
  input  logic                  block_done_i,

  input  logic                  read_i,
  output logic                  issue_o,
  output logic                  end_o,
  output logic [AddrWidth-1:0]  addr_o,
  // The word holds the weights of tap `index_o`.
  output logic                  weights_o,
  output logic [IndexWidth-1:0] index_o,
  output logic                  bank_o
);

  localparam int unsigned ConstantBytes = 24;  // of post_constants_t

  localparam logic [IndexWidth-1:0] LastOfBlock = IndexWidth'(lacuna_spec_pkg::ParamWords - 1);
  localparam logic [IndexWidth-1:0] LastConstant =
      IndexWidth'((ConstantBytes + WordBytes - 1) / WordBytes - 1);

  logic [1:0] loaded_q;  // blocks
  logic       new_block, part_end;

  always_comb begin
    part_end = index_o == ((run_i || depthwise_i) ? LastOfBlock : LastConstant);
    if (weights_o) part_end = index_o == IndexWidth'(taps_i - 7'd1);
  end

  assign new_block = (run_i || depthwise_i) && (index_o == '0) && (weights_o == depthwise_i);
  assign issue_o   = read_i && (!new_block || (loaded_q != 2'd2));
  assign end_o     = part_end && !weights_o;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      addr_o    <= addr_i;
      weights_o <= depthwise_i;
      index_o   <= '0;
      bank_o    <= 1'b0;
      loaded_q  <= '0;
    end else begin
      if (issue_o) begin
        addr_o  <= addr_o + AddrWidth'(WordBytes);
        index_o <= part_end ? '0 : index_o + IndexWidth'(1);
        bank_o  <= bank_o ^ end_o;
        if (part_end) weights_o <= depthwise_i && !weights_o;
      end
      loaded_q <= loaded_q + 2'(issue_o && new_block) - 2'(block_done_i);
    end
  end

endmodule
