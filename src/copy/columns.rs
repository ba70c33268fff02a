//! What the tables are made of, and in which order they can be filled.

use std::collections::BTreeMap;

use sea_orm::DbBackend;

use super::error::CopyError;
use crate::database::row_set::CellType;
use crate::write_transaction::Inspection;

/// A table, with the columns that are not computed from others.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<(String, CellType)>,
}

/// PostgreSQL's columns that a trigger fills, where SQLite has generated ones.
const FILLED: &str = "(table_name, column_name) NOT IN (('features', 'status_position'))";

/// These tables, each after those that its rows refer to. Only PostgreSQL knows what a column holds: to SQLite an id is as many bytes, and
/// a time a text.
pub(super) async fn in_order(on_postgres: &Inspection, names: Vec<String>) -> Result<Vec<Table>, CopyError> {
    let sql = "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'";
    let mut parents: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in on_postgres.query(|_| sql.to_owned()).await? {
        parents.entry(row.try_get_by_index(0)?).or_default().push(row.try_get_by_index(1)?);
    }
    let mut ordered: Vec<String> = Vec::new();
    for name in &names {
        add_after_parents(name, &parents, &mut ordered);
    }
    ordered.retain(|name| names.contains(name));
    let mut tables = Vec::new();
    for name in ordered {
        tables.push(Table { columns: columns(on_postgres, &name).await?, name });
    }
    Ok(tables)
}

fn add_after_parents(name: &str, parents: &BTreeMap<String, Vec<String>>, ordered: &mut Vec<String>) {
    for parent in parents.get(name).into_iter().flatten().filter(|parent| *parent != name) {
        add_after_parents(parent, parents, ordered);
    }
    if !ordered.iter().any(|known| known == name) {
        ordered.push(name.to_owned());
    }
}

async fn columns(on_postgres: &Inspection, table: &str) -> Result<Vec<(String, CellType)>, CopyError> {
    let rows = on_postgres.query(|parameters| {
        format!(
            "SELECT column_name::text, data_type::text FROM information_schema.columns \
             WHERE table_schema = 'public' AND is_generated = 'NEVER' AND {FILLED} AND table_name = {} ORDER BY ordinal_position",
            parameters.add(table)
        )
    });
    let mut columns = Vec::new();
    for row in rows.await? {
        let kind: String = row.try_get_by_index(1)?;
        let cell = match &*kind {
            "uuid" => CellType::Id,
            "text" => CellType::Text,
            "integer" => CellType::Integer,
            "bigint" => CellType::Long,
            "timestamp with time zone" => CellType::Time,
            "bytea" => CellType::Bytes,
            "jsonb" => CellType::Json,
            _ => return Err(CopyError::UnknownType { table: table.to_owned(), kind }),
        };
        columns.push((row.try_get_by_index(0)?, cell));
    }
    Ok(columns)
}

/// The columns of a table that are not computed, as this database has them.
pub(super) async fn names(inspection: &Inspection, table: &str) -> Result<Vec<String>, CopyError> {
    let rows = inspection.query(|parameters| match inspection.backend() {
        DbBackend::Sqlite => format!("SELECT name FROM pragma_table_xinfo({}) WHERE hidden = 0", parameters.add(table)),
        _ => format!(
            "SELECT column_name::text FROM information_schema.columns \
             WHERE table_schema = 'public' AND is_generated = 'NEVER' AND {FILLED} AND table_name = {}",
            parameters.add(table)
        ),
    });
    Ok(rows.await?.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}
