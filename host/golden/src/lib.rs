//! lacuna-golden
