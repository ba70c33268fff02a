//! Lets SQLite go on in the order of all events where a reader has come to. It seeks by two columns at once only where none of
//! them is the row's own number, which `position` is: it would read all events of the same `transaction_id`, which are all there
//! are until the record is restored.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration = SqlMigration { name: "m20261129_000021_order_events", up: UP, down: DOWN };

const UP: &[Sql] = &[
    Sql::Sqlite("DROP VIEW settled_events"),
    Sql::Sqlite("DROP INDEX events_in_order"),
    Sql::Sqlite("DROP INDEX events_of_project"),
    Sql::Sqlite("ALTER TABLE events ADD COLUMN place INTEGER GENERATED ALWAYS AS (position) VIRTUAL"),
    Sql::Sqlite("CREATE UNIQUE INDEX events_in_order ON events (transaction_id, place)"),
    Sql::Sqlite("CREATE INDEX events_of_project ON events (project_id, transaction_id, place)"),
    // Whoever compares positions compares places; rows are still found by their number.
    Sql::Sqlite(
        "CREATE VIEW settled_events AS SELECT position AS rowid, id, place AS position, transaction_id, aggregate_type, \
            aggregate_id, version, event_type, payload, actor_id, actor_kind, request_id, created_at, project_id, hash \
            FROM events",
    ),
];

const DOWN: &[Sql] = &[
    Sql::Sqlite("DROP VIEW settled_events"),
    Sql::Sqlite("DROP INDEX events_of_project"),
    Sql::Sqlite("DROP INDEX events_in_order"),
    Sql::Sqlite("ALTER TABLE events DROP COLUMN place"),
    Sql::Sqlite("CREATE INDEX events_of_project ON events (project_id, transaction_id, position)"),
    Sql::Sqlite("CREATE UNIQUE INDEX events_in_order ON events (transaction_id, position)"),
    Sql::Sqlite("CREATE VIEW settled_events AS SELECT position AS rowid, * FROM events"),
];
