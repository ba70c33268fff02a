//! The tables as SeaORM entities, one file a table.
//!
//! **Invariant:** nothing here knows GraphQL, HTTP or a rule of the domain; a table is not the API. Hot reads build
//! their SQL from these columns, writes and tools use the entities themselves. The tables are made by `migration`,
//! which never imports this crate, so that an old migration keeps its meaning when an entity moves on.

#![expect(clippy::disallowed_methods, reason = "what `sea_orm::model` generates begins nothing unless it is called")]

pub mod access_token;
pub mod audit_log;
pub mod deployment;
pub mod event;
pub mod feature;
pub mod feature_view;
pub mod project;
pub mod project_member;
pub mod test_case;
pub mod user;
pub mod webhook;
pub mod webhook_delivery;
