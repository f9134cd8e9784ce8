// One row lane at 8-bit digits: a digit is a whole difference, so that a row has one slot and needs
// no recoding, and the read register of the queue is the head.
//
// Contract:   as lacuna_lane, but an entry has Rows rows, of pages from `push_page_i` on.
//             `negative_o` and `ones_o`: the digit as sign and one's complement, its magnitude is
//             `ones_o` + `negative_o`.
// Throughput: one row a cycle while the queue is not empty, also across vectors.
// Latency:    as lacuna_lane.
module lacuna_lane_whole #(
  parameter  int unsigned Pages     = 512,
  parameter  int unsigned Rows      = 2,
  parameter  int unsigned Slack     = 1,
  localparam int unsigned TagBits   = lacuna_pkg::tag_bits(Slack),
  localparam int unsigned PageWidth = $clog2(Pages)
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 start_i,    // forgets all vectors: the next one has tag 0

  input  logic                 push_i,
  input  logic [TagBits-1:0]   push_tag_i,
  input  logic [PageWidth-1:0] push_page_i,
  input  logic [Rows-1:0]      push_live_i,
  input  logic [9*Rows-1:0]    push_rows_i,
  input  logic [TagBits:0]     fed_i,      // vectors handed over whole, modulo twice the tags
  output logic                 room_o,

  input  logic                 freed_i,
  output logic                 busy_o,

  output logic                 issue_o,
  output logic                 retire_o,
  output logic [PageWidth-1:0] page_o,
  output logic                 negative_o,
  output logic [7:0]           ones_o,

  output logic                 issuing_o,  // issue_o of the next cycle
  output logic                 starved_o,  // waits for the feeder
  output logic                 blocked_o   // could retire but for the hold registers
);

  localparam int unsigned Depth      = lacuna_pkg::lane_queue(Slack);
  localparam int unsigned PtrWidth   = $clog2(Depth);
  localparam int unsigned EntryWidth = TagBits + PageWidth + Rows + 9 * Rows;
  localparam int unsigned EntryBytes = (EntryWidth + 7) / 8;

  // Queue, and the head.
  logic [PtrWidth-1:0]     wr_ptr_q, rd_ptr_q;
  logic [PtrWidth:0]       count_q;
  logic                    empty, load, head_valid_q, head_last, issue, retire;
  logic [8*EntryBytes-1:0] head;
  logic [TagBits-1:0]      tag;
  logic [PageWidth-1:0]    page;
  logic [Rows-1:0]         live;
  logic [9*Rows-1:0]       rows;

  assign empty  = (count_q == '0);
  assign room_o = (count_q <= (PtrWidth+1)'(Depth - lacuna_spec_pkg::FeedLatency));
  assign load   = !empty && (!head_valid_q || (issue && head_last));

  lacuna_ram_1r1w #(.Words(Depth), .WordBytes(EntryBytes)) u_queue (
    .clk_i,
    .rd_en_i  (load),
    .rd_addr_i(rd_ptr_q),
    .rd_data_o(head),
    .wr_be_i  ({EntryBytes{push_i}}),
    .wr_addr_i(wr_ptr_q),
    .wr_data_i((8*EntryBytes)'({push_tag_i, push_page_i, push_live_i, push_rows_i}))
  );

  assign {tag, page, live, rows} = head[EntryWidth-1:0];

  if (8 * EntryBytes > EntryWidth) begin : gen_spare
    logic unused;
    assign unused = ^head[8*EntryBytes-1:EntryWidth];
  end

  // The row that leaves next: the lowest that has not left. Those below it are done.
  logic [Rows-2:0]         done_q, done;
  logic [$clog2(Rows)-1:0] row;
  logic [8:0]              digit;

  always_comb begin
    row       = ($clog2(Rows))'(Rows - 1);
    digit     = rows[9*(Rows-1) +: 9];
    done      = '1;
    head_last = 1'b1;
    for (int unsigned r = Rows - 1; r > 0; r--) begin
      if (live[r-1] && !done_q[r-1]) begin
        row       = ($clog2(Rows))'(r - 1);
        digit     = rows[9*(r-1) +: 9];
        done      = (Rows - 1)'((1 << r) - 1);
        head_last = (live >> r) == '0;
      end
    end
  end

  lacuna_vectors #(.Slack(Slack)) u_vectors (
    .clk_i,
    .rst_ni,
    .start_i,
    .fed_i,
    .empty_i     (empty),
    .head_valid_i(head_valid_q),
    .head_tag_i  (tag),
    .freed_i,
    .busy_o,
    .issue_o     (issue),
    .retire_o    (retire),
    .starved_o,
    .blocked_o
  );

  assign issuing_o = issue;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q      <= '0;
      wr_ptr_q     <= '0;
      rd_ptr_q     <= '0;
      head_valid_q <= 1'b0;
      issue_o      <= 1'b0;
      retire_o     <= 1'b0;
    end else begin
      count_q <= count_q + {{PtrWidth{load && !push_i}}, load != push_i};
      if (push_i) wr_ptr_q <= wr_ptr_q + 1'b1;
      if (load) rd_ptr_q <= rd_ptr_q + 1'b1;
      head_valid_q <= load || (head_valid_q && !(issue && head_last));
      issue_o      <= issue;
      retire_o     <= retire;
    end
  end

  always_ff @(posedge clk_i) begin
    if (load)       done_q <= '0;
    else if (issue) done_q <= done;
    if (issue) begin
      page_o     <= page + PageWidth'(row);
      negative_o <= digit[8];
      ones_o     <= digit[7:0] ^ {8{digit[8]}};
    end
  end

`ifdef LACUNA_CHECK
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      assert (!push_i || count_q != (PtrWidth+1)'(Depth));
      assert (!push_i || push_live_i != '0);
      assert (!start_i || (empty && !head_valid_q && !busy_o));
    end
  end
`endif

endmodule
