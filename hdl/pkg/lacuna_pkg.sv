// Helpers that RTL shares beside the generated contract.
package lacuna_pkg;

  // Bits that index `count` things; 1 for a single one, so that no port has no bits.
  function automatic int unsigned index_width(input int unsigned count);
    index_width = (count > 1) ? $clog2(count) : 1;
  endfunction

  // Cycles from one column group to the next, of the reduction and of the post unit.
  function automatic int unsigned group_cycles(input int unsigned lanes);
    group_cycles = (lanes == 2) ? lacuna_spec_pkg::SerialGroupCycles : 1;
  endfunction

  // A feeder hands over two row words a cycle: where a lane issues a whole row of them a cycle.
  function automatic bit double_feed(input int unsigned digit_bits, input int unsigned lanes);
    double_feed = digit_bits == 8 && group_cycles(lanes) == 1;
  endfunction

  // Vectors between their first window and the first group of their reduction, at most.
  function automatic int unsigned vectors_in_flight(input int unsigned slack);
    vectors_in_flight = (2 * slack > lacuna_spec_pkg::VectorsInFlight)
                        ? 2 * slack : lacuna_spec_pkg::VectorsInFlight;
  endfunction

  // Bits of a vector's number modulo these.
  function automatic int unsigned tag_bits(input int unsigned slack);
    tag_bits = $clog2(vectors_in_flight(slack));
  endfunction

  // Entries of a lane's input queue.
  function automatic int unsigned lane_queue(input int unsigned slack);
    lane_queue = (slack == 1) ? lacuna_spec_pkg::LaneQueue : 2 * lacuna_spec_pkg::LaneQueue;
  endfunction

  // Columns of a lane that work in step: as many as a block RAM has bytes, or are reduced a cycle.
  function automatic int unsigned part_columns(input int unsigned reduce_columns);
    part_columns = (reduce_columns > lacuna_spec_pkg::PartColumns) ? reduce_columns
                                                                   : lacuna_spec_pkg::PartColumns;
  endfunction

  // How many such parts of columns a lane has.
  function automatic int unsigned parts(input int unsigned lanes,
                                        input int unsigned reduce_columns);
    parts = 2 * lanes / part_columns(reduce_columns);
  endfunction

  // Where a lane keeps what it adds up for a column, in words: byte 0 of each four columns first,
  // then byte 1. A simulator takes the same byte of four words of weights at a time.
  function automatic int unsigned cell_word(input int unsigned column, input int unsigned columns);
    cell_word = (column % 4) * (columns / 4) + column / 4;
  endfunction

endpackage
