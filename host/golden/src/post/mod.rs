//! The post unit (`lacuna_post`): sums or taps in, output words out.

mod job;
mod params;
mod pool;
mod unit;
mod walk;

pub use unit::{Post, PostOut, PostWrite};
