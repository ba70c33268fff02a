//! The SQL in which the two databases differ.

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::DbBackend;
use sea_orm::sea_query::{
    ArrayType, Asterisk, Expr, ExprTrait as _, Func, JoinType, Query, SelectStatement, TableRef, Value,
};
use uuid::Uuid;

/// The table of keys that a statement of many parents starts from.
const KEYS: &str = "k";

/// The keys of a statement, as expressions for what is filled in.
#[derive(Clone, Debug)]
pub enum KeyTable {
    /// One row that has no key.
    None,
    /// One key.
    Single(Expr),
    /// Any number of keys: what [`list_keys`] makes of them. On PostgreSQL the lists of what stands beside them follow; on
    /// SQLite they are part of the one list.
    Many {
        /// The keys.
        keys: Expr,
        /// What stands beside them.
        beside: Vec<Beside>,
    },
}

/// A list with one value for each key.
#[derive(Clone, Debug)]
pub struct Beside {
    /// The list.
    pub list: Expr,
    /// Whether its values are UUIDs.
    pub is_uuid: bool,
}

/// A statement from no table but the keys: one row for each key. Give it columns, and join to it with [`join_rows`].
#[must_use]
pub fn select_from_keys(backend: DbBackend, keys: KeyTable) -> SelectStatement {
    Query::select().from_subquery(key_rows(backend, keys), KEYS).take()
}

/// Joins the keys to a statement that reads from `table`: `on` may name [`current_key`]. SQLite keeps the order of tables that
/// are joined by `CROSS JOIN`: the keys come first, whatever its statistics say.
pub fn join_keys(statement: &mut SelectStatement, backend: DbBackend, keys: KeyTable, table: &TableRef, on: Expr) {
    let keys = key_rows(backend, keys);
    if backend == DbBackend::Sqlite {
        statement.from_clear().from_subquery(keys, KEYS).cross_join(table.clone()).and_where(on);
    } else {
        statement.join_subquery(JoinType::InnerJoin, keys, KEYS, on);
    }
}

fn key_rows(backend: DbBackend, keys: KeyTable) -> SelectStatement {
    let mut rows = Query::select();
    match (keys, backend) {
        (KeyTable::None, _) => {
            rows.expr_as(Expr::cust("0"), "ord");
        }
        (KeyTable::Single(key), _) => {
            rows.expr_as(key, "id").expr_as(Expr::cust("0"), "ord");
        }
        (KeyTable::Many { keys, beside }, DbBackend::Sqlite) => {
            let uuid = |text: Expr| Expr::from(Func::cust("unhex").arg(text));
            if beside.is_empty() {
                rows.expr_as(uuid(Expr::col("value")), "id");
            } else {
                rows.expr_as(uuid(Expr::cust("json_extract(value, '$[0]')")), "id");
            }
            for (place, list) in beside.iter().enumerate() {
                let value = Expr::cust(format!("json_extract(value, '$[{}]')", place + 1));
                rows.expr_as(if list.is_uuid { uuid(value) } else { value }, beside_name(place));
            }
            rows.expr_as(Expr::col("key"), "ord").from_function(Func::cust("json_each").arg(keys), "listed");
        }
        // As a table, of which the planner takes ten rows for granted: of what a SELECT's own list unfolds it takes a thousand, and reads a
        // table from end to end for them. The list is hidden from it, since a plan for fewer keys would look cheaper than the one for ten
        // that it keeps, and each such statement be planned anew, which takes longer than to run it.
        (KeyTable::Many { keys, beside }, _) if beside.is_empty() => {
            let hidden = Expr::SubQuery(None, Box::new(Query::select().expr(keys).take().into()));
            rows.expr_as(Expr::col("key"), "id")
                .expr_as(Expr::cust("CAST(row_number() OVER () - 1 AS integer)"), "ord")
                .from_function(Func::cust("unnest").arg(hidden), "key");
        }
        (KeyTable::Many { keys, beside }, _) => {
            let position = Func::cust("generate_subscripts").arg(keys.clone()).arg(Expr::cust("1"));
            rows.expr_as(Func::cust("unnest").arg(keys), "id")
                .expr_as(Expr::from(position).sub(Expr::cust("1")), "ord");
            for (place, list) in beside.into_iter().enumerate() {
                rows.expr_as(Func::cust("unnest").arg(list.list), beside_name(place));
            }
        }
    }
    rows.take()
}

