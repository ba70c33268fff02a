//! What a search finds. The hits, their order and their marked text are those of [`throughline::search`], which has tests of
//! its own; cursors, pages and the objects behind the hits are plain.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, Enum, Error, OutputType, Positioned, ServerResult, SimpleObject, Union, Value,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};
use throughline::access::Caller;
use throughline::search::{Hit, Kind, Place, Query, find};
use uuid::Uuid;

use super::objects::{Feature, Project};
use super::page::{Page, refuse, size};
use super::spec::execute_selection_set;
use crate::differential::world::World;

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum SearchType {
    Feature,
    Project,
}

#[derive(Clone, Union)]
#[graphql(name = "SearchItem")]
enum Item {
    Feature(Feature),
    Project(Project),
}

/// A found object, whose selection is executed as its type's.
#[derive(Clone)]
pub(super) struct SearchItem(Item);

impl OutputType for SearchItem {
    fn type_name() -> Cow<'static, str> {
        Item::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Item::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        match &self.0 {
            Item::Feature(object) => execute_selection_set(ctx, object).await,
            Item::Project(object) => execute_selection_set(ctx, object).await,
        }
    }
}

#[derive(Clone, SimpleObject)]
pub(super) struct SearchResult {
    rank: f64,
    title: String,
    snippet: String,
    item: SearchItem,
}

/// More than there are rows.
const ALL: u64 = 1_000;

/// A page of what fits the text.
pub(super) async fn search(
    world: &Arc<World>,
    text: &str,
    types: Option<Vec<SearchType>>,
    first: Option<i64>,
    after: Option<&str>,
) -> Result<Page<SearchResult>, Error> {
    let after = after.map(read_cursor).transpose()?;
    let first = size("first", first)?.unwrap_or(20);
    let kinds: Vec<_> = match types {
        None => Kind::ALL.to_vec(),
        Some(types) => {
            types.into_iter().map(|ty| if ty == SearchType::Feature { Kind::Feature } else { Kind::Project }).collect()
        }
    };
    let database = world.database.as_ref().expect("the world was loaded from a database");
    let mut found = find(database, &Caller::local_owner(), &Query::parse(text), &kinds, None, ALL).await.unwrap();
    // The world may be smaller than the database.
    found.hits.retain(|hit| world.project(hit.id).is_some() || world.feature(hit.id).is_some());
    let total = found.hits.len();
    // The greatest rank comes first, and the smallest id of those that tie.
    let is_after = |hit: &Hit| after.is_none_or(|at| at.rank.total_cmp(&hit.rank).then(hit.id.cmp(&at.id)).is_gt());
    let rest: Vec<_> = found.hits.into_iter().filter(is_after).collect();
    let (has_previous, has_next) = (rest.len() < total, rest.len() > first);
    let rows = rest.into_iter().take(first).map(|hit| (write_cursor(&hit), result(world, hit))).collect();
    Ok(Page { rows, total, has_next, has_previous })
}

fn result(world: &Arc<World>, hit: Hit) -> SearchResult {
    let item = match hit.kind {
        Kind::Feature => Feature::find(world, hit.id).map(Item::Feature),
        Kind::Project => Project::find(world, hit.id).map(Item::Project),
    };
    let item = SearchItem(item.expect("what is found can be seen"));
    SearchResult { rank: hit.rank, title: hit.title, snippet: hit.snippet, item }
}

const SIGNATURE: &str = "SearchResult -RANK +ID";

fn write_cursor(hit: &Hit) -> String {
    URL_SAFE_NO_PAD.encode(json!([SIGNATURE, hit.rank, hit.id.to_string()]).to_string())
}

fn read_cursor(text: &str) -> Result<Place, Error> {
    let malformed = || refuse("INVALID_CURSOR", "after is not a cursor of this API");
    let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
    let parts: Vec<Json> = serde_json::from_slice(&json).map_err(|_| malformed())?;
    if parts.first().and_then(Json::as_str).ok_or_else(malformed)? != SIGNATURE {
        let reason = "comes from a list in another order; use it with the orderBy that it was made with";
        return Err(refuse("INVALID_CURSOR", format!("after {reason}")));
    }
    match &parts[1..] {
        [Json::Number(rank), Json::String(id)] => {
            let (rank, id) = (rank.as_f64().ok_or_else(malformed)?, Uuid::parse_str(id).map_err(|_| malformed())?);
            Ok(Place { rank, id })
        }
        _ => Err(malformed()),
    }
}
