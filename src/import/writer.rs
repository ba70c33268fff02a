//! Writes batches, in one transaction, through the slices' own statements.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::batch::{Batch, FeatureRecord};
use super::report::Report;
use super::source::Format;
use crate::access::Caller;
use crate::clock;
use crate::database::bulk::{self, Outcome, Owner, Upserted};
use crate::database::{Database, DatabaseError};
use crate::deployments::writes::DeploymentDraft;
use crate::features::rules::FeatureName;
use crate::features::writes::FeatureDraft;
use crate::projects::rules::ProjectName;
use crate::test_cases::writes::TestDraft;
use crate::write_transaction::WriteTransaction;
use crate::{deployments, features, projects, read_model, test_cases};

/// The writing side of one import.
pub(super) struct Writer {
    transaction: WriteTransaction,
    format: Format,
    now: DateTime<Utc>,
    projects: HashMap<ProjectName, Owner>,
    /// The features of a JUnit report, whose tests may stand anywhere in it. A feature of NDJSON comes once.
    features: HashMap<FeatureName, Owner>,
    /// Features whose row of the read model is out of date.
    touched: BTreeSet<Uuid>,
    report: Report,
}

impl Writer {
    pub(super) async fn begin(database: &Database, caller: &Caller, format: Format) -> Result<Self, DatabaseError> {
        let label = match format {
            Format::Ndjson => "import.ndjson",
            Format::JUnit => "import.junit",
        };
        let transaction = WriteTransaction::begin(database, caller, label).await?;
        bulk::exclude_other_imports(transaction.connection()).await?;
        Ok(Self {
            transaction,
            format,
            now: clock::now(),
            projects: HashMap::new(),
            features: HashMap::new(),
            touched: BTreeSet::new(),
            report: Report::default(),
        })
    }

    /// Writes one batch: at most a select and a few upserts for each table.
    pub(super) async fn write(&mut self, batch: Batch) -> Result<(), DatabaseError> {
        self.write_projects(&batch.features).await?;
        let owners = self.write_features(&batch.features).await?;
        let mut tests = Vec::with_capacity(batch.tests);
        let mut deployments = Vec::with_capacity(batch.deployments);
        for (record, feature) in batch.features.into_iter().zip(owners) {
            tests.extend(record.tests.into_iter().map(|values| TestDraft { feature, values }));
            deployments.extend(record.deployments.into_iter().map(|values| DeploymentDraft { feature, values }));
        }
        let connection = self.transaction.connection();
        let upserted = test_cases::writes::upsert(connection, &tests, self.now).await?;
        self.report.tests.count(&upserted);
        self.touched.extend(changed(tests.iter().map(|draft| draft.feature.id), &upserted));
        let upserted = deployments::writes::upsert(connection, &deployments, self.now).await?;
        self.report.deployments.count(&upserted);
        self.touched.extend(changed(deployments.iter().map(|draft| draft.feature.id), &upserted));
        match self.format {
            Format::Ndjson => self.refresh_read_model().await,
            // A feature's tests may go on in the next batch: its row is counted once, at the end.
            Format::JUnit => Ok(()),
        }
    }

    async fn write_projects(&mut self, records: &[FeatureRecord]) -> Result<(), DatabaseError> {
        let mut unknown = HashSet::new();
        let names: Vec<ProjectName> = records
            .iter()
            .map(|record| &record.project)
            .filter(|name| !self.projects.contains_key(*name) && unknown.insert(*name))
            .cloned()
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let upserted = projects::writes::upsert(self.transaction.connection(), names.clone(), self.now).await?;
        self.report.projects.count(&upserted);
        self.projects.extend(names.into_iter().zip(upserted.into_iter().map(Owner::from)));
        Ok(())
    }

    /// The features' rows, in the records' order.
    async fn write_features(&mut self, records: &[FeatureRecord]) -> Result<Vec<Owner>, DatabaseError> {
        let drafts: Vec<FeatureDraft> = records
            .iter()
            .filter(|record| !self.features.contains_key(&record.values.name))
            .map(|record| FeatureDraft {
                project: self.projects[&record.project],
                values: record.values.clone(),
                existing: record.existing,
            })
            .collect();
        let upserted = features::writes::upsert(self.transaction.connection(), &drafts, self.now).await?;
        self.report.features.count(&upserted);
        self.touched.extend(changed(upserted.iter().map(|row| row.id), &upserted));
        let fresh = upserted.into_iter().map(Owner::from);
        match self.format {
            Format::Ndjson => Ok(fresh.collect()),
            Format::JUnit => {
                self.features.extend(drafts.into_iter().map(|draft| draft.values.name).zip(fresh));
                Ok(records.iter().map(|record| self.features[&record.values.name]).collect())
            }
        }
    }

    async fn refresh_read_model(&mut self) -> Result<(), DatabaseError> {
        let ids: Vec<Uuid> = std::mem::take(&mut self.touched).into_iter().collect();
        read_model::refresh_features(self.transaction.connection(), &ids).await
    }

    /// Makes it last, or forgets it where it is a dry run.
    pub(super) async fn finish(mut self, dry_run: bool) -> Result<Report, DatabaseError> {
        self.refresh_read_model().await?;
        if dry_run {
            self.transaction.rollback().await?;
        } else {
            self.transaction.commit().await?;
        }
        Ok(Report { dry_run, ..self.report })
    }

    /// Forgets it, since something else has failed: what the rollback says is of no more interest.
    pub(super) async fn abandon(self) {
        if let Err(error) = self.transaction.rollback().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "an import that failed could not be rolled back");
        }
    }
}

/// The owners of the rows that were written.
fn changed(owners: impl Iterator<Item = Uuid>, rows: &[Upserted]) -> impl Iterator<Item = Uuid> {
    owners.zip(rows).filter(|(_, row)| row.outcome != Outcome::Left).map(|(owner, _)| owner)
}
