// Proves lacuna_count, lacuna_left and lacuna_tally, as RTL and on iCE40's cells, against plain
// arithmetic.
module lacuna_counts_proof #(
  parameter int unsigned Width = 6
) (
  input logic             clk_i,
  input logic             en_i,
  input logic             set_i,
  input logic [Width-1:0] value_i,
  input logic             begin_i,
  input logic [7:0]       add_i
);

  logic [Width-1:0] up, down, up_next, down_next, up_q, down_q;
  logic             last;  // proven where it is made
  logic [31:0]      sum, sum_q;
  // What was set or begun is known from then on.
  logic             set_q, begun_q;

  lacuna_count #(.Width(Width)) u_up (.set_i, .value_i, .count_i(up), .next_o(up_next));

  lacuna_count #(.Width(Width), .Down(1'b1)) u_down (
    .set_i, .value_i, .count_i(down), .next_o(down_next)
  );

  lacuna_left #(.Width(Width), .Ahead(1'b1)) u_left (
    .clk_i, .en_i, .set_i, .turns_i(value_i), .last_o(last)
  );

  lacuna_tally #(.First(16'd1)) u_tally (.clk_i, .begin_i, .add_i, .sum_o(sum));

  initial {set_q, begun_q} = 2'b00;

  always_ff @(posedge clk_i) begin
    set_q   <= set_q || (en_i && set_i);
    begun_q <= begun_q || begin_i;
    if (en_i) begin
      up     <= up_next;
      down   <= down_next;
      up_q   <= set_i ? value_i : up_q + Width'(1);
      down_q <= set_i ? value_i : down_q - Width'(1);
    end
    sum_q <= begin_i ? 32'd1 : sum_q + 32'(add_i);

    counts_up: assert (!set_q || up == up_q);
    counts_down: assert (!set_q || down == down_q);
    adds_up: assert (!begun_q || sum == sum_q);
  end

endmodule
