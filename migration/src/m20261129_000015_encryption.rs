//! What is stored encrypted: a feature's confidential notes, and the keys that they are encrypted with.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration = SqlMigration { name: "m20261129_000015_encryption", up: UP, down: DOWN };

const UP: &[Sql] = &[
    // A Fernet token, whose version and time begin so until the year 2106: whatever else is no token.
    Sql::Both(
        r"ALTER TABLE features ADD COLUMN confidential_notes {text}
            CONSTRAINT features_confidential_notes_encrypted CHECK (substr(confidential_notes, 1, 6) = 'gAAAAA')",
    ),
    // It refers to no project: to replay all rows takes projects away and puts them back, and must leave the keys alone.
    Sql::Both(
        r"CREATE TABLE data_keys (
            project_id {uuid} PRIMARY KEY NOT NULL,
            generation integer NOT NULL DEFAULT 1,
            wrapped_key {text},
            key_id {text},
            created_at {timestamp:created_at} NOT NULL,
            rotated_at {timestamp:rotated_at},
            erased_at {timestamp:erased_at},
            CONSTRAINT data_keys_generation_positive CHECK (generation >= 1),
            CONSTRAINT data_keys_wrapped_as_a_whole CHECK ((wrapped_key IS NULL) = (key_id IS NULL)),
            CONSTRAINT data_keys_wrapped_unless_erased CHECK (wrapped_key IS NOT NULL OR erased_at IS NOT NULL)
        ){strict}",
    ),
    // `keys status` and `keys rotate`: how many are left under a key, and which.
    Sql::Both("CREATE INDEX data_keys_by_key ON data_keys (key_id, project_id)"),
];

const DOWN: &[Sql] =
    &[Sql::Both("DROP TABLE data_keys"), Sql::Both("ALTER TABLE features DROP COLUMN confidential_notes")];
