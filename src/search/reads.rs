//! The statements of a search: a page of hits over all kinds, and their number. Each starts from the `visible` of the kinds.

use sea_orm::sea_query::{
    CommonTableExpression, Expr, ExprTrait as _, Func, JoinType, Order, Query as Sql, SelectStatement, UnionType,
    WithClause,
};
use sea_orm::{DbBackend, DbErr, Statement, Values};
use uuid::Uuid;

use super::index::Index;
use super::query::Query;
use super::{mark, rank, snippet};
use crate::access::{Caller, Sight};
use crate::database::{Database, DatabaseError, Row};
use crate::{features, projects};

/// What can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A feature.
    Feature,
    /// A project.
    Project,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Feature, Self::Project];

    /// The kind as statements name it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Feature => "feature",
            Self::Project => "project",
        }
    }

    /// Where it is read from.
    fn table(self) -> &'static str {
        match self {
            Self::Feature => "features",
            Self::Project => "projects",
        }
    }
}

/// A row that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// What it is.
    pub kind: Kind,
    /// Which one.
    pub id: Uuid,
    /// How well it fits, from 0 to 1, in thousandths: 1 where the name is what was typed; 0.8 and more where it begins with
    /// it, 0.7 where it holds it, 0.6 where it holds all terms of it apart, and the more the greater a part of the name
    /// they are; 0.3 to 0.6 where it holds some of the terms; 0.2 where what was typed stands in the description, and 0.1
    /// for the rest.
    pub rank: f64,
    /// The name, as HTML with marks.
    pub title: String,
    /// The part of the description around its first hit, as HTML with marks; empty where it was not hit.
    pub snippet: String,
}

/// A place in the order of hits: by rank, the greatest first, then by id. It names no row, so it outlives one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// See [`Hit::rank`].
    pub rank: f64,
    /// See [`Hit::id`].
    pub id: Uuid,
}

/// Some of the hits, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The hits.
    pub hits: Vec<Hit>,
    /// Whether there are hits before these.
    pub has_previous: bool,
    /// Whether there are hits after these.
    pub has_next: bool,
}

