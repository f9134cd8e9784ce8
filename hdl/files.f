// The one source list, packages first: simulation, lint, proof and FPGA read it.
hdl/pkg/lacuna_pkg.sv
hdl/pkg/lacuna_spec_pkg.sv
hdl/check/lacuna_stream_check.sv
hdl/stream/lacuna_spill.sv
hdl/stream/lacuna_fifo.sv
hdl/stream/lacuna_fork.sv
hdl/stream/lacuna_rr_arb.sv
hdl/stream/lacuna_xbar.sv
hdl/memory/lacuna_ram_1r1w.sv
hdl/memory/lacuna_ram_lut.sv
hdl/memory/lacuna_ram_spram.sv
