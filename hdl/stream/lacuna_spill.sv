// Registers a stream in both directions: no combinational path crosses it.
//
// Contract:   what enters leaves, in order; holds up to two items.
// Throughput: one item a cycle.
// Latency:    one cycle.
module lacuna_spill #(
  parameter int unsigned Width = 8
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             valid_i,
  output logic             ready_o,
  input  logic [Width-1:0] data_i,

  output logic             valid_o,
  input  logic             ready_i,
  output logic [Width-1:0] data_o
);

  // The consumer sees the head; the tail catches what arrives while the head is stalled.
  logic             head_full_q, tail_full_q;
  logic [Width-1:0] head_q, tail_q;
  logic             push, advance;

  assign ready_o = !tail_full_q;
  assign valid_o = head_full_q;
  assign data_o  = head_q;

  assign push    = valid_i && ready_o;
  assign advance = ready_i || !head_full_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      head_full_q <= 1'b0;
      tail_full_q <= 1'b0;
    end else if (advance) begin
      head_full_q <= tail_full_q || push;
      tail_full_q <= 1'b0;
    end else if (push) begin
      tail_full_q <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (advance) head_q <= tail_full_q ? tail_q : data_i;
    if (push)    tail_q <= data_i;
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
