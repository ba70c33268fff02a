//! Search as clients see it.

use std::sync::LazyLock;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::query::Query;
use super::reads::{self, Kind, Place};
use crate::access::Caller;
use crate::batch::{Finder, Hit, Hits, Member, RootField, Search, Wanted};
use crate::database::{Database, DatabaseError};
use crate::{features, projects};

/// The union of what can be found.
pub const UNION: &str = "SearchItem";

/// What the query root says of search.
pub fn root_fields() -> Vec<RootField> {
    let description = "What a text is found in, best first; nothing where there is nothing to search for. No text is an \
                       error.";
    vec![RootField::search("search", description, search)]
}

fn search() -> &'static Search {
    static SEARCH: LazyLock<Search> = LazyLock::new(|| Search {
        union: UNION,
        members: vec![
            Member {
                name: "FEATURE",
                description: "Features, by name and description.",
                object: features::graphql::object,
            },
            Member {
                name: "PROJECT",
                description: "Projects, by name and description.",
                object: projects::graphql::object,
            },
        ],
        finder: &Words,
        query: "What to search for: words, which all must occur, in any order and case; \"several words\" in quotes, which \
                must follow each other; the beginning of a word with a star, `grid*`; `-word` for one that must not occur. \
                Words after the 32nd are not looked at.",
        rank: "How well it fits, from 0 to 1: 1 where the name is what was searched for; then names that begin with it, \
               that hold it, that hold its words; then descriptions.",
        snippet: "The part of the description around the first of what was found in it, as HTML like the title; empty where \
                  nothing was.",
    });
    &SEARCH
}

/// Finds by words. The members of the search are [`Kind::ALL`], in this order.
struct Words;

impl Finder for Words {
    fn find<'f>(
        &'f self,
        database: &'f Database,
        caller: &'f Caller,
        wanted: &'f Wanted,
    ) -> BoxFuture<'f, Result<Hits, DatabaseError>> {
        async move {
            let query = Query::parse(&wanted.text);
            let after = wanted.after.map(|(rank, id)| Place { rank, id });
            let limit = u64::from(wanted.limit);
            let page = reads::find(database, caller, &query, &kinds(wanted), after, limit).await?;
            let hits = page.hits.into_iter().map(|hit| Hit {
                member: Kind::ALL.iter().position(|kind| *kind == hit.kind).unwrap_or_default(),
                id: hit.id,
                rank: hit.rank,
                title: hit.title,
                snippet: hit.snippet,
            });
            Ok(Hits { hits: hits.collect(), has_previous: page.has_previous, has_next: page.has_next })
        }
        .boxed()
    }

    fn count<'f>(
        &'f self,
        database: &'f Database,
        caller: &'f Caller,
        wanted: &'f Wanted,
    ) -> BoxFuture<'f, Result<i64, DatabaseError>> {
        async move { reads::count(database, caller, &Query::parse(&wanted.text), &kinds(wanted)).await }.boxed()
    }
}

fn kinds(wanted: &Wanted) -> Vec<Kind> {
    wanted.members.iter().filter_map(|member| Kind::ALL.get(*member).copied()).collect()
}