/// The first `limit` hits after a place, in one statement.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    database: &Database,
    caller: &Caller,
    query: &Query,
    kinds: &[Kind],
    after: Option<Place>,
    limit: u64,
) -> Result<Page, DatabaseError> {
    let more = limit.saturating_add(1);
    let Some(statement) = page_statement(database.backend(), caller, query, kinds, after, more) else {
        return Ok(Page::default());
    };
    let mut page = Page::default();
    for row in read(database, statement).await? {
        page.has_previous = row.flag(0)?;
        page.hits.extend(read_hit(&row, query)?);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    page.has_next = page.hits.len() > limit;
    page.hits.truncate(limit);
    Ok(page)
}

/// How many hits there are.
///
/// # Errors
/// When the database does not answer.
pub async fn count(database: &Database, caller: &Caller, query: &Query, kinds: &[Kind]) -> Result<i64, DatabaseError> {
    let Some(statement) = count_statement(database.backend(), caller, query, kinds) else { return Ok(0) };
    let rows = read(database, statement).await?;
    Ok(rows.first().map(|row| row.long(0)).transpose()?.flatten().unwrap_or_default())
}

async fn read(database: &Database, statement: Statement) -> Result<Vec<Row>, DatabaseError> {
    let Statement { sql, values, .. } = statement;
    let values = values.unwrap_or_else(|| Values(Vec::new()));
    database.read_for("search", 1, &sql.into(), &|| values.clone()).await
}

/// One row for each of the first `limit` hits after a place: `has_previous`, `kind`, `id`, `score` (the rank in
/// thousandths), `name`, `description`. Where there is no hit, one row has nothing but `has_previous`. There is no
/// statement where nothing is searched for.
pub fn page_statement(
    backend: DbBackend,
    caller: &Caller,
    query: &Query,
    kinds: &[Kind],
    after: Option<Place>,
    limit: u64,
) -> Option<Statement> {
    let sight = caller.sight(backend);
    let hits = every_kind(query, kinds, |kind| {
        let index = Index::of(kind, backend);
        let mut rows = found(index, &sight, query, kind);
        rows.expr_as(Expr::cust(format!("'{}'", kind.as_str())), "kind").column((kind.table(), "id"));
        rows.expr_as(rank::score(index, query), "score").take()
    })?;
    let (mut page, mut previous) = (Sql::select(), Sql::select());
    page.columns(["kind", "id", "score"]).from("hits").limit(limit);
    page.order_by("score", Order::Desc).order_by("id", Order::Asc);
    match after {
        None => previous.expr_as(Expr::cust("FALSE"), "has_previous"),
        Some(place) => {
            let beyond = is_after(place);
            page.and_where(beyond.clone());
            let before = Sql::select().expr(Expr::cust("1")).from("hits").and_where(beyond.not()).take();
            previous.expr_as(Expr::exists(before), "has_previous")
        }
    };
    // The text is read for the page alone; the hits are visible rows.
    let of = |kind: Kind| {
        let own = Expr::col(("page", "kind")).eq(Expr::cust(format!("'{}'", kind.as_str())));
        own.and(Expr::col((kind.table(), "id")).equals(("page", "id")))
    };
    let either = |column: &'static str| Func::coalesce(Kind::ALL.map(|kind| Expr::col((kind.table(), column))));
    let mut statement = Sql::select();
    statement
        .column(("previous", "has_previous"))
        .columns(["kind", "id", "score"].map(|column| ("page", column)))
        .expr_as(either("name"), "name")
        .expr_as(either("description"), "description")
        .from_subquery(previous, "previous")
        .join_subquery(JoinType::LeftJoin, page, "page", Expr::cust("TRUE"));
    for kind in Kind::ALL {
        statement.left_join(kind.table(), of(kind));
    }
    statement.order_by(("page", "score"), Order::Desc).order_by(("page", "id"), Order::Asc);
    let mut hits = CommonTableExpression::new().query(hits).table_name("hits").to_owned();
    if after.is_some() {
        // They are asked twice; SQLite would work out the scores wherever they are named.
        hits.materialized(true);
    }
    Some(backend.build(&statement.with(WithClause::new().cte(hits).to_owned())))
}

/// One row with the `count` of the hits. There is no statement where nothing is searched for.
pub fn count_statement(backend: DbBackend, caller: &Caller, query: &Query, kinds: &[Kind]) -> Option<Statement> {
    let sight = caller.sight(backend);
    let hits = every_kind(query, kinds, |kind| {
        found(Index::of(kind, backend), &sight, query, kind).column((kind.table(), "id")).take()
    })?;
    let count = Sql::select().expr_as(Expr::cust("count(*)"), "count").from_subquery(hits, "hits").take();
    Some(backend.build(&count))
}

/// The statements of the kinds as one; none where there is no kind, or nothing is searched for.
fn every_kind(query: &Query, kinds: &[Kind], rows: impl Fn(Kind) -> SelectStatement) -> Option<SelectStatement> {
    if query.is_empty() {
        return None;
    }
    let asked = Kind::ALL.into_iter().filter(|kind| kinds.contains(kind)).map(rows);
    asked.reduce(|mut all, more| all.union(UnionType::All, more).take())
}

/// The rows of a kind that the caller may see and that the query finds, without columns.
fn found(index: Index, sight: &Sight, query: &Query, kind: Kind) -> SelectStatement {
    let mut rows = match kind {
        Kind::Feature => features::reads::visible(sight),
        Kind::Project => projects::reads::visible(sight),
    };
    index.restrict(&mut rows, query);
    rows
}

/// Holds for the hits after that place.
fn is_after(place: Place) -> Expr {
    let (score, id) = (rank::score_of(place.rank), Expr::col("id"));
    Expr::col("score").lt(score).or(Expr::col("score").eq(score).and(id.gt(place.id)))
}

/// The hit of a row of [`page_statement`]; none of the row that says that there is none.
fn read_hit(row: &Row, query: &Query) -> Result<Option<Hit>, DatabaseError> {
    let Some(kind) = row.text(1)? else { return Ok(None) };
    let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
    let (Some(kind), Some(id), Some(score), Some(name)) = (kind, row.uuid(2)?, row.int(3)?, row.text(4)?) else {
        return Err(DbErr::Type("a hit of no kind, or not whole".to_owned()).into());
    };
    Ok(Some(Hit {
        kind,
        id,
        rank: rank::of_score(score),
        title: mark(name, query),
        snippet: row.text(5)?.map(|text| snippet(text, query)).unwrap_or_default(),
    }))
}
