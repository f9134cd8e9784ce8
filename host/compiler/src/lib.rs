//! lacuna-compiler
