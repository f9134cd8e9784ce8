// The hold registers of some columns of a lane: what they had added up to at the end of each vector
// that the reduction has not read yet, at most Slack of them.
//
// Contract:   a retire keeps `sums_i`; `holds_o` is the oldest that is kept, looked at while
//             `show_i`. `show_end_i` comes with the last look at it: from the next cycle on it is
//             the one after. A retire in that cycle is in time where Slack vectors are kept. With a
//             Slack of 1 there is one register.
// Throughput: one retire and one look a cycle.
// Latency:    a retire shows in the next cycle.
module lacuna_holds #(
  parameter int unsigned Width = 100,
  parameter int unsigned Slack = 1
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             retire_i,
  input  logic [Width-1:0] sums_i,

  input  logic             show_i,
  input  logic             show_end_i,
  output logic [Width-1:0] holds_o
);

  if (Slack == 1) begin : gen_register
    logic unused;
    assign unused = rst_ni ^ show_i ^ show_end_i;

    always_ff @(posedge clk_i) begin
      if (retire_i) holds_o <= sums_i;
    end
  end else begin : gen_queue
    if ((Slack & (Slack - 1)) != 0) begin : gen_bad_slack
      $error("lacuna_holds: Slack is %0d; it must be a power of two", Slack);
    end

    localparam int unsigned PtrWidth = $clog2(Slack);

    logic [PtrWidth-1:0] wr_ptr_q, rd_ptr_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        wr_ptr_q <= '0;
        rd_ptr_q <= '0;
      end else begin
        wr_ptr_q <= wr_ptr_q + PtrWidth'(retire_i);
        rd_ptr_q <= rd_ptr_q + PtrWidth'(show_end_i);
      end
    end

    lacuna_ram_lut #(.Words(Slack), .Width(Width)) u_queue (
      .clk_i,
      .wr_en_i  (retire_i),
      .wr_addr_i(wr_ptr_q),
      .wr_data_i(sums_i),
      .rd_en_i  (show_i),
      .rd_addr_i(rd_ptr_q),
      .rd_data_o(holds_o)
    );

`ifdef LACUNA_CHECK
    logic [PtrWidth:0] kept_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) kept_q <= '0;
      else begin
        kept_q <= kept_q + (PtrWidth+1)'(retire_i) - (PtrWidth+1)'(show_end_i);
        assert (!retire_i || show_end_i || kept_q != (PtrWidth+1)'(Slack));
        assert (!show_end_i || kept_q != '0);
      end
    end
`endif
  end

endmodule
