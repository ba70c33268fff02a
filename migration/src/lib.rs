//! The tables of both databases, as reversible steps: one frozen file per change.
//!
//! **Invariants:** a file that has shipped is never edited; `down` undoes `up`; no file imports `entity`, so that an old
//! step keeps its meaning when an entity moves on; a closed set, a range, a length or a uniqueness that the product
//! promises is a constraint of the database. The steps are written as SQL, since what matters in them (partial,
//! expression and full-text indexes, collations, checks) is what schema builders leave out; the few words that differ
//! between the two databases stand in `sql`.
//!
//! A change that servers of the version before could not stand is made in two: what they go on through runs when a newer
//! server starts; the rest, a *contraction*, when none of them runs any more (docs/decisions/0021).

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait as _};
use sea_orm_migration::seaql_migrations;

pub use progress::{Progress, with_progress};
pub use sea_orm_migration::MigratorTrait;

mod m20261123_000001_create_projects;
mod m20261123_000002_create_features;
mod m20261123_000003_create_tests;
mod m20261123_000004_create_deployments;
mod m20261123_000005_create_events;
mod m20261123_000006_create_audit_logs;
mod m20261123_000007_create_features_view;
mod m20261123_000008_index_features_text;
mod m20261124_000009_index_orders;
mod m20261124_000010_index_projects_text;
mod m20261124_000011_write_events;
mod m20261124_000012_index_actors;
mod m20261128_000013_follow_events;
mod m20261129_000014_create_identities;
mod m20261129_000015_encryption;
mod m20261129_000016_create_webhooks;
mod m20261129_000017_event_epoch;
mod m20261129_000018_add_feature_status_position;
mod m20261129_000019_fill_feature_status_position;
mod m20261129_000020_drop_features_by_status;
mod m20261129_000021_order_events;
mod m20261129_000022_cut_words_in_sets;
mod online;
mod progress;
mod sql;

/// The steps that servers of the version before could not stand, or would be slow after.
pub const CONTRACTIONS: &[&str] = &[m20261129_000020_drop_features_by_status::MIGRATION.name];

/// Runs the steps, in this order: each in a transaction with the record that it has run, but for those that servers go on
/// through (`online`), which go on where they were broken off.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_create_projects::MIGRATION),
            Box::new(m20261123_000002_create_features::MIGRATION),
            Box::new(m20261123_000003_create_tests::MIGRATION),
            Box::new(m20261123_000004_create_deployments::MIGRATION),
            Box::new(m20261123_000005_create_events::MIGRATION),
            Box::new(m20261123_000006_create_audit_logs::MIGRATION),
            Box::new(m20261123_000007_create_features_view::MIGRATION),
            Box::new(m20261123_000008_index_features_text::MIGRATION),
            Box::new(m20261124_000009_index_orders::MIGRATION),
            Box::new(m20261124_000010_index_projects_text::MIGRATION),
            Box::new(m20261124_000011_write_events::MIGRATION),
            Box::new(m20261124_000012_index_actors::MIGRATION),
            Box::new(m20261128_000013_follow_events::MIGRATION),
            Box::new(m20261129_000014_create_identities::MIGRATION),
            Box::new(m20261129_000015_encryption::MIGRATION),
            Box::new(m20261129_000016_create_webhooks::MIGRATION),
            Box::new(m20261129_000017_event_epoch::MIGRATION),
            Box::new(m20261129_000018_add_feature_status_position::MIGRATION),
            Box::new(m20261129_000019_fill_feature_status_position::MIGRATION),
            // Before the step that waits until somebody says that it may run.
            Box::new(m20261129_000021_order_events::MIGRATION),
            Box::new(m20261129_000022_cut_words_in_sets::MIGRATION),
            Box::new(m20261129_000020_drop_features_by_status::MIGRATION),
        ]
    }

    /// Those that have run, of the steps that this program knows: a newer one may have run more, and this one still starts
    /// beside it.
    async fn get_migration_models<C: ConnectionTrait>(connection: &C) -> Result<Vec<seaql_migrations::Model>, DbErr> {
        let known = Self::migrations();
        let mut applied = seaql_migrations::Entity::find().all(connection).await?;
        applied.retain(|model| known.iter().any(|migration| migration.name() == model.version));
        Ok(applied)
    }
}

impl Migrator {
    /// The names of the steps that have run, those of a newer program, too. Changes nothing, and makes no table.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn applied(connection: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
        let table = Self::migration_table_name().to_string();
        if !SchemaManager::new(connection).has_table(table).await? {
            return Ok(Vec::new());
        }
        let applied = seaql_migrations::Entity::find().all(connection).await?;
        Ok(applied.into_iter().map(|model| model.version).collect())
    }
}
