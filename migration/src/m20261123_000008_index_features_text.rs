//! Full text over the name and description of features.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration =
    SqlMigration { name: "m20261123_000008_index_features_text", up: UP, down: DOWN };

const UP: &[Sql] = &[
    // Full text over name and description: PostgreSQL indexes the words in place.
    Sql::Postgres(
        r"CREATE INDEX features_text ON features
            USING gin (to_tsvector('simple', name || ' ' || coalesce(description, '')))",
    ),
    // SQLite keeps the words in an FTS5 table beside the features. FTS5 knows rows by an integer, and a rowid that is not
    // declared may change when the file is vacuumed, so each feature gets a number of its own. The text itself stays in
    // `features`: the view is the index's content, the triggers keep it.
    Sql::Sqlite(
        r"CREATE TABLE features_text_rows (
            row integer PRIMARY KEY NOT NULL,
            feature_id BLOB NOT NULL UNIQUE
        ) STRICT",
    ),
    Sql::Sqlite(
        r"CREATE VIEW features_text_content AS
            SELECT r.row AS row, f.name AS name, f.description AS description
            FROM features_text_rows r JOIN features f ON f.id = r.feature_id",
    ),
    Sql::Sqlite(
        r"CREATE VIRTUAL TABLE features_text
            USING fts5 (name, description, content = 'features_text_content', content_rowid = 'row')",
    ),
    Sql::Sqlite(
        r"CREATE TRIGGER features_text_insert AFTER INSERT ON features BEGIN
            INSERT INTO features_text_rows (feature_id) VALUES (new.id);
            INSERT INTO features_text (rowid, name, description)
                SELECT row, new.name, new.description FROM features_text_rows WHERE feature_id = new.id;
        END",
    ),
    Sql::Sqlite(
        r"CREATE TRIGGER features_text_update AFTER UPDATE OF name, description ON features BEGIN
            INSERT INTO features_text (features_text, rowid, name, description)
                SELECT 'delete', row, old.name, old.description FROM features_text_rows WHERE feature_id = old.id;
            INSERT INTO features_text (rowid, name, description)
                SELECT row, new.name, new.description FROM features_text_rows WHERE feature_id = new.id;
        END",
    ),
    Sql::Sqlite(
        r"CREATE TRIGGER features_text_delete AFTER DELETE ON features BEGIN
            INSERT INTO features_text (features_text, rowid, name, description)
                SELECT 'delete', row, old.name, old.description FROM features_text_rows WHERE feature_id = old.id;
            DELETE FROM features_text_rows WHERE feature_id = old.id;
        END",
    ),
    Sql::Sqlite(r"INSERT INTO features_text_rows (feature_id) SELECT id FROM features"),
    Sql::Sqlite(r"INSERT INTO features_text (features_text) VALUES ('rebuild')"),
];

const DOWN: &[Sql] = &[
    Sql::Postgres("DROP INDEX features_text"),
    Sql::Sqlite("DROP TRIGGER features_text_delete"),
    Sql::Sqlite("DROP TRIGGER features_text_update"),
    Sql::Sqlite("DROP TRIGGER features_text_insert"),
    Sql::Sqlite("DROP TABLE features_text"),
    Sql::Sqlite("DROP VIEW features_text_content"),
    Sql::Sqlite("DROP TABLE features_text_rows"),
];
