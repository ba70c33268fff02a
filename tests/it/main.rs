//! The integration tests, as one binary over real databases.
//!
//! A test is an `async fn` that takes a [`support::Backend`] and is named in an [`on_both!`] at the top of its module,
//! which makes it a test on SQLite and one on PostgreSQL: `cargo test sqlite::` runs one half.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

#[macro_use]
mod support;

mod access;
mod attacks;
mod backup;
mod cli;
mod connections;
mod constraints;
mod demo;
mod differential;
mod door;
mod embedded;
mod encryption;
mod explain;
mod full_text;
mod fuzz;
mod graphiql;
mod history;
mod http;
mod import;
mod jwt;
mod limits;
mod live;
mod load;
mod migrations;
mod operations;
mod persisted;
mod postgres_reads;
mod reads;
mod schema;
mod search;
mod serve;
mod servers;
#[cfg(feature = "otlp")]
mod spans;
mod sqlite_reads;
mod timeouts;
mod webhooks;
mod writes;
