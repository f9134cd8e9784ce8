//! lacuna-driver
