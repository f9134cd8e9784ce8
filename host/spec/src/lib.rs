//! lacuna-spec
