// The one source list, packages first: simulation, lint, proof and FPGA read it.
hdl/pkg/lacuna_pkg.sv
hdl/pkg/lacuna_spec_pkg.sv
hdl/check/lacuna_stream_check.sv
hdl/stream/lacuna_spill.sv
hdl/stream/lacuna_fifo.sv
