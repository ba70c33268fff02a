//! Any number of rows as one parameter of a statement: JSON, which either database reads as a table. So one text, which
//! stays prepared, inserts, changes or looks up two rows or ten thousand. A single row, as most commands write it, is a parameter
//! for each column: reading JSON takes the database longer.
//!
//! **Invariants:** a row set holds values, never SQL; a row means the same, whether it is alone or among others. Whatever writes or
//! looks up rows in sets uses it.

use std::borrow::Cow;
use std::fmt::Write as _;

use sea_orm::sea_query::ColumnType;
use sea_orm::{ColumnTrait, DbBackend, IdenStatic, Iterable, ModelTrait, Value};
use uuid::Uuid;

use super::dialect;

/// Rows of named columns.
#[derive(Debug)]
pub struct RowSet {
    columns: Vec<(Cow<'static, str>, CellType)>,
    /// The cells of all rows, row by row.
    cells: Vec<Value>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellType {
    /// A UUID.
    Id,
    /// Text.
    Text,
    /// An integer of 32 bits.
    Integer,
    /// An integer of 64 bits.
    Long,
    /// A point in time.
    Time,
    /// Bytes.
    Bytes,
    /// A JSON value.
    Json,
}

impl CellType {
    fn of(column: &ColumnType) -> Self {
        match column {
            ColumnType::Uuid => Self::Id,
            ColumnType::Integer => Self::Integer,
            ColumnType::BigInteger => Self::Long,
            ColumnType::TimestampWithTimeZone => Self::Time,
            ColumnType::Json | ColumnType::JsonBinary => Self::Json,
            ColumnType::VarBinary(_) | ColumnType::Binary(_) | ColumnType::Blob => Self::Bytes,
            _ => Self::Text,
        }
    }

    /// How PostgreSQL is told of the column.
    fn postgres_name(self) -> &'static str {
        match self {
            Self::Id => "uuid",
            Self::Text | Self::Bytes => "text",
            Self::Integer => "integer",
            Self::Long => "bigint",
            Self::Time => "timestamptz",
            Self::Json => "jsonb",
        }
    }
}

impl RowSet {
    /// No rows yet, of these columns.
    #[must_use]
    pub fn new<N: Into<Cow<'static, str>>>(columns: Vec<(N, CellType)>) -> Self {
        let columns = columns.into_iter().map(|(name, cell)| (name.into(), cell)).collect();
        Self { columns, cells: Vec::new() }
    }

    /// Ids, in a column of this name.
    #[must_use]
    pub fn of_ids(column: &'static str, ids: impl IntoIterator<Item = Uuid>) -> Self {
        let mut rows = Self::new(vec![(column, CellType::Id)]);
        for id in ids {
            rows.push([id.into()]);
        }
        rows
    }

    /// These rows of a table, with the columns for which `wanted` holds.
    #[must_use]
    pub fn of_models<'m, M: ModelTrait + 'm>(
        models: impl IntoIterator<Item = &'m M>,
        wanted: impl Fn(<M::Entity as sea_orm::EntityTrait>::Column) -> bool,
    ) -> Self {
        let columns: Vec<_> =
            <M::Entity as sea_orm::EntityTrait>::Column::iter().filter(|column| wanted(*column)).collect();
        let described = columns.iter().map(|column| (column.as_str(), CellType::of(column.def().get_column_type())));
        let mut rows = Self::new(described.collect());
        for model in models {
            rows.push(columns.iter().map(|column| model.get(*column)));
        }
        rows
    }

