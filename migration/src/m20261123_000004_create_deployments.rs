//! Deployments: versions of a feature brought to an environment.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration =
    SqlMigration { name: "m20261123_000004_create_deployments", up: UP, down: DOWN };

const UP: &[Sql] = &[
    Sql::Both(
        r"CREATE TABLE deployments (
            id {uuid} PRIMARY KEY NOT NULL,
            feature_id {uuid} NOT NULL,
            environment {text} NOT NULL,
            version {text} NOT NULL,
            status {text} NOT NULL DEFAULT 'pending',
            deployed_at {timestamp:deployed_at},
            deployed_order {timestamp:deployed_order}
                GENERATED ALWAYS AS (coalesce(deployed_at, '0001-01-01T00:00:00+00:00')) {generated},
            row_version integer NOT NULL DEFAULT 1,
            created_at {timestamp:created_at} NOT NULL,
            updated_at {timestamp:updated_at} NOT NULL,
            CONSTRAINT deployments_feature_fk FOREIGN KEY (feature_id) REFERENCES features (id) ON DELETE CASCADE,
            CONSTRAINT deployments_environment_length CHECK (length(environment) BETWEEN 1 AND 255),
            CONSTRAINT deployments_version_length CHECK (length(version) BETWEEN 1 AND 255),
            CONSTRAINT deployments_status_known
                CHECK (status IN ('pending', 'in_progress', 'succeeded', 'failed', 'rolled_back')),
            CONSTRAINT deployments_row_version_positive CHECK (row_version >= 1)
        ){strict}",
    ),
    // The keyset orders of `feature { deployments(orderBy:) }`, and the foreign key.
    Sql::Both("CREATE INDEX deployments_of_feature ON deployments (feature_id, id)"),
    Sql::Both("CREATE INDEX deployments_of_feature_by_created_at ON deployments (feature_id, created_at, id)"),
    Sql::Both("CREATE INDEX deployments_of_feature_by_environment ON deployments (feature_id, environment, id)"),
    // By time: `latestDeployment` too, and the second one `latestDeployment(environment:)`. `deployed_order` is the beginning
    // of our era where there is no time, so that a page after such a row is one seek as well.
    Sql::Both(
        r"CREATE INDEX deployments_of_feature_by_deployed_at
            ON deployments (feature_id, deployed_order, id)",
    ),
    Sql::Both(
        r"CREATE INDEX deployments_latest
            ON deployments (feature_id, environment, deployed_order, id)",
    ),
    // A span of time over all features of a table that grows at its end: a block range index stays tiny.
    Sql::Postgres("CREATE INDEX deployments_created_at ON deployments USING brin (created_at)"),
];

const DOWN: &[Sql] = &[Sql::Both("DROP TABLE deployments")];
