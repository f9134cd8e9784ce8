// First-in first-out queue in distributed RAM: written synchronously, read asynchronously.
//
// Contract:   what enters leaves, in order; `ready_o` is low only when Depth items are held.
//             Readiness does not depend on `ready_i`, nor `valid_o` on `valid_i`.
// Throughput: one item a cycle.
// Latency:    one cycle: an item written to an empty queue is at the output in the next cycle.
module lacuna_fifo #(
  parameter  int unsigned Depth      = 4,
  parameter  int unsigned Width      = 8,
  localparam int unsigned CountWidth = $clog2(Depth + 1)
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  // Items held, 0 to Depth.
  output logic [CountWidth-1:0] count_o,

  input  logic                  valid_i,
  output logic                  ready_o,
  input  logic [Width-1:0]      data_i,

  output logic                  valid_o,
  input  logic                  ready_i,
  output logic [Width-1:0]      data_o
);

  if (Depth < 2) begin : gen_bad_depth
    $error("lacuna_fifo: Depth is %0d; it holds 2 items at least", Depth);
  end

  localparam int unsigned IndexWidth = $clog2(Depth);
  localparam logic [IndexWidth-1:0] Last = IndexWidth'(Depth - 1);

  logic [Width-1:0]      item_q [Depth];
  logic [IndexWidth-1:0] write_q, read_q;
  logic [CountWidth-1:0] count_q;
  logic                  push, pop;

  assign ready_o = count_q != CountWidth'(Depth);
  assign valid_o = count_q != '0;
  assign data_o  = item_q[read_q];
  assign count_o = count_q;

  assign push = valid_i && ready_o;
  assign pop  = valid_o && ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q <= '0;
      read_q  <= '0;
      count_q <= '0;
    end else begin
      if (push) write_q <= (write_q == Last) ? '0 : write_q + IndexWidth'(1);
      if (pop)  read_q  <= (read_q == Last) ? '0 : read_q + IndexWidth'(1);
      count_q <= count_q + CountWidth'(push) - CountWidth'(pop);
    end
  end

  always_ff @(posedge clk_i) begin
    if (push) item_q[write_q] <= data_i;
  end

`ifdef LACUNA_CHECK
  lacuna_stream_check #(.Width(Width)) u_check_in (
    .clk_i, .rst_ni, .valid_i, .ready_i(ready_o), .data_i
  );
  lacuna_stream_check #(.Width(Width)) u_check_out (
    .clk_i, .rst_ni, .valid_i(valid_o), .ready_i, .data_i(data_o)
  );
`endif

endmodule