    /// Adds a row: a value for each column.
    pub fn push(&mut self, values: impl IntoIterator<Item = Value>) {
        let end = self.cells.len() + self.columns.len();
        self.cells.extend(values.into_iter().take(self.columns.len()));
        debug_assert_eq!(self.cells.len(), end, "a row has a value for each column");
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len() / self.columns.len().max(1)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The columns' names, joined by commas.
    #[must_use]
    pub fn column_names(&self) -> String {
        self.columns.iter().map(|(name, _)| &**name).collect::<Vec<_>>().join(", ")
    }

    /// The rows as an item of a `FROM`, called `d`, from the parameter that `placeholder` stands for.
    #[must_use]
    pub fn table(&self, backend: DbBackend, placeholder: &str) -> String {
        let mut selected = Vec::with_capacity(self.columns.len());
        let mut described = Vec::with_capacity(self.columns.len());
        for (name, cell) in &self.columns {
            selected.push(match (backend, cell) {
                (DbBackend::Sqlite, CellType::Id | CellType::Bytes) => format!("unhex(value ->> '{name}') AS {name}"),
                (DbBackend::Sqlite, CellType::Json) => format!("value -> '{name}' AS {name}"),
                (DbBackend::Sqlite, _) => format!("value ->> '{name}' AS {name}"),
                (_, CellType::Bytes) => format!("decode({name}, 'hex') AS {name}"),
                _ => name.clone().into_owned(),
            });
            described.push(format!("{name} {}", cell.postgres_name()));
        }
        let selected = selected.join(", ");
        match backend {
            DbBackend::Sqlite => format!("(SELECT {selected} FROM json_each({placeholder})) AS d"),
            _ => {
                format!("(SELECT {selected} FROM json_to_recordset({placeholder}) AS r({})) AS d", described.join(", "))
            }
        }
    }

    /// The rows as the parameter.
    #[must_use]
    pub fn into_parameter(self) -> String {
        let mut json = String::from("[");
        for (number, row) in self.cells.chunks(self.columns.len().max(1)).enumerate() {
            json.push_str(if number == 0 { "{" } else { ",{" });
            for (place, ((name, _), value)) in self.columns.iter().zip(row).enumerate() {
                let comma = if place == 0 { "" } else { "," };
                let _ = write!(json, "{comma}\"{name}\":");
                push_json(value, &mut json);
            }
            json.push('}');
        }
        json.push(']');
        json
    }

    /// The only row as an item of a `FROM`, called `d`. `add` adds a parameter, and gives what stands for it.
    pub fn only_row(self, backend: DbBackend, mut add: impl FnMut(Value) -> String) -> String {
        let cells = self.columns.into_iter().zip(self.cells).map(|((name, cell), value)| {
            if backend == DbBackend::Sqlite {
                return format!("{} AS {name}", add(as_sqlite_holds_it(cell, value)));
            }
            let kind = if cell == CellType::Bytes { "bytea" } else { cell.postgres_name() };
            format!("{}::{kind} AS {name}", add(as_postgres_reads_it(value)))
        });
        format!("(SELECT {}) AS d", cells.collect::<Vec<_>>().join(", "))
    }
}

/// A value as PostgreSQL makes it of JSON: null is nothing.
fn as_postgres_reads_it(value: Value) -> Value {
    match value {
        Value::Json(Some(json)) if json.is_null() => Value::Json(None),
        value => value,
    }
}

/// A value as SQLite makes it of JSON.
fn as_sqlite_holds_it(cell: CellType, value: Value) -> Value {
    match (cell, value) {
        (_, Value::ChronoDateTimeUtc(Some(time))) => dialect::time_text(time).into(),
        (CellType::Json, Value::Json(value)) => value.map_or_else(|| "null".to_owned(), |json| json.to_string()).into(),
        (_, value) => value,
    }
}

/// Appends a value as [`RowSet::table`] reads it.
fn push_json(value: &Value, json: &mut String) {
    match value {
        // The simple form is what SQLite's `unhex` takes, and PostgreSQL reads either.
        Value::Uuid(Some(id)) => {
            json.push('"');
            json.push_str(id.simple().encode_lower(&mut uuid::Uuid::encode_buffer()));
            json.push('"');
        }
        Value::String(Some(text)) => push_text(text, json),
        Value::Int(Some(number)) => {
            let _ = write!(json, "{number}");
        }
        Value::BigInt(Some(number)) => {
            let _ = write!(json, "{number}");
        }
        // As SQLite's tables hold it.
        Value::ChronoDateTimeUtc(Some(time)) => {
            json.push('"');
            json.push_str(&dialect::time_text(*time));
            json.push('"');
        }
        Value::Bytes(Some(bytes)) => {
            json.push('"');
            for byte in &**bytes {
                let _ = write!(json, "{byte:02x}");
            }
            json.push('"');
        }
        Value::Json(Some(value)) => {
            let _ = write!(json, "{value}");
        }
        _ => json.push_str("null"),
    }
}

fn push_text(text: &str, json: &mut String) {
    // A string always has a form in JSON.
    json.push_str(&serde_json::to_string(text).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_one_parameter() {
        let mut rows =
            RowSet::new(vec![("id", CellType::Id), ("name", CellType::Text), ("priority", CellType::Integer)]);
        rows.push([uuid::Uuid::from_u128(255).into(), "a \"b\"".into(), 5.into()]);
        rows.push([uuid::Uuid::nil().into(), Value::String(None), Value::Int(None)]);
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows.table(DbBackend::Postgres, "$1"),
            "(SELECT id, name, priority FROM json_to_recordset($1) AS r(id uuid, name text, priority integer)) AS d"
        );
        assert_eq!(
            rows.into_parameter(),
            r#"[{"id":"000000000000000000000000000000ff","name":"a \"b\"","priority":5},{"id":"00000000000000000000000000000000","name":null,"priority":null}]"#
        );
    }

    #[test]
    fn a_single_row_is_a_parameter_for_each_column() {
        let columns = vec![("id", CellType::Id), ("hash", CellType::Bytes), ("changes", CellType::Json)];
        let changes = Value::Json(Some(Box::new(serde_json::json!({ "a": null }))));
        let text = |backend| {
            let mut rows = RowSet::new(columns.clone());
            rows.push([Uuid::nil().into(), vec![255_u8].into(), changes.clone()]);
            let mut values = Vec::new();
            let text = rows.only_row(backend, |value| {
                values.push(value);
                if backend == DbBackend::Postgres { format!("${}", values.len()) } else { "?".to_owned() }
            });
            (text, values)
        };
        let (postgres, values) = text(DbBackend::Postgres);
        assert_eq!(postgres, "(SELECT $1::uuid AS id, $2::bytea AS hash, $3::jsonb AS changes) AS d");
        assert_eq!(values[2], changes);
        let (sqlite, values) = text(DbBackend::Sqlite);
        assert_eq!(sqlite, "(SELECT ? AS id, ? AS hash, ? AS changes) AS d");
        assert_eq!(values[2], "{\"a\":null}".into());
    }
}
