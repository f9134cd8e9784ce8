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

endpackage
