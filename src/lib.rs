//! Throughline: the record of software delivery that people and AI agents share.
//!
//! One GraphQL API over an SQLite file or a PostgreSQL server. An embedding application builds a [`Throughline`] and mounts
//! its router, or asks it without HTTP; `examples/mounted.rs` does both.
//!
//! - [`batch`] is the way of a read: a list is resolved as a list.
//! - [`projects`], [`features`], [`test_cases`] and [`deployments`] are the domain, one slice a noun.
//! - [`users`] and [`project_members`] say who there is and who may do what; [`access`] holds everybody to it.
//! - [`webhooks`] are where a project's events are sent, and [`webhook_deliveries`] sends them.
//! - [`search`] finds features and projects by their words.
//! - [`write_transaction`] is the one door: a command becomes [`events`], with their [`audit`] and [`read_model`]; [`import`] brings
//!   files in through it.
//! - [`encryption`] keeps what is confidential from whoever has the database.
//! - [`graphql`] puts the slices' parts of the schema together, [`http`] speaks, [`cli`] and [`app`] start and stop it;
//!   [`telemetry`] and [`explain`] are what its operator sees.
//!
//! docs/ARCHITECTURE.md tells who may use whom, and why.

pub mod access;
pub mod app;
pub mod audit;
pub mod backup;
pub mod batch;
pub mod changes;
pub mod cli;
pub mod clock;
pub mod closed_set;
pub mod code;
pub mod config;
pub mod copy;
pub mod database;
pub mod deployments;
mod embed;
pub mod encryption;
pub mod events;
pub mod explain;
pub mod features;
pub mod graphql;
pub mod http;
pub mod import;
pub mod project_members;
pub mod projects;
pub mod rate_limit;
pub mod read_model;
pub mod schema_check;
pub mod search;
pub mod telemetry;
pub mod test_cases;
pub mod text;
pub mod users;
pub mod webhook_deliveries;
pub mod webhooks;
pub mod write_transaction;

pub use embed::{BuildError, Builder, Throughline};
