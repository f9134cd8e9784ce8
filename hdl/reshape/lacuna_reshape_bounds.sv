// Tells whether a reshape stays in its memories, before it starts.
//
// On each side a level moves the address by (count - 1) * step at most, up or down by the sign of
// the step. So the lowest byte is the start plus all that goes down, and the highest the start plus
// all that goes up and the run of bytes at each point.
//
// Contract:   `first_i` marks the first cycle, in which start, run and level 0 of `job_i` are
//             there; level k is k cycles later, and all of it then stays until `done_o`. Offsets
//             are added to the starts, which wrap; nothing else may. `bad_o` beside `done_o`: some
//             byte lies outside, or a beat has no or too many bytes. A job with a count of 0 is
//             good, and so is any source of a fill. Of a `gather` the targets of all of the chip's
//             tiles are looked at, its own or not.
// Latency:    `done_o` comes 6 cycles after `first_i` and stays.
module lacuna_reshape_bounds #(
  parameter  int unsigned Tiles     = lacuna_spec_pkg::BaseTiles,
  parameter  int unsigned WordBytes = 2 * lacuna_spec_pkg::BaseLanes,
  parameter  int unsigned TileWords = lacuna_spec_pkg::BaseTileWords,
  localparam int unsigned AddrBits  = $clog2(TileWords * WordBytes)
) (
  input  logic                      clk_i,

  input  logic                      first_i,
  input  lacuna_spec_pkg::reshape_t job_i,
  input  logic [AddrBits-1:0]       input_offset_i,
  input  logic [AddrBits-1:0]       output_offset_i,

  output logic                      done_o,
  output logic                      bad_o
);

  // A step of a level that moves has these bits, or it leaves the memory; a product has these.
  localparam int unsigned StepBits    = AddrBits + 1;
  localparam int unsigned ProductBits = StepBits + 12;
  localparam int unsigned SumBits     = AddrBits + 4;

  logic unused;
  assign unused = ^job_i;

  // The level of this cycle; with that of 5 the last products are added.
  logic [2:0] level, level_q;

  assign level  = first_i ? 3'd0 : level_q;
  assign done_o = !first_i && (level_q == 3'd6);

  always_ff @(posedge clk_i) begin
    level_q <= (level == 3'd6) ? 3'd6 : level + 3'd1;
  end

  logic [10:0]      count;
  logic [18:0]      unit;
  logic [1:0][18:0] step;

  // Linear transposes have bytes.
  assign unit = (job_i.element == lacuna_spec_pkg::ReshapeLinear) ? 19'd1 : 19'd1 << job_i.element;

  always_comb begin
    count = job_i.count_4;
    step  = {job_i.target_step_4, job_i.source_step_4};
    unique case (level)
      3'd0: begin
        count = job_i.count_0;
        step  = {job_i.target_step_0, job_i.transpose ? unit : job_i.source_step_0};
      end
      3'd1: begin
        count = job_i.count_1;
        step  = {job_i.transpose ? unit : job_i.target_step_1, job_i.source_step_1};
      end
      3'd2: begin
        count = job_i.count_2;
        step  = {job_i.target_step_2, job_i.source_step_2};
      end
      3'd3: begin
        count = job_i.count_3;
        step  = {job_i.target_step_3, job_i.source_step_3};
      end
      default: ;
    endcase
  end

  // A level is chosen in one cycle, multiplied and added in the next.
  logic [10:0] times_q;
  logic        moves, empty_q;

  assign moves = times_q != '0;

  always_ff @(posedge clk_i) begin
    times_q <= count - 11'd1;
    if (first_i)                               empty_q <= count == '0;
    else if ((level < 3'd5) && (count == '0)) empty_q <= 1'b1;
  end

  // Source and target, each with its start and its run.
  logic [1:0][AddrBits-1:0] start;
  logic [1:0][17:0]         ahead;  // of the last tile
  logic [1:0]               outside, leaves;
  logic [4:0]               run;

  assign run      = job_i.transpose ? unit[4:0] : job_i.bytes;
  assign start[0] = job_i.source[AddrBits-1:0] + input_offset_i;
  assign start[1] = job_i.target[AddrBits-1:0] + output_offset_i;

  assign ahead[0] = '0;
  assign ahead[1] = 18'(job_i.tile_step & {13{job_i.gather}}) * 18'(Tiles - 1);

  if (AddrBits < 18) begin : gen_outside
    assign outside[0] = job_i.source[17:AddrBits] != '0;
    assign outside[1] = (job_i.target[17:AddrBits] != '0) || (ahead[1] >> AddrBits != '0);
  end else begin : gen_inside
    assign outside = '0;
  end

  for (genvar s = 0; s < 2; s++) begin : gen_side
    logic [StepBits-1:0]    step_q;
    logic [ProductBits-1:0] wide_times, wide_step, product;
    logic [SumBits-1:0]     low_q, high_q, moved;
    logic                   far_q, left_q, left;

    assign wide_times = ProductBits'(times_q);
    assign wide_step  = {{(ProductBits - StepBits){step_q[StepBits-1]}}, step_q};
    assign product    = wide_times * wide_step;

    // The level's product is too long to be added, or its step was.
    assign left  = moves && (far_q || (product[ProductBits-1:StepBits-1]
                                       != {(ProductBits - StepBits + 1){product[StepBits-1]}}));
    assign moved = {{(SumBits - StepBits){product[StepBits-1]}}, product[StepBits-1:0]};

    always_ff @(posedge clk_i) begin
      step_q <= step[s][StepBits-1:0];
      far_q  <= step[s][18:StepBits-1] != {(20 - StepBits){step[s][StepBits-1]}};
      if (first_i) begin
        low_q  <= SumBits'(start[s]);
        high_q <= SumBits'(start[s]) + SumBits'(run) - SumBits'(1)
                + SumBits'(ahead[s][AddrBits-1:0]);
        left_q <= outside[s];
      end else if (level_q < 3'd6) begin
        if (moved[SumBits-1]) low_q  <= low_q + moved;
        else                  high_q <= high_q + moved;
        left_q <= left_q || left;
      end
    end

    assign leaves[s] = left_q || low_q[SumBits-1] || (high_q[SumBits-1:AddrBits] != '0);
  end

  logic no_beat;
  assign no_beat = (run == '0) || (run > 5'(WordBytes));
  assign bad_o   = !empty_q && (no_beat || leaves[1] || (leaves[0] && !job_i.fill));

endmodule
