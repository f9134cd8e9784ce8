// Follows the masks of a compressed write as its bytes pass, and says whether the frame ends where
// they end.
//
// Contract:   `fit_o` is for the end of a frame: its body holds as many halves as its beats have, and
//             then the checksum, all inside a slot. Of other operations it says nothing.
// Throughput: one byte a cycle.
// Latency:    none.
//
// A half is a mask and, for each of its bits that is set, a byte: so a mask says where the next is.
module lacuna_frame_halves #(
  parameter  int unsigned SlotBytes   = 1024,
  parameter  int unsigned WordBytes   = 16,
  localparam int unsigned LengthWidth = $clog2(SlotBytes) + 1
) (
  input  logic                   clk_i,

  // As of lacuna_link_window.
  input  logic                   byte_take_i,
  input  logic [7:0]             byte_data_i,
  input  logic [LengthWidth-1:0] length_i,

  output logic                   fit_o
);

  localparam int unsigned CountAt   = 5;
  localparam int unsigned Halves    = WordBytes / lacuna_spec_pkg::FrameHalfBytes;
  localparam int unsigned LeftWidth = 8 + $clog2(Halves);

  logic [LeftWidth-1:0]   left_q;  // Halves whose mask is still to come.
  logic [LengthWidth-1:0] next_q;  // Where the next mask is, or the checksum.
  logic [3:0]             taken;   // By a half with this mask.
  logic                   mask;

  assign mask  = byte_take_i && length_i == next_q && left_q != '0;
  // While masks are to come, the next is never behind what has passed.
  assign fit_o = length_i == next_q + LengthWidth'(lacuna_spec_pkg::FrameCrcBytes)
                 && !(length_i[LengthWidth-1] && length_i[0]);

  always_comb begin
    taken = 4'd1;
    for (int unsigned b = 0; b < lacuna_spec_pkg::FrameHalfBytes; b++) begin
      taken += 4'(byte_data_i[b]);
    end
  end

  always_ff @(posedge clk_i) begin
    if (byte_take_i && length_i == LengthWidth'(CountAt)) begin
      left_q <= LeftWidth'(byte_data_i) << $clog2(Halves);
      next_q <= LengthWidth'(lacuna_spec_pkg::FrameRequestBytes);
    end else if (mask) begin
      left_q <= left_q - LeftWidth'(1);
      next_q <= next_q + LengthWidth'(taken);
    end
  end

endmodule
