//! What a decided command writes: its events, the rows they made, an audit row for each, and the read model.
//!
//! **Invariant:** all of it is in one transaction, and everything that the command relied on still holds when it commits: an
//! event's version is unique in its stream, and the features that children were added to are locked and still there.

use std::collections::BTreeSet;

use entity::{audit_log, deployment, event, feature, project, project_member, test_case, user, webhook};
use sea_orm::{DbBackend, EntityName as _};
use serde_json::Value as Json;
use uuid::Uuid;

use super::data_keys;
use super::deliveries;
use super::records::{Record, Records, Tables, Written};
use super::session::Session;
use crate::audit;
use crate::database::row_set::{CellType, RowSet};
use crate::database::{Batch, dialect};
use crate::events::{self, Aggregate, FieldChange};
use crate::read_model;

/// How many events there may be between two snapshots of an aggregate.
pub const SNAPSHOT_EVERY: i32 = 100;

/// What a session comes to.
pub(super) struct Writing {
    /// What is written at first.
    pub(super) batch: Batch,
    /// The features to count anew once that is written.
    pub(super) recounted: Vec<Uuid>,
    /// The ids of the first and the last event.
    pub(super) events: Option<(Uuid, Uuid)>,
    /// The ids of the first and the last audit row.
    pub(super) audit_logs: Option<(Uuid, Uuid)>,
}

/// Turns what has happened in a session into statements.
pub(super) fn compose(session: &Session<'_>) -> Writing {
    let mut batch = Batch::new(session.connection.backend());
    let tables = &session.tables;
    insert_events(&mut batch, session);
    // Parents before children, so that no foreign key misses its row.
    write_rows(&mut batch, &tables.users);
    write_rows(&mut batch, &tables.projects);
    write_rows(&mut batch, &tables.project_members);
    write_rows(&mut batch, &tables.webhooks);
    write_rows(&mut batch, &tables.features);
    write_rows(&mut batch, &tables.tests);
    write_rows(&mut batch, &tables.deployments);
    let recounted = write_read_model(&mut batch, tables);
    delete_rows(&mut batch, &tables.deployments);
    delete_rows(&mut batch, &tables.tests);
    delete_rows(&mut batch, &tables.features);
    delete_rows(&mut batch, &tables.webhooks);
    delete_rows(&mut batch, &tables.project_members);
    delete_rows(&mut batch, &tables.projects);
    delete_data_keys(&mut batch, &tables.projects);
    data_keys::write(&mut batch, session);
    deliveries::write(&mut batch, session);
    let audit_logs = write_audit(&mut batch, session);
    let ends = |ids: Vec<Uuid>| Some((*ids.first()?, *ids.last()?));
    let events = ends(session.events.iter().map(|event| event.id).collect());
    Writing { batch, recounted, events, audit_logs }
}

/// The database gives the position, and on PostgreSQL the transaction; on SQLite that is the same for all, until the record is
/// restored or brought into another database.
fn insert_events(batch: &mut Batch, session: &Session<'_>) {
    let given = |column: event::Column| !matches!(column, event::Column::Position | event::Column::TransactionId);
    let rows = RowSet::of_models(&session.events, given);
    if rows.is_empty() {
        return;
    }
    let mut columns = rows.column_names();
    let mut selected = columns.clone();
    if session.names_features {
        // What is no feature's id is the project's.
        let project = "coalesce((SELECT f.project_id FROM features f WHERE f.id = d.project_id), d.project_id)";
        selected = selected.replace("project_id", project);
    }
    if batch.backend() == DbBackend::Sqlite {
        columns.push_str(", transaction_id");
        selected.push_str(", (SELECT epoch FROM event_epoch)");
    }
    batch.add(|parameters| {
        format!("INSERT INTO events ({columns}) SELECT {selected} FROM {}", parameters.add_rows(rows))
    });
}

pub(super) fn insert(batch: &mut Batch, table: &str, rows: RowSet) {
    if rows.is_empty() {
        return;
    }
    let columns = rows.column_names();
    batch.add(|parameters| {
        format!("INSERT INTO {table} ({columns}) SELECT {columns} FROM {}", parameters.add_rows(rows))
    });
}

