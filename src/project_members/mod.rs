//! Project members: who may do what in a project.
//!
//! **Invariants:** a user is a member of a project once; a project that has an owner keeps one. Whoever makes a project owns it. A
//! maintainer says who views and contributes; only an owner says who maintains and owns.

pub mod events;
pub mod graphql;
pub mod mutations;
pub mod reads;
pub mod rules;
pub mod writes;
