// A slot of the feeder on its way from its issue to the outputs.
//
// Its control travels beside the tile memory's two read cycles: stage 1, then stage 2 beside the
// data, then the outputs. What counts slots need not travel with them: it is counted where they
// come out.
//
// Contract:   mode, gate values and pages are held from `start_i` to the end of the job. Kinds,
//             from the highest bit: a window that is measured, parameters, a tap, a row word; none:
//             the slot only adds to the bytes held (`keep_i`), or nothing is issued. `window_i`
//             comes two cycles after its slot. With `double_i`, held too, each row word is a
//             window, and the window after it (`next_window_i`) comes with it, as `next_o`; it is 0
//             unless Double.
// Throughput: one slot a cycle.
// Latency:    3 cycles.
module lacuna_slots #(
  parameter  int unsigned Lanes      = 8,
  parameter  int unsigned Pages      = 512,
  parameter  int unsigned IndexWidth = 4,
  parameter  int unsigned TagBits    = 2,
  parameter  bit          Monitor    = 1'b0,
  parameter  bit          Double     = 1'b0,
  localparam int unsigned WordBytes  = 2 * Lanes,
  localparam int unsigned OffWidth   = $clog2(WordBytes),
  localparam int unsigned PageWidth  = $clog2(Pages)
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  input  logic                   start_i,
  input  logic                   columns_i,    // parameters are of columns, not of the job
  input  logic                   depthwise_i,
  input  logic                   wide_i,
  input  logic                   double_i,
  input  logic [IndexWidth-1:0]  operand_index_i,
  input  logic [7:0]             gate_i,
  input  logic [7:0]             second_gate_i,
  input  logic [7:0]             pad_byte_i,
  input  logic [PageWidth-1:0]   page_i,
  input  logic [PageWidth-1:0]   vector_pages_i,

  input  logic [3:0]             kind_i,
  input  logic                   keep_i,
  input  logic                   pad_i,
  input  logic                   flush_i,
  input  logic                   full_i,       // completes a word
  input  logic                   first_i,
  input  logic                   last_i,       // of a vector, a word's taps, parameters, a batch
  input  logic                   operand_i,    // parameters that a window holds: of operand_index_i
  input  logic                   block_end_i,
  input  logic [IndexWidth-1:0]  tap_i,        // of the kernel
  input  logic                   gated_i,
  input  logic                   second_i,     // less the second gate value
  input  logic [OffWidth-1:0]    position_i,   // of the window's first byte
  input  logic [OffWidth:0]      count_i,
  input  logic [WordBytes*8-1:0] window_i,
  input  logic [WordBytes*8-1:0] next_window_i,

  output logic [3:0]             kind_o,
  output logic [WordBytes*9-1:0] data_o,
  output logic                   double_o,     // `next_o` comes with `data_o`
  output logic [WordBytes*9-1:0] next_o,
  output logic [WordBytes*8-1:0] raw_o,        // parameters: nothing was subtracted
  output logic [OffWidth:0]      count_o,
  output logic [IndexWidth-1:0]  tap_o,        // a cycle early
  output logic                   pad_o,
  output logic                   first_o,
  output logic                   last_o,
  output logic                   gated_o,
  output logic                   second_o,

  // Of a row word.
  output logic [PageWidth-1:0]   page_o,
  output logic [TagBits-1:0]     tag_o,
  // Of parameters.
  output logic                   weights_o,
  output logic                   signs_o,
  output logic [IndexWidth-1:0]  index_o,
  output logic                   bank_o
);

  typedef struct packed {
    logic                pad;
    logic                flush;
    logic                full;
    logic                first;
    logic                last;
    logic                operand;
    logic                block_end;
    logic                gated;
    logic                second;
    logic [OffWidth-1:0] position;
    logic [OffWidth:0]   count;
  } slot_t;

  slot_t      slot_1_q, slot_2_q;
  /* verilator lint_off UNUSEDSIGNAL */
  slot_t      slot_3_q;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [3:0] kind_1_q, kind_2_q, kind_3_q;
  logic       keep_1_q, keep_2_q;
  logic [IndexWidth-1:0] tap_1_q, tap_2_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      {kind_1_q, kind_2_q, kind_3_q} <= '0;
      {keep_1_q, keep_2_q}           <= '0;
    end else begin
      {kind_1_q, kind_2_q, kind_3_q} <= {kind_i, kind_1_q, kind_2_q};
      {keep_1_q, keep_2_q}           <= {keep_i, keep_1_q};
    end
  end

  always_ff @(posedge clk_i) begin
    slot_1_q.pad       <= pad_i;
    slot_1_q.flush     <= flush_i;
    slot_1_q.full      <= full_i;
    slot_1_q.first     <= first_i;
    slot_1_q.last      <= last_i;
    slot_1_q.operand   <= operand_i;
    slot_1_q.block_end <= block_end_i;
    slot_1_q.gated     <= gated_i;
    slot_1_q.second    <= second_i;
    slot_1_q.position  <= position_i;
    slot_1_q.count     <= count_i;
    tap_1_q            <= tap_i;
    tap_2_q            <= tap_1_q;
    slot_2_q           <= slot_1_q;
    slot_3_q           <= slot_2_q;
  end

  logic [7:0]            gate;
  logic [IndexWidth-1:0] index;

  always_comb begin
    gate = '0;
    if (kind_2_q[0] || kind_2_q[3] || (kind_2_q[1] && depthwise_i)) gate = gate_i;
    if (slot_2_q.second && (kind_2_q[0] || kind_2_q[3])) gate = second_gate_i;
  end

  lacuna_assembler #(.Lanes(Lanes)) u_assembler (
    .clk_i,
    .en_i      (kind_2_q != '0),
    .keep_i    (keep_2_q),
    .full_i    (slot_2_q.full),
    .flush_i   (slot_2_q.flush),
    .pad_i     (slot_2_q.pad),
    .position_i(slot_2_q.position),
    .pad_byte_i,
    .gate_i    (gate),
    .window_i,
    .data_o
  );

  if (Double) begin : gen_next
    logic                   double_q;
    logic [WordBytes*9-1:0] next_q;

    always_ff @(posedge clk_i) begin
      double_q <= double_i;
      if (kind_2_q[0] && double_i) begin
        for (int unsigned b = 0; b < WordBytes; b++) begin
          next_q[9*b +: 9] <= (slot_2_q.pad ? {pad_byte_i[7], pad_byte_i}
                                            : {next_window_i[8*b+7], next_window_i[8*b +: 8]})
                            - {gate[7], gate};
        end
      end
    end

    assign double_o = double_q;
    assign next_o   = next_q;
  end else begin : gen_no_next
    logic unused;
    assign unused   = ^next_window_i;
    assign double_o = 1'b0;
    assign next_o   = '0;
  end

  lacuna_places #(
    .Pages(Pages), .IndexWidth(IndexWidth), .TagBits(TagBits), .Monitor(Monitor), .Double(Double)
  ) u_places (
    .clk_i,
    .rst_ni,
    .start_i,
    .columns_i,
    .depthwise_i,
    .wide_i,
    .double_i,
    .page_i,
    .vector_pages_i,
    .word_i     (kind_3_q[0]),
    .param_i    (kind_3_q[2] && !slot_3_q.operand),
    .last_i     (slot_3_q.last),
    .block_end_i(slot_3_q.block_end),
    .page_o,
    .tag_o,
    .weights_o,
    .signs_o,
    .index_o    (index),
    .bank_o
  );

  assign index_o = slot_3_q.operand ? operand_index_i : index;

  for (genvar b = 0; b < WordBytes; b++) begin : gen_raw
    assign raw_o[8*b +: 8] = data_o[9*b +: 8];
  end

  assign kind_o   = kind_3_q;
  assign count_o  = slot_3_q.count;
  assign tap_o    = tap_2_q;
  assign pad_o    = slot_3_q.pad;
  assign first_o  = slot_3_q.first;
  assign last_o   = slot_3_q.last;
  assign gated_o  = slot_3_q.gated;
  assign second_o = slot_3_q.second;

endmodule
