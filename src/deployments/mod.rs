//! Deployments: versions of a feature brought to an environment.
//!
//! The same version may be brought to the same environment again. Others use [`rules`] and the object that `graphql`
//! declares.

pub mod drafts;
pub mod events;
pub mod graphql;
pub mod mutations;
pub mod past;
pub mod reads;
pub mod rules;
pub mod writes;
