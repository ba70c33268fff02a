//! Files come in as a whole or not at all, as often as one likes.

mod junit;
mod ndjson;
mod refused;
mod streams;

use std::collections::HashMap;
use std::io::Cursor;

use entity::deployment::DeploymentStatus;
use entity::test_case::TestStatus;
use entity::{deployment, feature, feature_view, project, test_case};
use sea_orm::{EntityTrait, QueryOrder};
use throughline::access::Caller;
use throughline::database::Database;
use throughline::import::{ImportError, ImportOptions, NoProgress, Report, Source, Tally, import};

/// Imports `text` as if it were the file `name`.
async fn import_text(
    database: &Database,
    name: &str,
    text: impl Into<Vec<u8>>,
    options: &ImportOptions,
) -> Result<Report, ImportError> {
    let source = Source::new(name, Cursor::new(text.into()));
    import(database, &Caller::local_owner(), source, options, NoProgress).await
}

/// Options for a JUnit report about this project.
fn of_project(name: &str) -> ImportOptions {
    ImportOptions { project: Some(name.parse().unwrap()), ..ImportOptions::default() }
}

fn created(rows: u64) -> Tally {
    Tally { created: rows, ..Tally::default() }
}

fn left(rows: u64) -> Tally {
    Tally { left: rows, ..Tally::default() }
}

/// All that an import can touch, in the order of creation.
#[derive(Debug, PartialEq)]
struct Tables {
    projects: Vec<project::Model>,
    features: Vec<feature::Model>,
    tests: Vec<test_case::Model>,
    deployments: Vec<deployment::Model>,
    view: Vec<feature_view::Model>,
}

impl Tables {
    async fn read(database: &Database) -> Self {
        let reader = database.reader();
        Self {
            projects: project::Entity::find().order_by_asc(project::Column::Id).all(reader).await.unwrap(),
            features: feature::Entity::find().order_by_asc(feature::Column::Id).all(reader).await.unwrap(),
            tests: test_case::Entity::find().order_by_asc(test_case::Column::Id).all(reader).await.unwrap(),
            deployments: deployment::Entity::find().order_by_asc(deployment::Column::Id).all(reader).await.unwrap(),
            view: feature_view::Entity::find().order_by_asc(feature_view::Column::Id).all(reader).await.unwrap(),
        }
    }

    fn counts(&self) -> [usize; 4] {
        [self.projects.len(), self.features.len(), self.tests.len(), self.deployments.len()]
    }

    fn test(&self, name: &str) -> &test_case::Model {
        self.tests.iter().find(|test| test.name == name).unwrap()
    }

    /// What the read model should say, counted here and not by the product's SQL.
    fn expected_view(&self) -> Vec<feature_view::Model> {
        let mut counts: HashMap<_, HashMap<TestStatus, i32>> = HashMap::new();
        for test in &self.tests {
            *counts.entry(test.feature_id).or_default().entry(test.status).or_default() += 1;
        }
        let mut latest: HashMap<_, (_, DeploymentStatus)> = HashMap::new();
        for row in &self.deployments {
            let candidate = ((row.deployed_at, row.id), row.status);
            let best = latest.entry(row.feature_id).or_insert(candidate);
            if candidate.0 > best.0 {
                *best = candidate;
            }
        }
        let row = |feature: &feature::Model| {
            let counts = counts.get(&feature.id).cloned().unwrap_or_default();
            let count = |status| counts.get(&status).copied().unwrap_or_default();
            feature_view::Model {
                id: feature.id,
                name: feature.name.clone(),
                priority: feature.priority,
                project_id: feature.project_id,
                test_count: counts.values().sum(),
                passed_count: count(TestStatus::Passed),
                failed_count: count(TestStatus::Failed),
                pending_count: count(TestStatus::Pending),
                skipped_count: count(TestStatus::Skipped),
                deployment_status: latest.get(&feature.id).map(|(_, status)| *status),
                latest_deployed_at: latest.get(&feature.id).and_then(|((deployed_at, _), _)| *deployed_at),
            }
        };
        self.features.iter().filter(|feature| feature.deleted_at.is_none()).map(row).collect()
    }
}
