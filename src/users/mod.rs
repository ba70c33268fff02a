//! Users: who may be a member of projects, and hold access tokens.
//!
//! **Invariants:** a user's name never changes, since events and the audit name users by it; it stays taken when the user is deleted.
//! Only an admin makes or changes users. What a user's tokens and memberships come to, [`crate::access`] says.

pub mod events;
pub mod graphql;
pub mod mutations;
pub mod reads;
pub mod rules;
pub mod viewer;
pub mod writes;
