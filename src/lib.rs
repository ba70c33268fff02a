//! Throughline: the record of software delivery that people and AI agents share.
//!
//! One GraphQL API over an SQLite file or a PostgreSQL server. An embedding application opens a
//! [`database::Database`], brings its tables up to date, builds a [`graphql::Api`] over it, and either mounts
//! [`http::router`] in its own axum application or calls [`graphql::Api::execute`] itself.
//!
//! ```no_run
//! use throughline::database::{Database, PoolOptions};
//! use throughline::graphql::{Api, Settings};
//! use throughline::http::HttpSettings;
//!
//! # async fn mount(own: axum::Router) -> Result<axum::Router, Box<dyn std::error::Error>> {
//! let database = Database::connect("sqlite://throughline.db", &PoolOptions::default()).await?;
//! database.migrate().await?;
//! let app = own.merge(throughline::http::router(Api::new(database, Settings::default()), HttpSettings::default()));
//! # Ok(app)
//! # }
//! ```
//!
//! - [`batch`] is the way of a read: a list is resolved as a list.
//! - [`projects`], [`features`], [`test_cases`] and [`deployments`] are the domain, one slice a noun.
//! - [`search`] finds features and projects by their words.
//! - [`write_transaction`] is the one door: a command becomes [`events`], with their [`audit`] and [`read_model`]; [`import`] brings
//!   files in through it.
//! - [`graphql`] puts the slices' parts of the schema together, [`http`] speaks, [`cli`] and [`app`] start and stop it;
//!   [`telemetry`] is what its operator sees.
//!
//! docs/ARCHITECTURE.md tells who may use whom, and why.

pub mod access;
pub mod app;
pub mod audit;
pub mod batch;
pub mod changes;
pub mod cli;
pub mod clock;
pub mod closed_set;
pub mod code;
pub mod config;
pub mod database;
pub mod deployments;
pub mod events;
pub mod features;
pub mod graphql;
pub mod http;
pub mod import;
pub mod projects;
pub mod read_model;
pub mod search;
pub mod telemetry;
pub mod test_cases;
pub mod text;
pub mod write_transaction;
