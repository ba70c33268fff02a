//! The read model: `features_view`, what lists of features show without counting their children.
//!
//! **Invariants:** each feature that is not deleted has a row, and no other one has, so that lists in an order of the read
//! model walk it; a row equals what the tables say, since it is brought up to date in the transaction that changes them.
//! [`crate::write_transaction`] alone writes it.

use entity::feature;
use sea_orm::{DbBackend, Statement};
use uuid::Uuid;

use crate::database::row_set::{CellType, RowSet};
use crate::database::{Batch, Parameters, dialect};

/// The columns that say the same as the feature.
const COPIED: [(&str, CellType); 4] =
    [("id", CellType::Id), ("name", CellType::Text), ("priority", CellType::Integer), ("project_id", CellType::Id)];

/// Writes the rows of new features, which have no tests or deployments yet.
pub fn insert_rows(batch: &mut Batch, features: &[&feature::Model]) {
    if features.is_empty() {
        return;
    }
    let columns = COPIED.map(|(name, _)| name).join(", ");
    batch.add(|parameters| {
        let rows = parameters.add_rows(copied(features));
        format!("INSERT INTO features_view ({columns}) SELECT {columns} FROM {rows}")
    });
}

/// Lets the rows of features say what the features say.
pub fn update_rows(batch: &mut Batch, features: &[&feature::Model]) {
    if features.is_empty() {
        return;
    }
    let (backend, rows) = (batch.backend(), copied(features));
    let columns = rows.column_names();
    batch.add(|parameters| dialect::update_by_id(backend, "features_view", &columns, &parameters.add_rows(rows)));
}

fn copied(features: &[&feature::Model]) -> RowSet {
    let mut rows = RowSet::new(COPIED.to_vec());
    for feature in features {
        rows.push([
            feature.id.into(),
            feature.name.as_str().into(),
            feature.priority.into(),
            feature.project_id.into(),
        ]);
    }
    rows
}

/// A statement that counts the tests and deployments of these features, which are not deleted, anew.
#[must_use]
pub fn recount(backend: DbBackend, features: &[Uuid]) -> Statement {
    let rows = RowSet::of_ids("id", features.iter().copied());
    Parameters::statement(backend, |parameters| {
        let rows = parameters.add_rows(rows);
        upsert_sql("", &format!("SELECT d.id FROM {rows}"))
    })
}

/// A statement that counts all features anew, in tables whose names begin with `prefix`.
#[must_use]
pub fn count_all(prefix: &str) -> String {
    upsert_sql(prefix, &format!("SELECT id FROM {prefix}features"))
}

/// Runs on both: both know `FILTER` and `ON CONFLICT`. The latest deployment is the greatest by (`deployed_at`, `id`), no time
/// being the smallest, in the words of its index.
fn upsert_sql(prefix: &str, ids: &str) -> String {
    format!(
        "INSERT INTO {prefix}features_view (id, name, priority, project_id, test_count, passed_count, failed_count, \
             pending_count, skipped_count, deployment_status, latest_deployed_at) \
         SELECT f.id, f.name, f.priority, f.project_id, count(t.id), \
             count(t.id) FILTER (WHERE t.status = 'passed'), \
             count(t.id) FILTER (WHERE t.status = 'failed'), \
             count(t.id) FILTER (WHERE t.status = 'pending'), \
             count(t.id) FILTER (WHERE t.status = 'skipped'), \
             (SELECT d.status FROM {prefix}deployments d WHERE d.feature_id = f.id \
                 ORDER BY d.deployed_order DESC, d.id DESC LIMIT 1), \
             (SELECT d.deployed_at FROM {prefix}deployments d WHERE d.feature_id = f.id \
                 ORDER BY d.deployed_order DESC, d.id DESC LIMIT 1) \
         FROM {prefix}features f LEFT JOIN {prefix}tests t ON t.feature_id = f.id \
         WHERE f.id IN ({ids}) AND f.deleted_at IS NULL GROUP BY f.id \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, priority = excluded.priority, \
             project_id = excluded.project_id, test_count = excluded.test_count, \
             passed_count = excluded.passed_count, failed_count = excluded.failed_count, \
             pending_count = excluded.pending_count, skipped_count = excluded.skipped_count, \
             deployment_status = excluded.deployment_status, latest_deployed_at = excluded.latest_deployed_at"
    )
}
