//! More orders: features by their read model, and what was missing among the others.

use crate::sql::{Sql, SqlMigration};

pub(crate) const MIGRATION: SqlMigration = SqlMigration { name: "m20261124_000009_index_orders", up: UP, down: DOWN };

const UP: &[Sql] = &[
    // An order by the read model walks the read model, which therefore has a row for each feature that is not deleted, and
    // none for one that is.
    Sql::Both(
        r"DELETE FROM features_view
            WHERE EXISTS (SELECT 1 FROM features f WHERE f.id = features_view.id AND f.deleted_at IS NOT NULL)",
    ),
    Sql::Both(
        r"INSERT INTO features_view (id, name, priority, project_id, test_count, passed_count, failed_count, pending_count,
            skipped_count, deployment_status)
            SELECT f.id, f.name, f.priority, f.project_id, count(t.id),
                count(t.id) FILTER (WHERE t.status = 'passed'),
                count(t.id) FILTER (WHERE t.status = 'failed'),
                count(t.id) FILTER (WHERE t.status = 'pending'),
                count(t.id) FILTER (WHERE t.status = 'skipped'),
                (SELECT d.status FROM deployments d WHERE d.feature_id = f.id
                    ORDER BY d.deployed_order DESC, d.id DESC LIMIT 1)
            FROM features f LEFT JOIN tests t ON t.feature_id = f.id
            WHERE f.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM features_view v WHERE v.id = f.id)
            GROUP BY f.id",
    ),
    Sql::Both("ALTER TABLE features_view ADD COLUMN latest_deployed_at {timestamp:latest_deployed_at}"),
    Sql::Both(
        r"UPDATE features_view SET latest_deployed_at =
            (SELECT d.deployed_at FROM deployments d WHERE d.feature_id = features_view.id
                ORDER BY d.deployed_order DESC, d.id DESC LIMIT 1)",
    ),
    // What stands for nothing is before every value, so that a page after such a row is one seek as well; they are
    // columns, since SQLite does not seek by a row value over an expression.
    Sql::Both(
        r"ALTER TABLE features_view ADD COLUMN latest_deployed_order {timestamp:latest_deployed_order}
            GENERATED ALWAYS AS (coalesce(latest_deployed_at, '0001-01-01T00:00:00+00:00')) {generated}",
    ),
    Sql::Both(
        r"ALTER TABLE features_view ADD COLUMN deployment_status_order {text}
            GENERATED ALWAYS AS (coalesce(deployment_status, '')) {generated}",
    ),
    // The keyset orders of `features(orderBy:)` by the read model, of all projects and of one.
    Sql::Both("CREATE INDEX features_view_by_deployment_status ON features_view (deployment_status_order, id)"),
    Sql::Both(
        "CREATE INDEX features_view_of_project_by_deployment_status ON features_view (project_id, deployment_status_order, id)",
    ),
    Sql::Both("CREATE INDEX features_view_by_test_count ON features_view (test_count, id)"),
    Sql::Both("CREATE INDEX features_view_of_project_by_test_count ON features_view (project_id, test_count, id)"),
    Sql::Both("CREATE INDEX features_view_by_failed_count ON features_view (failed_count, id)"),
    Sql::Both("CREATE INDEX features_view_of_project_by_failed_count ON features_view (project_id, failed_count, id)"),
    Sql::Both("CREATE INDEX features_view_by_latest_deployed_at ON features_view (latest_deployed_order, id)"),
    Sql::Both(
        "CREATE INDEX features_view_of_project_by_latest_deployed_at ON features_view (project_id, latest_deployed_order, id)",
    ),
    // The keyset orders that were missing, each for the one list that there is of its rows.
    Sql::Both("CREATE INDEX projects_updated_at ON projects (updated_at, id)"),
    Sql::Both("CREATE INDEX tests_of_feature_by_updated_at ON tests (feature_id, updated_at, id)"),
    Sql::Both("CREATE INDEX deployments_of_feature_by_version ON deployments (feature_id, version, id)"),
    Sql::Both("CREATE INDEX deployments_of_feature_by_status ON deployments (feature_id, status, id)"),
    Sql::Both("CREATE INDEX deployments_of_feature_by_updated_at ON deployments (feature_id, updated_at, id)"),
];

const DOWN: &[Sql] = &[
    Sql::Both("DROP INDEX deployments_of_feature_by_updated_at"),
    Sql::Both("DROP INDEX deployments_of_feature_by_status"),
    Sql::Both("DROP INDEX deployments_of_feature_by_version"),
    Sql::Both("DROP INDEX tests_of_feature_by_updated_at"),
    Sql::Both("DROP INDEX projects_updated_at"),
    Sql::Both("DROP INDEX features_view_of_project_by_latest_deployed_at"),
    Sql::Both("DROP INDEX features_view_by_latest_deployed_at"),
    Sql::Both("DROP INDEX features_view_of_project_by_failed_count"),
    Sql::Both("DROP INDEX features_view_by_failed_count"),
    Sql::Both("DROP INDEX features_view_of_project_by_test_count"),
    Sql::Both("DROP INDEX features_view_by_test_count"),
    Sql::Both("DROP INDEX features_view_of_project_by_deployment_status"),
    Sql::Both("DROP INDEX features_view_by_deployment_status"),
    Sql::Both("ALTER TABLE features_view DROP COLUMN deployment_status_order"),
    Sql::Both("ALTER TABLE features_view DROP COLUMN latest_deployed_order"),
    Sql::Both("ALTER TABLE features_view DROP COLUMN latest_deployed_at"),
];
