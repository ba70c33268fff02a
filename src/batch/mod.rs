//! The way of a read: a list is resolved as a list.
//!
//! async-graphql keeps the schema, parsing, validation and introspection; reads are ours from the root down. [`plan`] compiles
//! an operation once, with the SQL text of every statement; [`engine`] keeps plans and fills them with the values of a
//! request; [`load`] asks the [`loader`] once for each relation with the keys of *all* parents; [`write`] puts the rows into
//! JSON. A relation has no other signature, so an N+1 cannot be written. docs/READS.md goes through it with a document.
//!
//! **Invariants:** the number of statements depends on the document, never on the number of rows; a statement reads no
//! column that is not selected, and no row that is not returned (but one a page, which tells whether there are more); a
//! plan holds no value of a request and is for one caller; one [`object::Fields`] declaration yields a type's SDL, leaves,
//! relations, filters and orders; nothing here knows a slice.
//!
//! Slices declare their objects with [`Fields`], [`Table`] and [`Column`]; `graphql` builds the [`Root`]; ordinary
//! resolvers return a [`One`], or a [`OneNode`] where it may be of any type, with what is [at hand](AtHand).

mod arguments;
mod at_hand;
mod column;
mod cursor;
mod dispatch;
mod engine;
mod error;
mod filter;
mod groups;
pub mod id;
mod json;
mod kept;
mod listing;
mod load;
mod loader;
mod object;
mod object_plans;
mod order;
mod page;
mod plan;
mod projection;
mod reads;
mod resolve;
mod root;
mod row;
mod sdl;
mod search;
mod selection;
mod shape;
mod source;
mod statement;
mod subscription;
mod together;
mod write;

pub(crate) use arguments::holds_variable;
pub use arguments::{Argument, Arguments};
pub use at_hand::AtHand;
pub use column::{Column, Join, LeafType};
pub use cursor::{read_cursor, write_cursor};
pub use dispatch::{Dispatcher, Loader};
pub use engine::{Data, Plans, Query};
pub use error::BatchError;
pub use groups::Groups;
pub use listing::Listing;
pub use object::{Fields, First, Object, ObjectRef, Table};
pub use object_plans::ObjectPlans;
pub use order::{Direction, Nulls};
pub use page::PageLimits;
pub use reads::{Reads, Scope};
pub use resolve::{Declared, One, OneNode};
pub use root::{DeclaresRoot, QueryType, Root, RootField};
pub(crate) use row::write_json;
pub use row::{Cell, Kind};
pub(crate) use sdl::register_date_time;
pub use search::{Finder, Hit, Hits, Member, Search, Wanted};
pub(crate) use selection::{Selected, collect};
pub use shape::{Compute, Computed, Entries, Shape, ShapeRef};
pub(crate) use source::Source;
pub use subscription::{Asked, DeclaresSubscriptions, LivePlan, SubscriptionField, SubscriptionRoot};
