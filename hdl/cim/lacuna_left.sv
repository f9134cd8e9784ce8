// How much of a loop is left, as the question that its walker asks: is this the last turn?
//
// Contract:   `set_i` with `en_i` begins `turns_i` turns, 1 or more; `en_i` alone is the next turn.
// Throughput: one turn a cycle.
// Latency:    the answer as of the cycle before: a comparison, or a register if Ahead, so that
//             nothing stands before what a walker does with it, at about six logic cells of iCE40.
module lacuna_left #(
  parameter int unsigned Width = 10,
  parameter bit          Ahead = 1'b0
) (
  input  logic             clk_i,

  input  logic             en_i,
  input  logic             set_i,
  input  logic [Width-1:0] turns_i,
  output logic             last_o
);

  logic [Width-1:0] left_q, left_next;

  lacuna_count #(.Width(Width), .Down(1'b1)) u_left (
    .set_i, .value_i(turns_i), .count_i(left_q), .next_o(left_next)
  );

  always_ff @(posedge clk_i) begin
    if (en_i) left_q <= left_next;
  end

  if (Ahead) begin : gen_ahead
    // Of `left_next` it would take that sum's logic cells away from the count's registers.
    always_ff @(posedge clk_i) begin
      if (en_i) last_o <= set_i ? turns_i == Width'(1) : left_q == Width'(2);
    end
  end else begin : gen_compared
    assign last_o = left_q == Width'(1);
  end

`ifdef FORMAL
  logic begun_q;

  initial begun_q = 1'b0;

  always_ff @(posedge clk_i) begin
    begun_q <= begun_q || (en_i && set_i);
    knows_the_last: assert (!begun_q || last_o == (left_q == Width'(1)));
  end
`endif

endmodule
