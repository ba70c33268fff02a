//! Reads through GraphQL: what they cost, and what they answer.

mod cases;
mod errors;
mod paging;
mod plans;
mod rows_read;
mod statements;
