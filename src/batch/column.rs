//! Columns: what a statement selects, and the Rust types that leaves are read as.

use std::borrow::Cow;

use async_graphql::OutputType;
use async_graphql::registry::Registry;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{ColumnName, ColumnRef, Expr, ExprTrait as _, Func, IntoColumnRef, TableName, TableRef};

use super::row::{Cell, Kind};
use super::sdl::register_date_time;
use crate::access::Sight;
use crate::encryption::sealed;

/// A value that a statement selects.
#[derive(Debug)]
pub struct Column {
    pub(crate) expr: Expr,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    pub(crate) join: Option<fn() -> Join>,
    /// What is selected in the column's place.
    computed: Option<Computed>,
    /// Whether zero is read where the joined table has no row.
    pub(crate) or_zero: bool,
    pub(crate) nothing: Option<Nothing>,
    ranked: Option<Ranked>,
}

/// A column of numbers that stand for the words of another, by which rows are compared.
#[derive(Debug)]
struct Ranked {
    expr: Expr,
    /// The first word's number is 1.
    words: Vec<String>,
}

/// What a list is ordered by instead of a column that may hold nothing, and what stands there for nothing.
#[derive(Debug)]
pub(crate) struct Nothing {
    pub(crate) expr: Expr,
    pub(crate) cell: Cell,
}

/// Makes the expression that is selected, of what the caller may see.
struct Computed(Box<dyn Fn(&Sight) -> Expr + Send + Sync>);

impl std::fmt::Debug for Computed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Computed")
    }
}

/// A table with at most one row for each row of the object's, joined where one of its columns is selected.
#[derive(Debug)]
pub struct Join {
    /// The table.
    pub(crate) table: TableRef,
    /// Columns of the object's table and those of this one that hold the same; the first two are the keys.
    same: Vec<(Expr, Expr)>,
}

impl Join {
    /// The `table` whose column `key` holds the object's `id`.
    pub fn of(table: impl Into<TableRef>, id: impl IntoColumnRef, key: impl IntoColumnRef) -> Self {
        Self { table: table.into(), same: vec![(Expr::col(id), Expr::col(key))] }
    }

    /// Says that the table's `column` repeats the object's `own`, for the sake of the indexes that begin with it.
    #[must_use]
    pub fn repeating(mut self, own: impl IntoColumnRef, column: impl IntoColumnRef) -> Self {
        self.same.push((Expr::col(own), Expr::col(column)));
        self
    }

    /// Which of the table's rows belongs to the object's row.
    pub(crate) fn on(&self) -> Expr {
        let (id, key) = &self.same[0];
        key.clone().eq(id.clone())
    }

    /// The table's own column that holds what `column` of the object's table does.
    pub(crate) fn repeated(&self, column: &Expr) -> Option<&Expr> {
        self.same.iter().find(|(own, _)| own == column).map(|(_, repeated)| repeated)
    }
}

