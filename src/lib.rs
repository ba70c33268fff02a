//! Throughline: the record of software delivery that people and AI agents share.
//!
//! This is a draft of the map; see docs/ARCHITECTURE.md.

pub mod access;
pub mod app;
pub mod batch;
pub mod cli;
pub mod clock;
pub mod closed_set;
pub mod config;
pub mod database;
pub mod deployments;
pub mod features;
pub mod graphql;
pub mod http;
pub mod import;
pub mod projects;
pub mod read_model;
pub mod test_cases;
pub mod text;
pub mod write_transaction;
