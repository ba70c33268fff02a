//! What subscriptions, webhooks and `changes` read: events that nothing can appear before any more, all of them or those of
//! one project.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration = SqlMigration { name: "m20261128_000013_follow_events", up: UP, down: DOWN };

/// The project of what each event is about, where that is still there. A project that is gone is told by its own events alone.
const PLACE: &str = "UPDATE events SET project_id = coalesce(
        (SELECT f.project_id FROM features f WHERE f.id = events.aggregate_id),
        (SELECT f.project_id FROM tests t JOIN features f ON f.id = t.feature_id WHERE t.id = events.aggregate_id),
        (SELECT f.project_id FROM deployments d JOIN features f ON f.id = d.feature_id WHERE d.id = events.aggregate_id),
        CASE WHEN aggregate_type = 'project' THEN aggregate_id END
    )";

const UP: &[Sql] = &[
    // It may be nothing: a server of the version before, which still runs, does not know of it. What that one writes meanwhile is
    // missed by who follows a project, and only by them.
    Sql::Both("ALTER TABLE events ADD COLUMN project_id {uuid}"),
    Sql::Postgres("ALTER TABLE events DISABLE TRIGGER events_append_only"),
    Sql::Sqlite("DROP TRIGGER events_not_updated"),
    Sql::Both(PLACE),
    Sql::Postgres("ALTER TABLE events ENABLE TRIGGER events_append_only"),
    Sql::Sqlite(
        "CREATE TRIGGER events_not_updated BEFORE UPDATE ON events \
            BEGIN SELECT RAISE(ABORT, 'events is append-only'); END",
    ),
    // A project's events, in order.
    Sql::Both("CREATE INDEX events_of_project ON events (project_id, transaction_id, position)"),
    // PostgreSQL has it since there are transactions to tell apart.
    Sql::Sqlite("CREATE UNIQUE INDEX events_in_order ON events (transaction_id, position)"),
    Sql::Postgres(
        "CREATE VIEW settled_events AS SELECT * FROM events \
            WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
    ),
    // With the number of the row, by which lists of many parents find their rows.
    Sql::Sqlite("CREATE VIEW settled_events AS SELECT position AS rowid, * FROM events"),
];

const DOWN: &[Sql] = &[
    Sql::Both("DROP VIEW settled_events"),
    Sql::Sqlite("DROP INDEX events_in_order"),
    Sql::Both("DROP INDEX events_of_project"),
    Sql::Both("ALTER TABLE events DROP COLUMN project_id"),
];