/// A column is declared once, and is equal to itself.
impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Column {
    /// A column of the object's own table.
    pub fn of(column: impl IntoColumnRef) -> Self {
        Self {
            expr: Expr::col(column),
            kind: Kind::Text,
            nullable: false,
            join: None,
            computed: None,
            or_zero: false,
            nothing: None,
            ranked: None,
        }
    }

    /// The table's own key.
    pub(super) fn id(prefix: &'static str, column: impl IntoColumnRef) -> Self {
        Self { kind: Kind::Id(prefix), ..Self::of(column) }
    }

    /// A column that holds the key of a row of one of several types.
    pub(super) fn any_id(prefixes: &'static [&'static str], column: impl IntoColumnRef) -> Self {
        Self { kind: Kind::AnyId(prefixes), ..Self::of(column) }
    }

    /// A column that holds the key of another row, and that clients never see.
    pub(super) fn key(column: impl IntoColumnRef) -> Self {
        Self { kind: Kind::Key, ..Self::of(column) }
    }

    /// An expression over the object's own table, of what the caller may see.
    pub fn computed(expr: impl Fn(&Sight) -> Expr + Send + Sync + 'static) -> Self {
        Self { computed: Some(Computed(Box::new(expr))), ..Self::of("computed") }
    }

    /// A text that is stored encrypted: `token` holds it, and `project` the id of the project whose key opens it. It is for those alone who
    /// may see the project's secrets.
    pub fn secret(token: impl IntoColumnRef, project: impl IntoColumnRef) -> Self {
        let (token, project) = (Expr::col(token), Expr::col(project));
        Self::computed(move |sight| sealed(sight, token.clone(), project.clone()))
    }

    /// What groups of rows come to: `count(*)`. It is read only where rows are grouped.
    pub fn aggregate(expr: impl Into<Expr>) -> Self {
        Self { expr: expr.into(), ..Self::of("aggregate") }
    }

    /// What a statement selects.
    pub(crate) fn select(&self, sight: &Sight) -> Expr {
        match &self.computed {
            Some(Computed(expr)) => expr(sight),
            None if self.or_zero => Func::coalesce([self.expr.clone(), Expr::cust("0")]).into(),
            None => self.expr.clone(),
        }
    }

    /// What the column is called, if it is one of this table and is selected as it is.
    pub(super) fn name_in(&self, table: &TableRef) -> Option<Cow<'static, str>> {
        let Expr::Column(ColumnRef::Column(ColumnName(Some(TableName(_, own)), name))) = &self.expr else {
            return None;
        };
        let is_stored = self.computed.is_none() && !self.or_zero && own == table.sea_orm_table();
        is_stored.then(|| name.inner())
    }

    /// Says that the column stands in a joined table.
    #[must_use]
    pub fn from(mut self, join: fn() -> Join) -> Self {
        self.join = Some(join);
        self
    }

    /// Says by what a list is ordered instead, since a row may have nothing here: a generated column that has `nothing`
    /// there, which is smaller than every value. So one comparison of row values, along one index over that column, finds
    /// the next page whether the last row has a value or not.
    #[must_use]
    pub fn ordered_by(mut self, column: impl IntoColumnRef, nothing: Cell) -> Self {
        self.nothing = Some(Nothing { expr: Expr::col(column), cell: nothing });
        self
    }

    /// Says by what rows are filtered and ordered instead: a column that holds the place of the word, from 1, in `words`. So an
    /// order has the words' own order, and one index serves both.
    #[must_use]
    pub fn ranked_by(mut self, column: impl IntoColumnRef, words: impl IntoIterator<Item = String>) -> Self {
        self.ranked = Some(Ranked { expr: Expr::col(column), words: words.into_iter().collect() });
        self
    }

    /// What rows are compared by.
    pub(super) fn compared(&self) -> &Expr {
        self.ranked.as_ref().map_or(&self.expr, |ranked| &ranked.expr)
    }

    /// What [`Column::compared`] holds.
    pub(super) fn compared_kind(&self) -> Kind {
        if self.is_ranked() { Kind::Int } else { self.kind }
    }

    /// What [`Column::compared`] has in the place of a cell of the column; nothing for a word that has no number.
    pub(super) fn compared_cell(&self, cell: Cell) -> Option<Cell> {
        match (&self.ranked, cell) {
            (Some(ranked), Cell::Text(word)) => {
                let place = ranked.words.iter().position(|known| *known == word)?;
                i32::try_from(place + 1).ok().map(Cell::Int)
            }
            (_, cell) => Some(cell),
        }
    }

    /// Whether rows are compared by numbers that stand for the words.
    pub(super) fn is_ranked(&self) -> bool {
        self.ranked.is_some()
    }

    /// Reads zero where the joined table has no row.
    #[must_use]
    pub fn or_zero(mut self) -> Self {
        self.or_zero = true;
        self
    }

    /// Says what the column holds.
    pub(super) fn holding(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// Says that the column may hold nothing.
    pub(super) fn or_nothing(self) -> Self {
        Self { nullable: true, ..self }
    }

    pub(super) fn typed<T: LeafType>(mut self) -> Self {
        self.kind = T::KIND;
        self.nullable = T::NULLABLE;
        self
    }
}

/// A Rust type that a leaf is read as and shown as.
pub trait LeafType: OutputType {
    /// What the cell holds.
    const KIND: Kind;
    /// Whether the cell may hold nothing.
    const NULLABLE: bool = false;

    /// Puts the type into the registry, and gives its name with the marks of what is not null.
    fn register(registry: &mut Registry) -> String {
        Self::create_type_info(registry)
    }
}

impl LeafType for String {
    const KIND: Kind = Kind::Text;
}

impl LeafType for i32 {
    const KIND: Kind = Kind::Int;
}

impl LeafType for f64 {
    const KIND: Kind = Kind::Float;
}

impl LeafType for DateTime<Utc> {
    const KIND: Kind = Kind::Time;

    fn register(registry: &mut Registry) -> String {
        register_date_time(registry)
    }
}

impl<T: LeafType> LeafType for Option<T> {
    const KIND: Kind = T::KIND;
    const NULLABLE: bool = true;

    fn register(registry: &mut Registry) -> String {
        T::register(registry).trim_end_matches('!').to_owned()
    }
}
