//! Where the numbers of transactions begin: a record that was restored, or brought into another database, goes on after all
//! places that were ever given to it, though that database counts its transactions anew.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration = SqlMigration { name: "m20261129_000017_event_epoch", up: UP, down: DOWN };

const UP: &[Sql] = &[
    Sql::Sqlite(
        "CREATE TABLE event_epoch (id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1), epoch INTEGER NOT NULL) STRICT",
    ),
    Sql::Sqlite("INSERT INTO event_epoch (id, epoch) VALUES (1, 0)"),
    // A number in the text of a function is a constant to the planner, goes with a dump, and is changed in one transaction with
    // what is restored. It is 0, unless the record has come from another server already, whose transactions had higher numbers.
    Sql::Postgres(
        r"DO $do$
        DECLARE latest bigint := coalesce((SELECT max(transaction_id) FROM events), 0);
        BEGIN
            IF latest < pg_current_xact_id()::text::bigint THEN
                latest := 0;
            END IF;
            EXECUTE format(
                'CREATE FUNCTION event_epoch() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS %L',
                format('SELECT %s::bigint', latest));
        END $do$",
    ),
    Sql::Postgres(
        "ALTER TABLE events ALTER COLUMN transaction_id \
            SET DEFAULT (event_epoch() + pg_current_xact_id()::text::bigint)",
    ),
    Sql::Postgres(
        "CREATE OR REPLACE VIEW settled_events AS SELECT * FROM events \
            WHERE transaction_id < event_epoch() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
    ),
];

const DOWN: &[Sql] = &[
    Sql::Sqlite("DROP TABLE event_epoch"),
    Sql::Postgres(
        "CREATE OR REPLACE VIEW settled_events AS SELECT * FROM events \
            WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
    ),
    Sql::Postgres("ALTER TABLE events ALTER COLUMN transaction_id SET DEFAULT (pg_current_xact_id()::text::bigint)"),
    Sql::Postgres("DROP FUNCTION event_epoch()"),
];
