//! Test cases: the checks of a feature, each with its latest result.
//!
//! A test case's name is unique in its feature. Others use [`rules`] and the object that `graphql` declares.

pub mod drafts;
pub mod events;
pub mod graphql;
pub mod mutations;
pub mod past;
pub mod reads;
pub mod rules;
pub mod runs;
pub mod writes;
