//! What the benchmark's two programs share: the answers' JSON, written by hand.

pub mod answers;
pub mod json;