/// Inserts the rows that are new and updates those that have changed.
fn write_rows<A: Written>(batch: &mut Batch, records: &Records<A>) {
    let table = A::default();
    let table = table.table_name();
    let (mut new, mut changed, mut snapshots) = (Vec::new(), Vec::new(), Vec::new());
    for record in records.touched() {
        let Some(row) = &record.now else { continue };
        if record.before.is_none() {
            new.push(row);
        } else {
            changed.push(row);
        }
        if is_snapshot_due::<A>(record) {
            snapshots.push(row);
        }
    }
    insert(batch, table, RowSet::of_models(new, |_| true));
    update_rows(batch, table, RowSet::of_models(changed, |_| true));
    write_snapshots::<A>(batch, &snapshots);
}

fn update_rows(batch: &mut Batch, table: &str, rows: RowSet) {
    if rows.is_empty() {
        return;
    }
    let (backend, columns) = (batch.backend(), rows.column_names());
    batch.add(|parameters| dialect::update_by_id(backend, table, &columns, &parameters.add_rows(rows)));
}

fn delete_rows<A: Written>(batch: &mut Batch, records: &Records<A>) {
    let gone = records.touched().filter(|record| record.now.is_none()).filter_map(|record| record.before.as_ref());
    let table = A::default();
    delete(batch, table.table_name(), gone.map(|row| A::stamp(row).id));
}

/// What a project that ends leaves in the history is unreadable from then on.
fn delete_data_keys(batch: &mut Batch, projects: &Records<project::Entity>) {
    let gone = projects.touched().filter(|record| record.now.is_none()).filter_map(|record| record.before.as_ref());
    let rows = RowSet::of_ids("project_id", gone.map(|project| project.id));
    if rows.is_empty() {
        return;
    }
    batch.add(|parameters| {
        format!("DELETE FROM data_keys WHERE project_id IN (SELECT d.project_id FROM {})", parameters.add_rows(rows))
    });
}

fn delete(batch: &mut Batch, table: &str, ids: impl Iterator<Item = Uuid>) {
    let rows = id_rows(ids);
    if rows.is_empty() {
        return;
    }
    batch.add(|parameters| format!("DELETE FROM {table} WHERE id IN (SELECT d.id FROM {})", parameters.add_rows(rows)));
}

fn id_rows(ids: impl Iterator<Item = Uuid>) -> RowSet {
    RowSet::of_ids("id", ids)
}

/// A row whose version has come past a multiple of [`SNAPSHOT_EVERY`].
fn is_snapshot_due<A: Aggregate>(record: &Record<A>) -> bool {
    let version = |row: &Option<A::Model>| row.as_ref().map_or(0, |row| A::stamp(row).version);
    version(&record.now) / SNAPSHOT_EVERY > version(&record.before) / SNAPSHOT_EVERY
}

fn write_snapshots<A: Aggregate>(batch: &mut Batch, rows: &[&A::Model]) {
    let columns = [
        ("aggregate_id", CellType::Id),
        ("version", CellType::Integer),
        ("state", CellType::Text),
        ("created_at", CellType::Time),
    ];
    let mut snapshots = RowSet::new(columns.to_vec());
    for row in rows {
        let stamp = A::stamp(row);
        let state = events::Snapshot::of::<A>(row).to_text();
        snapshots.push([stamp.id.into(), stamp.version.into(), state.into(), stamp.updated_at.into()]);
    }
    insert(batch, "event_snapshots", snapshots);
}

