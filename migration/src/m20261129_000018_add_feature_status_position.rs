//! How far along a feature's status is, as a number: the place of the word in the course of the work. By the words alone a list goes
//! from `blocked` to `not_started`.
//!
//! The first of three steps that servers of the version before go on through (docs/decisions/0021): a column which rows may be
//! without, and what fills it in whoever writes the row.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration =
    SqlMigration { name: "m20261129_000018_add_feature_status_position", up: UP, down: DOWN };

const UP: &[Sql] = &[
    // The one place that knows the order.
    Sql::Postgres(
        "CREATE FUNCTION feature_status_position(status text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
            CASE status WHEN 'not_started' THEN 1 WHEN 'in_progress' THEN 2 WHEN 'blocked' THEN 3 WHEN 'completed' THEN 4
                WHEN 'cancelled' THEN 5 END",
    ),
    Sql::Postgres("ALTER TABLE features ADD COLUMN status_position integer"),
    // Whoever writes a row writes both, whether they know of it or not. A generated column would write all rows anew, under a
    // lock that every request waits for.
    Sql::Postgres(
        "CREATE FUNCTION set_feature_status_position() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                NEW.status_position := feature_status_position(NEW.status);
                RETURN NEW;
            END $$",
    ),
    // At each update, or a row that has no position yet could not be renamed: the constraint holds for what is written from now on.
    Sql::Postgres(
        "CREATE TRIGGER features_status_position BEFORE INSERT OR UPDATE ON features
            FOR EACH ROW EXECUTE FUNCTION set_feature_status_position()",
    ),
    Sql::Postgres(
        "ALTER TABLE features ADD CONSTRAINT features_status_position_known
            CHECK (status_position IS NOT NULL AND status_position = feature_status_position(status)) NOT VALID",
    ),
    Sql::Sqlite(
        "ALTER TABLE features ADD COLUMN status_position INTEGER GENERATED ALWAYS AS (
            CASE status WHEN 'not_started' THEN 1 WHEN 'in_progress' THEN 2 WHEN 'blocked' THEN 3 WHEN 'completed' THEN 4
                WHEN 'cancelled' THEN 5 END) VIRTUAL",
    ),
];

const DOWN: &[Sql] = &[
    Sql::Postgres("DROP TRIGGER features_status_position ON features"),
    Sql::Postgres("DROP FUNCTION set_feature_status_position()"),
    Sql::Both("ALTER TABLE features DROP COLUMN status_position"),
    Sql::Postgres("DROP FUNCTION feature_status_position(text)"),
];
