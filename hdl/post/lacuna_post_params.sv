// Parameters of the post unit: two banks of one column block for `run`, constants for `post`.
//
// Contract:   `run_i` and `pair_i` are held during a job. `run`: words 0-3 are biases, 4-7
//             multipliers, 8 shifts, of a block's columns in order, and with Monitor 12-15 biases
//             of vectors by the second gate value, for which `second_i` stands beside the entry; a
//             block may be read from Groups + 1 cycles after its last word. `post`: the bytes of
//             PostConstants; `start_i` sets those that pass tap a unchanged. Reads for `post` do
//             not depend on the entry. `en_i`: there is an entry, else what follows from it means
//             nothing; `multiplier_en_i` likewise, but a cycle later, beside the multiplier.
// Throughput: one word a cycle.
// Latency:    1 cycle from an entry; pair_bias_o shows constants 1 cycle later.
module lacuna_post_params #(
  parameter  int unsigned Columns       = 16,
  parameter  int unsigned ReduceColumns = 4,
  parameter  bit          Monitor       = 1'b0,
  localparam int unsigned Groups        = Columns / ReduceColumns,
  localparam int unsigned EntryBits     = lacuna_pkg::index_width(2 * Groups)
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,
  input  logic                        start_i,
  input  logic                        run_i,
  input  logic                        pair_i,

  input  logic                        param_valid_i,
  input  logic                        param_columns_i,
  input  logic [3:0]                  param_index_i,
  input  logic                        param_bank_i,
  input  logic [Columns*8-1:0]        param_data_i,

  // Bank, then group.
  input  logic                        en_i,
  input  logic [EntryBits-1:0]        entry_i,
  input  logic                        second_i,
  output logic [ReduceColumns*32-1:0] bias_o,
  output logic [ReduceColumns*6-1:0]  shift_o,
  input  logic [EntryBits-1:0]        multiplier_entry_i,
  input  logic                        multiplier_en_i,
  output logic [ReduceColumns*32-1:0] multiplier_o,

  output logic [31:0]                 pair_mb_o,
  output logic [47:0]                 pair_bias_o
);

  // A word of biases or multipliers holds PerWord columns. An entry is a group of them or, where a
  // group is less than a word, the groups of a word, of which a read takes one.
  localparam int unsigned PerWord       = Columns / 4;
  localparam int unsigned GroupsPerWord = (ReduceColumns < PerWord) ? PerWord / ReduceColumns : 1;
  localparam int unsigned PerEntry      = ReduceColumns * GroupsPerWord;
  localparam int unsigned WordsPerEntry = PerEntry / PerWord;
  localparam int unsigned Entries       = Columns / PerEntry;
  localparam int unsigned GroupBits     = lacuna_pkg::index_width(Entries);
  localparam int unsigned WayBits       = EntryBits - 1 - GroupBits;
  localparam int unsigned ConstantBits  = 118;  // of PostConstants, up to the shift's 6 bits

  if (PerEntry % PerWord != 0 || Entries < 2) begin : gen_bad_columns
    $error("ReduceColumns is %0d; an eighth, a quarter or half of the %0d columns is needed",
           ReduceColumns, Columns);
  end

  // The constants of `post`; the initial ones multiply tap a, a byte plus 128, by 2^17, and take
  // off what is too much before they shift it back.
  logic [ConstantBits-1:0] constants_q;
  logic [31:0]             ma, mb;

  assign ma = constants_q[31:0];
  assign mb = constants_q[63:32];

  // Bytes 11 to 13 are the high ones of a bias below 0, byte 14 is the shift.
  localparam logic [ConstantBits-1:0] Initial = {6'd17, 24'hffffff, 64'd0, 24'h020000};

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      constants_q <= Initial;
    end else if (param_valid_i && !param_columns_i) begin
      for (int unsigned b = 0; b < ConstantBits; b++) begin
        if (param_index_i == 4'(b / (8 * Columns))) constants_q[b] <= param_data_i[b % (8 * Columns)];
      end
    end
  end

  always_ff @(posedge clk_i) pair_bias_o <= pair_i ? constants_q[111:64] : '0;

  assign pair_mb_o = mb;

  logic [EntryBits-1:0] multiplier_entry_q;

  always_ff @(posedge clk_i) multiplier_entry_q <= multiplier_entry_i;

  // The shifts come in one word; it is dealt to the entries, one a cycle.
  logic [Columns*8-1:0] shifts_q;
  logic [Entries-1:0]   deal_q;
  logic [GroupBits-1:0] deal_group_q;
  logic                 deal_bank_q, shifts_come;

  assign shifts_come = param_valid_i && param_columns_i && (param_index_i == 4'd8);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) deal_q <= '0;
    else         deal_q <= shifts_come ? '1 : deal_q >> 1;
  end

  always_ff @(posedge clk_i) begin
    if (shifts_come) begin
      shifts_q     <= param_data_i;
      deal_group_q <= '0;
      deal_bank_q  <= param_bank_i;
    end else if (deal_q[0]) begin
      shifts_q     <= shifts_q >> (8 * PerEntry);
      deal_group_q <= deal_group_q + 1'b1;
    end
  end

  logic [GroupBits:0]     entry, multiplier_entry;
  logic [PerEntry*32-1:0] bias_read, multiplier_read;
  logic [PerEntry*6-1:0]  shift_read;

  assign entry            = entry_i[EntryBits-1:WayBits];
  assign multiplier_entry = multiplier_entry_q[EntryBits-1:WayBits];

  for (genvar c = 0; c < PerEntry; c++) begin : gen_column
    localparam int unsigned Word = c / PerWord;   // of the entry's words
    localparam int unsigned Slot = c % PerWord;   // in the word

    logic                 here;
    logic [GroupBits-1:0] group;

    assign here  = param_valid_i && param_columns_i
                && (32'(param_index_i[1:0]) % WordsPerEntry == Word);
    assign group = GroupBits'(32'(param_index_i[1:0]) / WordsPerEntry);

    if (Monitor) begin : gen_biases
      lacuna_ram_lut #(.Words(4 * Entries), .Width(32)) u_bias (
        .clk_i,
        .wr_en_i  (here && (param_index_i[2] == param_index_i[3])),
        .wr_addr_i({param_index_i[3], param_bank_i, group}),
        .wr_data_i(param_data_i[32*Slot +: 32]),
        .rd_en_i  (en_i),
        .rd_addr_i({second_i, entry}),
        .rd_data_o(bias_read[32*c +: 32])
      );
    end else begin : gen_bias
      lacuna_ram_lut #(.Words(2 * Entries), .Width(32)) u_bias (
        .clk_i,
        .wr_en_i  (here && (param_index_i[3:2] == 2'd0)),
        .wr_addr_i({param_bank_i, group}),
        .wr_data_i(param_data_i[32*Slot +: 32]),
        .rd_en_i  (en_i),
        .rd_addr_i(entry),
        .rd_data_o(bias_read[32*c +: 32])
      );
    end

    lacuna_ram_lut #(.Words(2 * Entries), .Width(32)) u_multiplier (
      .clk_i,
      .wr_en_i  (here && (param_index_i[3:2] == 2'd1)),
      .wr_addr_i({param_bank_i, group}),
      .wr_data_i(param_data_i[32*Slot +: 32]),
      .rd_en_i  (multiplier_en_i),
      .rd_addr_i(multiplier_entry),
      .rd_data_o(multiplier_read[32*c +: 32])
    );

    lacuna_ram_lut #(.Words(2 * Entries), .Width(6)) u_shift (
      .clk_i,
      .wr_en_i  (deal_q[0]),
      .wr_addr_i({deal_bank_q, deal_group_q}),
      .wr_data_i(shifts_q[8*c +: 6]),
      .rd_en_i  (en_i),
      .rd_addr_i(entry),
      .rd_data_o(shift_read[6*c +: 6])
    );
  end

  if (!Monitor) begin : gen_one_gate_value
    logic unused;
    assign unused = second_i;
  end

  // The group of the entry.
  logic [ReduceColumns*32-1:0] bias, multiplier;
  logic [ReduceColumns*6-1:0]  shift;

  if (GroupsPerWord == 1) begin : gen_whole
    assign bias       = bias_read;
    assign multiplier = multiplier_read;
    assign shift      = shift_read;
  end else begin : gen_part
    logic [WayBits-1:0] way, multiplier_way;
    assign way            = entry_i[WayBits-1:0];
    assign multiplier_way = multiplier_entry_q[WayBits-1:0];
    assign bias           = bias_read[32*ReduceColumns*way +: 32*ReduceColumns];
    assign multiplier     = multiplier_read[32*ReduceColumns*multiplier_way +: 32*ReduceColumns];
    assign shift          = shift_read[6*ReduceColumns*way +: 6*ReduceColumns];
  end

  for (genvar l = 0; l < ReduceColumns; l++) begin : gen_lane
    always_ff @(posedge clk_i) begin
      if (en_i) begin
        bias_o[32*l +: 32] <= run_i ? bias[32*l +: 32] : pair_i ? '0 : mb;
        shift_o[6*l +: 6]  <= run_i ? shift[6*l +: 6] : constants_q[117:112];
      end
    end

    assign multiplier_o[32*l +: 32] = run_i ? multiplier[32*l +: 32] : ma;
  end

endmodule
