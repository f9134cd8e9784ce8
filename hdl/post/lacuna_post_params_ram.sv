// lacuna_post_params for words of four bytes and one column a group, in block RAM.
//
// Every word is written to three memories, one for each read of a group; the constants of `post`
// lie where they arrive. Only the pair's bias, which is wanted whole in every cycle, is a register.
//
// Contract:   as lacuna_post_params, but `bias_o` means nothing while `pair_i`. `max_i`: no
//             constants are read, tap a passes unchanged.
// Throughput: one word a cycle.
// Latency:    1 cycle from an entry.
module lacuna_post_params_ram (
  input  logic        clk_i,
  input  logic        start_i,
  input  logic        run_i,
  input  logic        pair_i,
  input  logic        max_i,

  input  logic        param_valid_i,
  input  logic [3:0]  param_index_i,
  input  logic        param_bank_i,
  input  logic [31:0] param_data_i,

  // Bank, then group.
  input  logic [2:0]  entry_i,
  output logic [31:0] bias_o,
  output logic [5:0]  shift_o,
  input  logic [2:0]  multiplier_entry_i,
  output logic [31:0] multiplier_o,

  output logic [31:0] pair_mb_o,
  output logic [47:0] pair_bias_o
);

  // Words of PostConstants; the shift is byte ConstantShift of the last.
  localparam logic [3:0] WordMa        = 4'd0;
  localparam logic [3:0] WordMb        = 4'd1;
  localparam logic [3:0] WordBias      = 4'd2;
  localparam logic [3:0] WordShift     = 4'd3;
  localparam logic [1:0] ConstantShift = 2'd2;
  // The shifts of a block.
  localparam logic [3:0] WordShifts    = 4'd8;
  // Multiply tap a by 2^17, and shift it back.
  localparam int unsigned MaxShift     = 17;

  logic [4:0]  wr_addr;
  logic [31:0] bias, multiplier;
  logic [23:0] shifts;
  logic [1:0]  byte_q;

  assign wr_addr = {param_bank_i, param_index_i};

  lacuna_ram_1r1w #(.Words(32), .WordBytes(4)) u_bias (
    .clk_i,
    .rd_en_i  (1'b1),
    .rd_addr_i(run_i ? {entry_i[2], 2'b00, entry_i[1:0]} : {1'b0, WordMb}),
    .rd_data_o(bias),
    .wr_be_i  ({4{param_valid_i}}),
    .wr_addr_i(wr_addr),
    .wr_data_i(param_data_i)
  );

  lacuna_ram_1r1w #(.Words(32), .WordBytes(4)) u_multiplier (
    .clk_i,
    .rd_en_i  (1'b1),
    .rd_addr_i(run_i ? {multiplier_entry_i[2], 2'b01, multiplier_entry_i[1:0]} : {1'b0, WordMa}),
    .rd_data_o(multiplier),
    .wr_be_i  ({4{param_valid_i}}),
    .wr_addr_i(wr_addr),
    .wr_data_i(param_data_i)
  );

  lacuna_ram_1r1w #(.Words(32), .WordBytes(3)) u_shift (
    .clk_i,
    .rd_en_i  (1'b1),
    .rd_addr_i(run_i ? {entry_i[2], WordShifts} : {1'b0, WordShift}),
    .rd_data_o(shifts),
    .wr_be_i  ({3{param_valid_i}}),
    .wr_addr_i(wr_addr),
    .wr_data_i({param_data_i[29:24], param_data_i[21:16], param_data_i[13:8], param_data_i[5:0]})
  );

  always_ff @(posedge clk_i) byte_q <= run_i ? entry_i[1:0] : ConstantShift;

  assign bias_o       = bias;
  assign shift_o      = max_i ? 6'(MaxShift) : shifts[6*byte_q +: 6];
  assign multiplier_o = max_i ? 32'(1) << MaxShift : multiplier;
  assign pair_mb_o    = bias & {32{!max_i}};

  // Taps are taken as unsigned bytes, 128 more than they are: 128 (ma + mb) is taken off.
  logic [47:0] pair_bias_q;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      pair_bias_q <= max_i ? 48'd0 - (48'd128 << MaxShift) : '0;
    end else if (param_valid_i && pair_i) begin
      unique case (param_index_i)
        WordMa, WordMb: pair_bias_q <= pair_bias_q - {9'b0, param_data_i, 7'b0};
        WordBias:       pair_bias_q <= pair_bias_q + {16'b0, param_data_i};
        WordShift:      pair_bias_q <= pair_bias_q + {param_data_i[15:0], 32'b0};
        default:        pair_bias_q <= pair_bias_q;
      endcase
    end
  end

  assign pair_bias_o = pair_bias_q;

endmodule
