//! The SQL in which the two databases differ.

use sea_orm::DbBackend;
use sea_orm::sea_query::{
    ArrayType, Asterisk, Expr, ExprTrait as _, Func, JoinType, Query, SelectStatement, TableRef, Value,
};
use uuid::Uuid;

/// The table of keys that a statement of many parents starts from.
const KEYS: &str = "k";

/// The keys of a statement, each an expression for what is filled in.
#[derive(Clone, Debug)]
pub enum KeyTable {
    /// One row that has no key.
    None,
    /// One key.
    Single(Expr),
    /// Any number of keys: what [`list_keys`] makes of them.
    Many(Expr),
}

/// A statement from no table but the keys: one row for each key. Give it columns, and join to it with [`join_rows`].
#[must_use]
pub fn select_from_keys(backend: DbBackend, keys: KeyTable) -> SelectStatement {
    let mut rows = Query::select();
    match (keys, backend) {
        (KeyTable::None, _) => rows.expr_as(Expr::cust("0"), "ord"),
        (KeyTable::Single(key), _) => rows.expr_as(key, "id").expr_as(Expr::cust("0"), "ord"),
        (KeyTable::Many(keys), DbBackend::Sqlite) => rows
            .expr_as(Func::cust("unhex").arg(Expr::col("value")), "id")
            .expr_as(Expr::col("key"), "ord")
            .from_function(Func::cust("json_each").arg(keys), "listed"),
        (KeyTable::Many(keys), _) => {
            let position = Func::cust("generate_subscripts").arg(keys.clone()).arg(Expr::cust("1"));
            rows.expr_as(Func::cust("unnest").arg(keys), "id").expr_as(Expr::from(position).sub(Expr::cust("1")), "ord")
        }
    };
    Query::select().from_subquery(rows.take(), KEYS).take()
}

/// A list of keys as one parameter, whatever their number, so that one prepared statement serves them all.
#[must_use]
pub fn list_keys(backend: DbBackend, keys: &[Uuid]) -> Value {
    if backend == DbBackend::Sqlite {
        let mut json = String::with_capacity(keys.len() * 35 + 2);
        json.push('[');
        for (position, key) in keys.iter().enumerate() {
            json.push_str(if position == 0 { "\"" } else { ",\"" });
            json.push_str(key.simple().encode_lower(&mut Uuid::encode_buffer()));
            json.push('"');
        }
        json.push(']');
        return json.into();
    }
    let keys = keys.iter().map(|key| Value::from(*key)).collect();
    Value::Array(ArrayType::Uuid, Some(Box::new(keys)))
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

/// How rows that [`join_rows`] joined are sorted: on SQLite by a value that no index has, or the planner might walk the
/// whole table along an index, to save the sort of one page.
#[must_use]
pub fn sorted_as_joined(backend: DbBackend, by: Expr) -> Expr {
    match backend {
        DbBackend::Sqlite => Expr::cust_with_expr("+ ?", by),
        _ => by,
    }
}
