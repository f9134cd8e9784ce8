//! lacuna-sim
