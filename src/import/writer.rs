//! Writes batches, in one transaction, through the slices' own writes.

use std::collections::{BTreeSet, HashMap, HashSet};

use entity::feature;
use uuid::Uuid;

use super::batch::{Batch, FeatureRecord};
use super::report::Report;
use super::source::Format;
use crate::access::Caller;
use crate::database::{Database, DatabaseError};
use crate::deployments::drafts::DeploymentDraft;
use crate::features::drafts::FeatureDraft;
use crate::features::rules::FeatureName;
use crate::projects::rules::ProjectName;
use crate::test_cases::drafts::TestDraft;
use crate::write_transaction::upsert::Owner;
use crate::write_transaction::{Session, WriteStream};
use crate::{deployments, features, projects, test_cases};

/// The writing side of one import.
pub(super) struct Writer {
    stream: WriteStream,
    known: Known,
    /// Features whose row of the read model is out of date.
    recounted: BTreeSet<Uuid>,
}

/// What earlier batches tell later ones.
struct Known {
    format: Format,
    projects: HashMap<ProjectName, Owner>,
    /// The features of a JUnit report, whose tests may stand anywhere in it. A feature of NDJSON comes once.
    features: HashMap<FeatureName, Owner>,
    report: Report,
}

/// The lock of imports. The number is arbitrary and ours.
const LOCK: i64 = 0x7468_726f_7567_696d;

impl Writer {
    pub(super) async fn begin(database: &Database, caller: &Caller, format: Format) -> Result<Self, DatabaseError> {
        let label = match format {
            Format::Ndjson => "import.ndjson",
            Format::JUnit => "import.junit",
        };
        // No request brought it; its rows in the audit are known by this.
        let request_id = format!("{label}.{}", Uuid::now_v7());
        let stream = WriteStream::begin(database, caller, request_id, label).await?;
        stream.exclude_others(LOCK).await?;
        let known = Known { format, projects: HashMap::new(), features: HashMap::new(), report: Report::default() };
        Ok(Self { stream, known, recounted: BTreeSet::new() })
    }

    /// Writes one batch: a select for each table, and what has changed.
    pub(super) async fn write(&mut self, batch: Batch) -> Result<(), DatabaseError> {
        let mut session = self.stream.session();
        self.known.upsert(&mut session, batch).await?;
        self.recounted.extend(self.stream.write(session).await?);
        match self.known.format {
            Format::Ndjson => self.recount().await,
            // A feature's tests may go on in the next batch: its row is counted once, at the end.
            Format::JUnit => Ok(()),
        }
    }

    async fn recount(&mut self) -> Result<(), DatabaseError> {
        let features: Vec<Uuid> = std::mem::take(&mut self.recounted).into_iter().collect();
        self.stream.recount(&features).await
    }

    /// Makes it last, or forgets it where it is a dry run.
    pub(super) async fn finish(mut self, dry_run: bool) -> Result<Report, DatabaseError> {
        self.recount().await?;
        if dry_run {
            self.stream.roll_back().await?;
        } else {
            self.stream.commit().await?;
        }
        Ok(Report { dry_run, ..self.known.report })
    }

    /// Forgets it, since something else has failed: what the rollback says is of no more interest.
    pub(super) async fn abandon(self) {
        if let Err(error) = self.stream.roll_back().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "an import that failed could not be rolled back");
        }
    }
}

impl Known {
    async fn upsert(&mut self, session: &mut Session<'_>, batch: Batch) -> Result<(), DatabaseError> {
        self.upsert_projects(session, &batch.features).await?;
        let owners = self.upsert_features(session, &batch.features).await?;
        let mut tests = Vec::with_capacity(batch.tests);
        let mut deployments = Vec::with_capacity(batch.deployments);
        for (record, feature) in batch.features.into_iter().zip(owners) {
            tests.extend(record.tests.into_iter().map(|values| TestDraft { feature, values }));
            deployments.extend(record.deployments.into_iter().map(|values| DeploymentDraft { feature, values }));
        }
        self.report.tests.count(&test_cases::drafts::upsert(session, &tests).await?);
        self.report.deployments.count(&deployments::drafts::upsert(session, &deployments).await?);
        Ok(())
    }

    async fn upsert_projects(
        &mut self,
        session: &mut Session<'_>,
        records: &[FeatureRecord],
    ) -> Result<(), DatabaseError> {
        let mut unknown = HashSet::new();
        let names: Vec<ProjectName> = records
            .iter()
            .map(|record| &record.project)
            .filter(|name| !self.projects.contains_key(*name) && unknown.insert(*name))
            .cloned()
            .collect();
        let upserted = projects::drafts::upsert(session, names.clone()).await?;
        self.report.projects.count(&upserted);
        self.projects.extend(names.into_iter().zip(upserted.into_iter().map(Owner::from)));
        Ok(())
    }

    /// The features' rows, in the records' order.
    async fn upsert_features(
        &mut self,
        session: &mut Session<'_>,
        records: &[FeatureRecord],
    ) -> Result<Vec<Owner>, DatabaseError> {
        let drafts: Vec<FeatureDraft> = records
            .iter()
            .filter(|record| !self.features.contains_key(&record.values.name))
            .map(|record| FeatureDraft {
                project: self.projects[&record.project],
                values: record.values.clone(),
                existing: record.existing,
            })
            .collect();
        let upserted = features::drafts::upsert(session, &drafts).await?;
        self.report.features.count(&upserted);
        let fresh = upserted.into_iter().map(Owner::from);
        match self.format {
            Format::Ndjson => Ok(fresh.collect()),
            Format::JUnit => {
                self.features.extend(drafts.into_iter().map(|draft| draft.values.name).zip(fresh));
                let owners: Vec<Owner> = records.iter().map(|record| self.features[&record.values.name]).collect();
                // Those of earlier batches: whether one is deleted decides how it is locked.
                session.load::<feature::Entity>(owners.iter().map(|owner| owner.id).collect()).await?;
                Ok(owners)
            }
        }
    }
}
