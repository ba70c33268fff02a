//! What writes leave behind: events in one order for all followers, chained by hashes; audit rows that cannot be changed;
//! the results of commands that carried an idempotency key; and how far projections have come.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration = SqlMigration { name: "m20261124_000011_write_events", up: UP, down: DOWN };

const UP: &[Sql] = &[
    // Nothing has written events yet.
    Sql::Both("DROP TABLE events"),
    // A position is taken before its transaction commits, so that a later one may be seen first. Transactions commit in any
    // order, too, but none below `pg_snapshot_xmin` is still to come: followers read (transaction_id, position) up to there.
    Sql::Postgres(
        r#"CREATE TABLE events (
            id uuid PRIMARY KEY NOT NULL,
            position bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
            transaction_id bigint NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
            aggregate_type text COLLATE "C" NOT NULL,
            aggregate_id uuid NOT NULL,
            version integer NOT NULL,
            event_type text COLLATE "C" NOT NULL,
            payload text COLLATE "C" NOT NULL,
            actor_id text COLLATE "C" NOT NULL,
            actor_kind text COLLATE "C" NOT NULL,
            request_id text COLLATE "C" NOT NULL,
            created_at timestamptz NOT NULL,
            hash bytea NOT NULL,
            CONSTRAINT events_aggregate_version_unique UNIQUE (aggregate_id, version),
            CONSTRAINT events_version_positive CHECK (version >= 1),
            CONSTRAINT events_actor_kind_known CHECK (actor_kind IN ('person', 'agent', 'service')),
            CONSTRAINT events_hash_length CHECK (length(hash) = 32)
        )"#,
    ),
    Sql::Postgres("CREATE UNIQUE INDEX events_in_order ON events (transaction_id, position)"),
    // On SQLite one transaction writes at a time: the order of positions is the order of commits.
    Sql::Sqlite(
        r"CREATE TABLE events (
            id BLOB NOT NULL UNIQUE,
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            transaction_id integer NOT NULL DEFAULT 0,
            aggregate_type TEXT NOT NULL,
            aggregate_id BLOB NOT NULL,
            version integer NOT NULL,
            event_type TEXT NOT NULL,
            payload TEXT NOT NULL,
            actor_id TEXT NOT NULL,
            actor_kind TEXT NOT NULL,
            request_id TEXT NOT NULL,
            created_at TEXT NOT NULL,
            hash BLOB NOT NULL,
            CONSTRAINT events_version_positive CHECK (version >= 1),
            CONSTRAINT events_actor_kind_known CHECK (actor_kind IN ('person', 'agent', 'service')),
            CONSTRAINT events_hash_length CHECK (length(hash) = 32)
        ) STRICT",
    ),
    // An index with a name, by which a statement can insist on it: SQLite would scan the events where its statistics are of a
    // time when there were few.
    Sql::Sqlite("CREATE UNIQUE INDEX events_aggregate_version_unique ON events (aggregate_id, version)"),
    // What was written is never changed, whoever asks.
    Sql::Postgres(
        r"CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23000'; END $$",
    ),
    Sql::Postgres(
        "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events \
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    ),
    Sql::Postgres(
        "CREATE TRIGGER audit_logs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs \
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    ),
    Sql::Sqlite(
        "CREATE TRIGGER events_not_updated BEFORE UPDATE ON events \
            BEGIN SELECT RAISE(ABORT, 'events is append-only'); END",
    ),
    Sql::Sqlite(
        "CREATE TRIGGER events_not_deleted BEFORE DELETE ON events \
            BEGIN SELECT RAISE(ABORT, 'events is append-only'); END",
    ),
    Sql::Sqlite(
        "CREATE TRIGGER audit_logs_not_updated BEFORE UPDATE ON audit_logs \
            BEGIN SELECT RAISE(ABORT, 'audit_logs is append-only'); END",
    ),
    Sql::Sqlite(
        "CREATE TRIGGER audit_logs_not_deleted BEFORE DELETE ON audit_logs \
            BEGIN SELECT RAISE(ABORT, 'audit_logs is append-only'); END",
    ),
    // The state of an aggregate after every so many events, so that no reader of a long stream begins at its beginning.
    Sql::Both(
        r"CREATE TABLE event_snapshots (
            aggregate_id {uuid} NOT NULL,
            version integer NOT NULL,
            state {text} NOT NULL,
            created_at {timestamp:created_at} NOT NULL,
            PRIMARY KEY (aggregate_id, version)
        ){strict}",
    ),
    Sql::Both(
        r"CREATE TABLE idempotency_keys (
            actor_id {text} NOT NULL,
            key {text} NOT NULL,
            command {text} NOT NULL,
            input_hash {bytes} NOT NULL,
            receipt {text} NOT NULL,
            created_at {timestamp:created_at} NOT NULL,
            PRIMARY KEY (actor_id, key),
            CONSTRAINT idempotency_keys_key_length CHECK (length(key) BETWEEN 1 AND 255)
        ){strict}",
    ),
    // Keys that are old enough to be forgotten.
    Sql::Both("CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at)"),
    Sql::Both(
        r"CREATE TABLE projections (
            name {text} PRIMARY KEY NOT NULL,
            transaction_id bigint NOT NULL,
            position bigint NOT NULL,
            updated_at {timestamp:updated_at} NOT NULL
        )",
    ),
    // A statement that found the database other than it was told fails as a whole, and can be run again.
    Sql::Postgres(
        r"CREATE FUNCTION expect_rows(actual bigint, expected bigint) RETURNS void LANGUAGE plpgsql AS $$
            BEGIN
                IF actual <> expected THEN
                    RAISE EXCEPTION 'expected % rows, met %', expected, actual USING ERRCODE = '40001';
                END IF;
            END $$",
    ),
];

const DOWN: &[Sql] = &[
    Sql::Postgres("DROP FUNCTION expect_rows"),
    Sql::Both("DROP TABLE projections"),
    Sql::Both("DROP TABLE idempotency_keys"),
    Sql::Both("DROP TABLE event_snapshots"),
    Sql::Postgres("DROP TRIGGER audit_logs_append_only ON audit_logs"),
    Sql::Sqlite("DROP TRIGGER audit_logs_not_updated"),
    Sql::Sqlite("DROP TRIGGER audit_logs_not_deleted"),
    Sql::Both("DROP TABLE events"),
    Sql::Postgres("DROP FUNCTION refuse_change"),
    Sql::Both(
        r"CREATE TABLE events (
            id {uuid} PRIMARY KEY NOT NULL,
            aggregate_type {text} NOT NULL,
            aggregate_id {uuid} NOT NULL,
            version integer NOT NULL,
            event_type {text} NOT NULL,
            payload {json} NOT NULL,
            created_at {timestamp:created_at} NOT NULL,
            CONSTRAINT events_aggregate_version_unique UNIQUE (aggregate_id, version),
            CONSTRAINT events_version_positive CHECK (version >= 1)
        ){strict}",
    ),
];