/// A list of keys as one parameter, whatever their number, so that one prepared statement serves them all. On SQLite it
/// holds what stands beside each key as well.
#[must_use]
pub fn list_keys(backend: DbBackend, keys: &[Uuid], beside: &[Vec<Value>]) -> Value {
    if backend != DbBackend::Sqlite {
        let keys = keys.iter().map(|key| Value::from(*key)).collect();
        return Value::Array(ArrayType::Uuid, Some(Box::new(keys)));
    }
    let mut json = String::with_capacity(keys.len() * 35 + 2);
    json.push('[');
    for (position, key) in keys.iter().enumerate() {
        if position > 0 {
            json.push(',');
        }
        if beside.is_empty() {
            push_uuid(*key, &mut json);
            continue;
        }
        json.push('[');
        push_uuid(*key, &mut json);
        for list in beside {
            json.push(',');
            match list.get(position) {
                Some(Value::Uuid(Some(uuid))) => push_uuid(*uuid, &mut json),
                Some(Value::String(Some(text))) => json.push_str(&serde_json::Value::from(text.as_str()).to_string()),
                Some(Value::Int(Some(number))) => json.push_str(&number.to_string()),
                Some(Value::Double(Some(number))) => json.push_str(&serde_json::Value::from(*number).to_string()),
                Some(Value::ChronoDateTimeUtc(Some(time))) => {
                    json.push('"');
                    json.push_str(&time_text(*time));
                    json.push('"');
                }
                _ => json.push_str("null"),
            }
        }
        json.push(']');
    }
    json.push(']');
    json.into()
}

fn push_uuid(uuid: Uuid, json: &mut String) {
    json.push('"');
    json.push_str(uuid.simple().encode_lower(&mut Uuid::encode_buffer()));
    json.push('"');
}

/// A list of what stands beside the keys, as PostgreSQL has it: an array of the values' type.
#[must_use]
pub fn list_beside(values: &[Value]) -> Value {
    let kind = match values.first() {
        Some(Value::Uuid(_)) => ArrayType::Uuid,
        Some(Value::Int(_)) => ArrayType::Int,
        Some(Value::Double(_)) => ArrayType::Double,
        Some(Value::ChronoDateTimeUtc(_)) => ArrayType::ChronoDateTimeUtc,
        Some(Value::String(_)) => ArrayType::String,
        // Where no key has a value, nothing is compared with the list; it only has to be there.
        _ => return Value::Array(ArrayType::String, Some(Box::new(vec![String::new().into(); values.len()]))),
    };
    Value::Array(kind, Some(Box::new(values.to_vec())))
}

/// The key of the current row of [`select_from_keys`].
#[must_use]
pub fn current_key() -> Expr {
    Expr::col((KEYS, "id"))
}

/// What stands beside the current key, in the list at `place`.
#[must_use]
pub fn beside_key(place: usize) -> Expr {
    Expr::col((KEYS, beside_name(place)))
}

fn beside_name(place: usize) -> String {
    format!("beside_{place}")
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
        let found = Expr::col((name, "rowid")).in_subquery(rows);
        if optional {
            statement.join(kind, table.clone(), found);
        } else {
            // SQLite keeps the order of tables that are joined by `CROSS JOIN`, for which SeaQuery writes no `ON`. With
            // statistics that tell of few parents it would scan them for the keys.
            statement.cross_join(table.clone()).and_where(found);
        }
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

/// Whether a column holds one of the ids of [`list_keys`], which is the parameter that `placeholder` stands for.
#[must_use]
pub fn is_one_of_keys(backend: DbBackend, column: &str, placeholder: &str) -> String {
    match backend {
        DbBackend::Sqlite => format!("{column} IN (SELECT unhex(value) FROM json_each({placeholder}))"),
        _ => format!("{column} = ANY({placeholder})"),
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

/// A time as SQLite's tables hold it, since sqlx writes it so.
#[must_use]
pub fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

/// Joins the table on its left to the one on its right, in this order: SQLite keeps the order of tables that are joined by
/// `CROSS JOIN`, and PostgreSQL sees that a row set is the smaller one.
#[must_use]
pub fn join_in_order(backend: DbBackend) -> &'static str {
    if backend == DbBackend::Sqlite { "CROSS JOIN" } else { "JOIN" }
}

/// The table of events, to be looked up by aggregate and version. With statistics from when there were few events, SQLite would
/// scan them for each look-up if it were not told.
#[must_use]
pub fn events_by_version(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "events e INDEXED BY events_aggregate_version_unique",
        _ => "events e",
    }
}

/// Lets rows that are there, known by their `id`, have the values of `source`: a row set with these columns, which hold at least
/// what a new row must have. SQLite would look for each row of the table in the set; it finds the rows by their key where they are
/// inserted again.
#[must_use]
pub fn update_by_id(backend: DbBackend, table: &str, columns: &str, source: &str) -> String {
    let changing = || columns.split(", ").filter(|column| !matches!(*column, "id" | "created_at"));
    let set =
        |from: &str| changing().map(|column| format!("{column} = {from}.{column}")).collect::<Vec<_>>().join(", ");
    match backend {
        DbBackend::Sqlite => format!(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM {source} WHERE TRUE \
             ON CONFLICT (id) DO UPDATE SET {}",
            set("excluded")
        ),
        _ => format!("UPDATE {table} SET {} FROM {source} WHERE {table}.id = d.id", set("d")),
    }
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
                Value::ChronoDateTimeUtc(Some(time)) => time_text(*time).into(),
                _ => serde_json::Value::Null,
            });
            serde_json::Value::Array(items.collect()).to_string().into()
        }
        value => value.clone(),
    }
}
