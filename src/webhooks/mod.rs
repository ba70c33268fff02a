//! Webhooks: where a project's events are sent. [`crate::webhook_deliveries`] sends them.
//!
//! **Invariants:** only who maintains or owns the project knows of its webhooks; an address and the key that signs are stored encrypted,
//! since an address is often a secret as well. Whoever makes a webhook gets what happens from then on, and nothing is lost while it
//! is paused.

pub mod events;
pub mod graphql;
pub mod mutations;
pub mod reads;
pub mod rules;
pub mod writes;
