//! Features: the units of work that a project delivers.
//!
//! A feature's name is unique in its project; its priority is 1..=13. A deleted feature keeps its row and is hidden from
//! every read. Others use [`rules`] and the object that `graphql` declares.

pub mod drafts;
pub mod events;
pub mod graphql;
pub mod mutations;
pub mod past;
pub mod reads;
pub mod rules;
pub mod writes;
