//! Reads through GraphQL: what they cost, and what they answer.

mod cases;
mod errors;
mod filters;
mod filters_refused;
mod more_pages;
mod ordinary_resolvers;
mod paging;
pub(crate) mod plans;
mod rows_read;
mod semantics;
mod statements;
mod summaries;
mod together;
