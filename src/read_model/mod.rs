//! The read model: `features_view`, what lists of features show without counting their children.
//!
//! **Invariants:** each feature that is not deleted has a row, and no other one has, so that lists in an order of the read
//! model walk it; a row equals what the tables say, since it is brought up to date in the transaction that changes them.
//! Only what writes features, tests or deployments uses it.

use std::fmt::Write;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, Statement};
use uuid::Uuid;

use crate::database::DatabaseError;
use crate::database::bulk::padded;

/// The most features of one statement.
const MOST_FEATURES: usize = 1024;

/// Brings the rows of these features up to date; those of deleted features go.
///
/// # Errors
/// When a statement fails; the transaction must be rolled back then.
pub async fn refresh_features(connection: &DatabaseTransaction, ids: &[Uuid]) -> Result<(), DatabaseError> {
    let backend = connection.get_database_backend();
    for piece in ids.chunks(MOST_FEATURES) {
        let ids = padded(piece);
        for sql in refresh_sql(backend, ids.len()) {
            let statement = Statement::from_sql_and_values(backend, sql, ids.iter().copied().map(Into::into));
            connection.execute_raw(statement).await?;
        }
    }
    Ok(())
}

/// Runs on both: both know `FILTER`, a list of `VALUES` and `ON CONFLICT`; only the parameters are spelled
/// differently. The latest deployment is the greatest by (`deployed_at`, `id`), no time being the smallest, in the
/// words of its index.
fn refresh_sql(backend: DbBackend, features: usize) -> [String; 2] {
    let mut ids = String::with_capacity(features * 8);
    for number in 1..=features {
        let comma = if number == 1 { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = match backend {
            DbBackend::Postgres => write!(ids, "{comma}(${number})"),
            _ => write!(ids, "{comma}(?)"),
        };
    }
    let delete = format!(
        "DELETE FROM features_view \
         WHERE id IN (SELECT f.id FROM features f WHERE f.id IN (VALUES {ids}) AND f.deleted_at IS NOT NULL)"
    );
    let upsert = format!(
        "INSERT INTO features_view (id, name, priority, project_id, test_count, passed_count, failed_count, \
             pending_count, skipped_count, deployment_status, latest_deployed_at) \
         SELECT f.id, f.name, f.priority, f.project_id, count(t.id), \
             count(t.id) FILTER (WHERE t.status = 'passed'), \
             count(t.id) FILTER (WHERE t.status = 'failed'), \
             count(t.id) FILTER (WHERE t.status = 'pending'), \
             count(t.id) FILTER (WHERE t.status = 'skipped'), \
             (SELECT d.status FROM deployments d WHERE d.feature_id = f.id \
                 ORDER BY d.deployed_order DESC, d.id DESC LIMIT 1), \
             (SELECT d.deployed_at FROM deployments d WHERE d.feature_id = f.id \
                 ORDER BY d.deployed_order DESC, d.id DESC LIMIT 1) \
         FROM features f LEFT JOIN tests t ON t.feature_id = f.id \
         WHERE f.id IN (VALUES {ids}) AND f.deleted_at IS NULL GROUP BY f.id \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, priority = excluded.priority, \
             project_id = excluded.project_id, test_count = excluded.test_count, \
             passed_count = excluded.passed_count, failed_count = excluded.failed_count, \
             pending_count = excluded.pending_count, skipped_count = excluded.skipped_count, \
             deployment_status = excluded.deployment_status, latest_deployed_at = excluded.latest_deployed_at"
    );
    [delete, upsert]
}
