//! Projects: what features belong to.
//!
//! A project's name is unique. Others use [`rules`] and the object that `graphql` declares.

pub mod drafts;
pub mod events;
pub mod graphql;
pub mod mutations;
pub mod past;
pub mod reads;
pub mod rules;
pub mod writes;
