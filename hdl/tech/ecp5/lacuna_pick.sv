// hdl/cim/lacuna_pick.sv on ECP5: its LUTs, because logic optimisation takes the chain apart.
module lacuna_pick #(
  parameter  int unsigned Words = 8,
  parameter  int unsigned Width = 50,
  localparam int unsigned Pairs = (Words + 1) / 2
) (
  input  logic                   en_i,
  input  logic [Words*Width-1:0] words_i,
  input  logic [Pairs:0]         select_i,

  output logic [Width-1:0]       word_o
);

  localparam logic [15:0] First = 16'hfc0a;  // C ? D : D ? B : A
  localparam logic [15:0] Next  = 16'he4aa;  // D ? (A ? C : B) : A

  logic                     unused;
  logic [2*Pairs*Width-1:0] words;
  logic [Pairs*Width-1:0]   chain;

  assign unused = en_i;
  assign words  = (2*Pairs*Width)'(words_i);
  assign word_o = chain[(Pairs-1)*Width +: Width];

  for (genvar b = 0; b < Width; b++) begin : gen_bit
    LUT4 #(.INIT(First)) u_first (
      .A(words[b]), .B(words[Width+b]), .C(select_i[1]), .D(select_i[0]), .Z(chain[b])
    );
  end

  for (genvar p = 1; p < Pairs; p++) begin : gen_pair
    for (genvar b = 0; b < Width; b++) begin : gen_bit
      LUT4 #(.INIT(Next)) u_next (
        .A(chain[(p-1)*Width+b]),
        .B(words[2*p*Width+b]),
        .C(words[(2*p+1)*Width+b]),
        .D(select_i[p+1]),
        .Z(chain[p*Width+b])
      );
    end
  end

endmodule
