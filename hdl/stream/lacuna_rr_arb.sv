// Merges several streams into one, taking turns.
//
// Contract: an item that is offered stays chosen until it is taken. After a requester was served,
//           all others that wait are served before it is again: nobody waits for more than Inputs -
//           1 items.
// Throughput: one item a cycle.
// Latency:    none; `valid_o` depends on `valid_i`, `ready_o` on `ready_i` and on the other
//             requests.
module lacuna_rr_arb #(
  parameter  int unsigned Inputs     = 2,
  parameter  int unsigned Width      = 8,
  localparam int unsigned IndexWidth = (Inputs > 1) ? $clog2(Inputs) : 1
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,

  input  logic [Inputs-1:0]             valid_i,
  output logic [Inputs-1:0]             ready_o,
  input  logic [Inputs-1:0][Width-1:0]  data_i,

  output logic                          valid_o,
  input  logic                          ready_i,
  output logic [Width-1:0]              data_o,
  // Whose item it is.
  output logic [IndexWidth-1:0]         index_o
);

  // `first_q` has the turn. An item that was offered and not taken gives its input the turn, and,
  // as it stays valid, keeps it.
  logic [IndexWidth-1:0] first_q, chosen;

  always_comb begin
    chosen = first_q;
    for (int i = Inputs - 1; i >= 0; i--) begin
      if (valid_i[i]) chosen = IndexWidth'(i);
    end
    for (int i = Inputs - 1; i >= 0; i--) begin
      if (valid_i[i] && IndexWidth'(i) >= first_q) chosen = IndexWidth'(i);
    end
  end

  assign valid_o = |valid_i;
  assign index_o = chosen;

  logic [(Inputs+1)/2:0] select;

  lacuna_pick_select #(.Words(Inputs)) u_select (.word_i(chosen), .select_o(select));

  lacuna_pick #(.Words(Inputs), .Width(Width)) u_pick (
    .en_i    (valid_o),
    .words_i (data_i),
    .select_i(select),
    .word_o  (data_o)
  );

  always_comb begin
    ready_o         = '0;
    ready_o[chosen] = ready_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      first_q <= '0;
    end else if (valid_o) begin
      if (!ready_i)                                first_q <= chosen;
      else if (chosen == IndexWidth'(Inputs - 1))  first_q <= '0;
      else                                         first_q <= chosen + IndexWidth'(1);
    end
  end

`ifdef LACUNA_CHECK
  for (genvar i = 0; i < Inputs; i++) begin : gen_check
    lacuna_stream_check #(.Width(Width)) u_check_in (
      .clk_i, .rst_ni, .valid_i(valid_i[i]), .ready_i(ready_o[i]), .data_i(data_i[i])
    );
  end
  lacuna_stream_check #(.Width(Width + IndexWidth)) u_check_out (
    .clk_i, .rst_ni, .valid_i(valid_o), .ready_i, .data_i({index_o, data_o})
  );
`endif

endmodule
