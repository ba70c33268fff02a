//! All rows of a database in memory, by one plain `SELECT` of each table: what the oracle answers from.
//!
//! **Invariant:** nothing but the hits of a search is filtered, joined or sorted by the database. Counts are counted from the rows, not taken from
//! the read model.

use entity::{deployment, feature, project, test_case};
use sea_orm::EntityTrait;
use throughline::database::Database;
use uuid::Uuid;

/// The tables' rows, in no order.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) projects: Vec<project::Model>,
    pub(crate) features: Vec<feature::Model>,
    pub(crate) tests: Vec<test_case::Model>,
    pub(crate) deployments: Vec<deployment::Model>,
    /// Where they were read: a search asks it for its hits.
    pub(crate) database: Option<Database>,
}

impl World {
    /// Reads the tables.
    pub(crate) async fn load(database: &Database) -> Self {
        let connection = database.reader();
        Self {
            projects: project::Entity::find().all(connection).await.unwrap(),
            features: feature::Entity::find().all(connection).await.unwrap(),
            tests: test_case::Entity::find().all(connection).await.unwrap(),
            deployments: deployment::Entity::find().all(connection).await.unwrap(),
            database: Some(database.clone()),
        }
    }

    /// The same without one of its tests: what an answer must not be like.
    pub(crate) fn without_a_test(mut self) -> Self {
        let place = self.tests.iter().position(|test| self.feature(test.feature_id).is_some());
        self.tests.remove(place.expect("some feature has a test"));
        self
    }

    /// The rows of some of the projects alone.
    pub(crate) fn of_projects(mut self, is_seen: impl Fn(Uuid) -> bool) -> Self {
        self.projects.retain(|project| is_seen(project.id));
        self.features.retain(|feature| is_seen(feature.project_id));
        let seen: std::collections::HashSet<_> = self.features.iter().map(|feature| feature.id).collect();
        self.tests.retain(|test| seen.contains(&test.feature_id));
        self.deployments.retain(|deployment| seen.contains(&deployment.feature_id));
        self
    }

    /// The features that are not deleted. (The field has the others as well.)
    pub(crate) fn features(&self) -> impl Iterator<Item = &feature::Model> {
        self.features.iter().filter(|feature| feature.deleted_at.is_none())
    }

    /// The deleted features, for whoever asks for what is not to be had.
    pub(crate) fn deleted_features(&self) -> impl Iterator<Item = &feature::Model> {
        self.features.iter().filter(|feature| feature.deleted_at.is_some())
    }

    pub(crate) fn project(&self, id: Uuid) -> Option<&project::Model> {
        self.projects.iter().find(|project| project.id == id)
    }

    pub(crate) fn feature(&self, id: Uuid) -> Option<&feature::Model> {
        self.features().find(|feature| feature.id == id)
    }

    /// A test, if its feature is not deleted.
    pub(crate) fn test(&self, id: Uuid) -> Option<&test_case::Model> {
        self.tests.iter().find(|test| test.id == id).filter(|test| self.feature(test.feature_id).is_some())
    }

    /// A deployment, if its feature is not deleted.
    pub(crate) fn deployment(&self, id: Uuid) -> Option<&deployment::Model> {
        let found = self.deployments.iter().find(|deployment| deployment.id == id);
        found.filter(|deployment| self.feature(deployment.feature_id).is_some())
    }

    pub(crate) fn features_of(&self, project: Uuid) -> impl Iterator<Item = &feature::Model> {
        self.features().filter(move |feature| feature.project_id == project)
    }

    pub(crate) fn tests_of(&self, feature: Uuid) -> impl Iterator<Item = &test_case::Model> {
        self.tests.iter().filter(move |test| test.feature_id == feature)
    }

    pub(crate) fn deployments_of(&self, feature: Uuid) -> impl Iterator<Item = &deployment::Model> {
        self.deployments.iter().filter(move |deployment| deployment.feature_id == feature)
    }

    /// The greatest by the time at which it was in place, no time being the smallest, and then by id.
    pub(crate) fn latest_deployment(&self, feature: Uuid, environment: Option<&str>) -> Option<&deployment::Model> {
        let there = self.deployments_of(feature).filter(|row| environment.is_none_or(|name| row.environment == name));
        there.max_by_key(|row| (row.deployed_at, row.id))
    }

    /// The ids of all tests and deployments, those of deleted features too.
    pub(crate) fn children(&self) -> (impl Iterator<Item = Uuid>, impl Iterator<Item = Uuid>) {
        (self.tests.iter().map(|test| test.id), self.deployments.iter().map(|deployment| deployment.id))
    }
}