/// Keeps `features_view`, and gives the features whose children must be counted anew.
fn write_read_model(batch: &mut Batch, tables: &Tables) -> Vec<Uuid> {
    let mut recounted = BTreeSet::new();
    let (mut new, mut changed, mut hidden) = (Vec::new(), Vec::new(), Vec::new());
    for record in tables.features.touched() {
        let shown = |row: &Option<feature::Model>| row.as_ref().is_some_and(|row| row.deleted_at.is_none());
        match (&record.before, &record.now) {
            (None, Some(row)) if row.deleted_at.is_none() => new.push(row),
            (Some(before), Some(row)) if shown(&record.before) && shown(&record.now) => {
                let seen = |row: &feature::Model| (row.name.clone(), row.priority, row.project_id);
                if seen(before) != seen(row) {
                    changed.push(row);
                }
            }
            (Some(before), Some(_)) if shown(&record.before) => hidden.push(before.id),
            (Some(_), Some(row)) if shown(&record.now) => {
                recounted.insert(row.id);
            }
            // What is purged takes its row of the read model along.
            _ => {}
        }
    }
    read_model::insert_rows(batch, &new);
    read_model::update_rows(batch, &changed);
    delete(batch, "features_view", hidden.into_iter());
    let parents = parents_touched(tables);
    lock_parents(batch, tables, &parents);
    recounted.extend(parents);
    // A feature that goes, or is hidden, is counted by nobody.
    recounted.retain(|id| tables.features.record(*id).is_none_or(|record| record.now.is_some()));
    recounted.into_iter().collect()
}

/// The features whose tests or deployments have changed.
fn parents_touched(tables: &Tables) -> BTreeSet<Uuid> {
    let tests = tables.tests.touched().flat_map(|record: &Record<test_case::Entity>| [&record.before, &record.now]);
    let deployments =
        tables.deployments.touched().flat_map(|record: &Record<deployment::Entity>| [&record.before, &record.now]);
    let tests = tests.flatten().map(|row| row.feature_id);
    tests.chain(deployments.flatten().map(|row| row.feature_id)).collect()
}

/// Lets no two transactions count a feature's children at once, and makes sure that the feature is as it was read: what is new
/// here is locked already.
fn lock_parents(batch: &mut Batch, tables: &Tables, parents: &BTreeSet<Uuid>) {
    if batch.backend() != DbBackend::Postgres {
        return;
    }
    let existing = |id: &&Uuid| {
        let record = tables.features.record(**id);
        record.is_none_or(|record| record.before.is_some() && record.now.is_some() && record.action.is_none())
    };
    let is_hidden =
        |id: &Uuid| tables.features.get(*id).is_some_and(|feature: &feature::Model| feature.deleted_at.is_some());
    let (hidden, shown): (Vec<Uuid>, Vec<Uuid>) = parents.iter().filter(existing).partition(|id| is_hidden(id));
    for (ids, condition) in [(shown, "IS NULL"), (hidden, "IS NOT NULL")] {
        let rows = id_rows(ids.into_iter());
        if rows.is_empty() {
            continue;
        }
        batch.add_expecting(rows.len(), |parameters| {
            let source = parameters.add_rows(rows);
            format!(
                "SELECT f.id FROM features f JOIN {source} ON d.id = f.id WHERE f.deleted_at {condition} \
                 ORDER BY f.id FOR NO KEY UPDATE OF f"
            )
        });
    }
}

/// An audit row for each aggregate that has changed. Gives the ids of the first and the last.
fn write_audit(batch: &mut Batch, session: &Session<'_>) -> Option<(Uuid, Uuid)> {
    let mut rows = Vec::new();
    let tables = &session.tables;
    audit_records::<user::Entity>(session, &tables.users, &mut rows);
    audit_records::<project::Entity>(session, &tables.projects, &mut rows);
    audit_records::<project_member::Entity>(session, &tables.project_members, &mut rows);
    audit_records::<webhook::Entity>(session, &tables.webhooks, &mut rows);
    audit_records::<feature::Entity>(session, &tables.features, &mut rows);
    audit_records::<test_case::Entity>(session, &tables.tests, &mut rows);
    audit_records::<deployment::Entity>(session, &tables.deployments, &mut rows);
    let ends = Some((rows.first()?.id, rows.last()?.id));
    insert(batch, audit_log::Entity.table_name(), RowSet::of_models(&rows, |_| true));
    ends
}

fn audit_records<A: Written>(session: &Session<'_>, records: &Records<A>, rows: &mut Vec<audit_log::Model>) {
    for id in &records.touched {
        let Some(record) = records.record(*id) else { continue };
        let Some(action) = &record.action else { continue };
        let changes = events::changes::<A>(record.before.as_ref(), record.now.as_ref());
        let changes: Json = changes.into_iter().map(FieldChange::shown).collect();
        rows.push(audit::row(session.caller, session.request_id, action, (A::KIND, *id), changes, session.now));
    }
}
