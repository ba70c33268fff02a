//! The SQL in which the two databases differ.

use chrono::SecondsFormat;
use sea_orm::DbBackend;
use sea_orm::sea_query::{
    ArrayType, Asterisk, Expr, ExprTrait as _, Func, JoinType, Query, SelectStatement, TableRef, Value,
};
use uuid::Uuid;

/// The table of keys that a statement of many parents starts from.
const KEYS: &str = "k";

/// A statement from no table but the keys: one row for each key, or one row where there are none to be told apart. Give it
/// columns, and join to it with [`join_rows`].
#[must_use]
pub fn select_from_keys(backend: DbBackend, keys: Option<&[Uuid]>) -> SelectStatement {
    let mut statement = Query::select();
    match (keys, backend) {
        (None, _) => {
            statement.from_subquery(Query::select().expr_as(Expr::cust("0"), "ord").take(), KEYS);
        }
        (Some(keys), DbBackend::Sqlite) => {
            // One parameter, whatever the number of keys, so that one prepared statement serves them all.
            let mut json = String::with_capacity(keys.len() * 35 + 2);
            json.push('[');
            for (position, key) in keys.iter().enumerate() {
                json.push_str(if position == 0 { "\"" } else { ",\"" });
                json.push_str(key.simple().encode_lower(&mut Uuid::encode_buffer()));
                json.push('"');
            }
            json.push(']');
            let rows = Query::select()
                .expr_as(Func::cust("unhex").arg(Expr::col("value")), "id")
                .expr_as(Expr::col("key"), "ord")
                .from_function(Func::cust("json_each").arg(json), "listed")
                .take();
            statement.from_subquery(rows, KEYS);
        }
        (Some(keys), _) => {
            let last = i32::try_from(keys.len()).unwrap_or(i32::MAX) - 1;
            let keys = keys.iter().map(|key| Value::from(*key)).collect();
            let array = Value::Array(ArrayType::Uuid, Some(Box::new(keys)));
            let rows = Query::select()
                .expr_as(Func::cust("unnest").arg(array), "id")
                .expr_as(Func::cust("generate_series").arg(Expr::cust("0")).arg(last), "ord")
                .take();
            statement.from_subquery(rows, KEYS);
        }
    }
    statement.expr(current_position()).take()
}

/// The key of the current row of [`select_from_keys`].
#[must_use]
pub fn current_key() -> Expr {
    Expr::col((KEYS, "id"))
}

/// The position of the current key among the keys, from 0.
#[must_use]
pub fn current_position() -> Expr {
    Expr::col((KEYS, "ord"))
}

/// Joins to each key the rows of `table` that `rows` finds for it; with `optional`, a key without rows keeps one row of
/// nulls. `rows` may name [`current_key`], and sort and limit: so an index is sought once for each key, and no row is read
/// that is not returned. PostgreSQL joins laterally; SQLite, which cannot, asks for the row's number in a correlated list.
pub fn join_rows(
    statement: &mut SelectStatement,
    backend: DbBackend,
    table: &TableRef,
    mut rows: SelectStatement,
    optional: bool,
) {
    let kind = if optional { JoinType::LeftJoin } else { JoinType::InnerJoin };
    let name = table.sea_orm_table().clone();
    if backend == DbBackend::Sqlite {
        rows.column((name.clone(), "rowid"));
        statement.join(kind, table.clone(), Expr::col((name, "rowid")).in_subquery(rows));
    } else {
        rows.column((name.clone(), Asterisk));
        statement.join_lateral(kind, rows, name, Expr::cust("TRUE"));
    }
}

/// Joins `rows`, from which the list starts, to `table`, whose index has them in the list's order: the index is walked, and
/// each row is found by its key. SQLite, which may know nothing of how many rows there are, keeps the order of tables that
/// are joined by `CROSS JOIN`; PostgreSQL sees that a limited list is had sooner this way.
pub fn walk_along(list: &mut SelectStatement, backend: DbBackend, rows: &TableRef, table: &TableRef, on: Expr) {
    if backend == DbBackend::Sqlite {
        list.from_clear().from(table.clone()).cross_join(rows.clone()).and_where(on);
    } else {
        list.inner_join(table.clone(), on);
    }
}

/// How rows that [`join_rows`] joined are sorted: on SQLite by a value that no index has, or the planner might walk the
/// whole table along an index, to save the sort of one page.
#[must_use]
pub fn sorted_as_joined(backend: DbBackend, by: Expr) -> Expr {
    match backend {
        DbBackend::Sqlite => Expr::cust_with_expr("+ ?", by),
        _ => by,
    }
}

/// Whether `tested` is one of the values of a list, which is one parameter: see [`to_parameter`]. An id stands in SQLite's
/// list as text, of which `is_id` tells.
#[must_use]
pub fn is_one_of(backend: DbBackend, tested: Expr, list: Expr, is_id: bool) -> Expr {
    if backend != DbBackend::Sqlite {
        return tested.eq(Func::cust("ANY").arg(list));
    }
    let value = Expr::col(("listed", "value"));
    let value = if is_id { Func::cust("unhex").arg(value).into() } else { value };
    tested.in_subquery(Query::select().expr(value).from_function(Func::cust("json_each").arg(list), "listed").take())
}

/// Whether the text `part` stands in `tested`, character by character.
#[must_use]
pub fn contains(backend: DbBackend, tested: Expr, part: Expr) -> Expr {
    let position = match backend {
        DbBackend::Sqlite => "instr",
        _ => "strpos",
    };
    Expr::from(Func::cust(position).arg(tested).arg(part)).gt(Expr::cust("0"))
}

/// A value as the database takes it. A list is an array; SQLite, which has none, takes its JSON.
#[must_use]
pub fn to_parameter(backend: DbBackend, value: &Value) -> Value {
    match value {
        Value::Array(_, Some(list)) if backend == DbBackend::Sqlite => {
            let items = list.iter().map(|item| match item {
                Value::Uuid(Some(id)) => id.simple().to_string().into(),
                Value::String(Some(text)) => text.as_str().into(),
                Value::Int(Some(number)) => (*number).into(),
                Value::Double(Some(number)) => (*number).into(),
                // As sqlx writes them, and the tables hold them.
                Value::ChronoDateTimeUtc(Some(time)) => time.to_rfc3339_opts(SecondsFormat::AutoSi, false).into(),
                _ => serde_json::Value::Null,
            });
            serde_json::Value::Array(items.collect()).to_string().into()
        }
        value => value.clone(),
    }
}
