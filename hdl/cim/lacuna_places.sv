// Where what leaves the feeder goes: pages and vector of a row word, place and bank of parameters.
//
// `tag_o` counts vectors. Biases for a second gate value follow the shifts, with indices
// from SecondBiases on.
//
// Contract:   outputs describe the word or parameters of `word_i` or `param_i`. `last_i`: the last
//             word of a vector, or parameters of a block's weights, of their signs (`wide_i`) or of
//             its others; `block_end_i`: the vector is the block's last one. `columns_i`:
//             parameters are those of blocks, which take turns in two banks, from job to job.
//             `double_i`: every word is two, which have four pages; 0 unless Double.
// Latency:    one cycle from one word to the next.
module lacuna_places #(
  parameter  int unsigned Pages      = 512,
  parameter  int unsigned IndexWidth = 4,
  parameter  int unsigned TagBits    = 2,
  parameter  bit          Monitor    = 1'b0,
  parameter  bit          Double     = 1'b0,
  localparam int unsigned PageWidth  = $clog2(Pages)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  // The instruction is held from `start_i` to the end of the job.
  input  logic                  start_i,
  input  logic                  columns_i,
  input  logic                  depthwise_i,
  input  logic                  wide_i,
  input  logic                  double_i,
  input  logic [PageWidth-1:0]  page_i,
  input  logic [PageWidth-1:0]  vector_pages_i,

  input  logic                  word_i,
  input  logic                  param_i,
  input  logic                  last_i,
  input  logic                  block_end_i,

  output logic [PageWidth-1:0]  page_o,
  output logic [TagBits-1:0]    tag_o,
  output logic                  weights_o,
  output logic                  signs_o,     // of weights
  output logic [IndexWidth-1:0] index_o,
  output logic                  bank_o
);

  localparam logic [IndexWidth-1:0] Shifts = IndexWidth'(lacuna_spec_pkg::ParamWords - 1);
  localparam logic [IndexWidth-1:0] SecondBiases = IndexWidth'(lacuna_spec_pkg::SecondBiases);

  logic [PageWidth-1:0]  block_page_q, next_block_page;
  logic [PageWidth-1:0]  word_pages;
  logic [IndexWidth-1:0] next_index;

  assign next_block_page = block_page_q + vector_pages_i;
  assign word_pages      = (Double && double_i) ? PageWidth'(4) : PageWidth'(2);
  assign next_index      = (Monitor && !weights_o && (index_o == Shifts)) ? SecondBiases
                         : index_o + IndexWidth'(1);

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      tag_o        <= '0;
      page_o       <= page_i;
      block_page_q <= page_i;
      index_o      <= '0;
      weights_o    <= depthwise_i;
      signs_o      <= 1'b0;
    end else begin
      if (word_i) begin
        page_o <= page_o + word_pages;
        if (last_i) begin
          tag_o  <= tag_o + TagBits'(1);
          page_o <= block_end_i ? next_block_page : block_page_q;
          if (block_end_i) block_page_q <= next_block_page;
        end
      end
      if (param_i) begin
        index_o <= last_i ? '0 : next_index;
        if (last_i) begin
          weights_o <= depthwise_i && (!weights_o || (wide_i && !signs_o));
          signs_o   <= weights_o && wide_i && !signs_o;
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) bank_o <= 1'b0;
    else if (param_i) bank_o <= bank_o ^ (columns_i && last_i && !weights_o);
  end

endmodule
