//! Full-text search over the names and descriptions of features and projects.
//!
//! [`Query::parse`] reads what a person typed, [`find`] and [`count`] ask the database, and the text of each hit comes back
//! with marks. A hit has every term of the query, in its name or in its description; a phrase stands in one of the two.
//! How well a hit fits depends on where its terms stand and on nothing else in the database ([`Hit::rank`]), so that pages
//! stay as they are while other rows come and go.
//!
//! **Invariants:** both databases find the same rows in the same order; rows that the caller may not see are neither found
//! nor counted; nothing that is typed is an error. Word for word the two differ in this alone: of a description, PostgreSQL
//! knows the first 250,000 characters.
//!
//! Writing in which words are not set apart, such as Chinese, is cut at its punctuation only: a term finds the beginning of
//! such a run with a star, and not the middle.

pub mod graphql;
mod highlight;
mod index;
mod letters;
mod query;
mod rank;
mod reads;
mod words;

pub use highlight::{mark, snippet};
pub use query::{MAX_WORD_LENGTH, MAX_WORDS, Query, Term};
pub use reads::{Hit, Kind, Page, Place, count, count_statement, find, page_statement};
