//! Projects and features, as plain objects over their rows.

#![expect(clippy::unused_async, reason = "the macro wants resolvers to be async")]

use std::sync::Arc;

use async_graphql::{Error, ID, Object, Value};
use entity::{feature, project, test_case};
use sea_orm::ActiveEnum as _;
use uuid::Uuid;

use super::children::{Deployment, TestCase, Time};
use super::connection::Connection;
use super::counts::{EnvironmentDeployments, FeatureCounts, FeatureSummary, TestSummary, counts, environments};
use super::filter::{Row, fits};
use super::filter_types::{DeploymentFilter, FeatureFilter, TestCaseFilter};
use super::id;
use super::inputs::{
    DeploymentOrderField, DeploymentStatus, FeatureGroup, FeatureOrderField, FeatureStatus, Order, TestCaseOrderField,
    order_of,
};
use super::page::{Cell, Kind, Listed, PageArguments, page, refuse};
use super::spec::{Spec, SpecList};
use super::summaries::progress;
use crate::differential::world::World;

/// What may be null, and is where it has an error.
pub(super) type Maybe<T> = Option<Result<T, Error>>;

#[derive(Clone)]
pub(super) struct Project {
    pub(super) world: Arc<World>,
    pub(super) row: project::Model,
}

impl Project {
    pub(super) fn find(world: &Arc<World>, id: Uuid) -> Option<Self> {
        world.project(id).map(|row| Self { world: Arc::clone(world), row: row.clone() })
    }
}

#[Object]
impl Project {
    pub(super) async fn id(&self) -> ID {
        id::write("project", self.row.id).into()
    }

    async fn name(&self) -> &str {
        &self.row.name
    }

    async fn description(&self) -> Option<&str> {
        self.row.description.as_deref()
    }

    async fn feature_count(&self) -> usize {
        self.world.features_of(self.row.id).count()
    }

    async fn progress(&self) -> f64 {
        progress(&self.world, self.row.id)
    }

    async fn feature_summary(&self) -> Spec<FeatureSummary> {
        Spec(FeatureSummary::of_project(&self.world, self.row.id))
    }

    async fn test_summary(&self) -> Spec<TestSummary> {
        Spec(TestSummary::of_project(&self.world, self.row.id))
    }

    async fn feature_counts(&self, group_by: Vec<FeatureGroup>, filter: Option<FeatureFilter>) -> FeatureCounts {
        counts(&self.world, self.world.features_of(self.row.id), group_by, filter.as_ref())
    }

    async fn features(
        &self,
        first: Option<i64>,
        after: Option<String>,
        last: Option<i64>,
        before: Option<String>,
        order_by: Option<Vec<Order<FeatureOrderField>>>,
        filter: Option<FeatureFilter>,
    ) -> Result<Spec<Connection<Feature>>, Error> {
        let rows = self.world.features_of(self.row.id);
        let rows = rows.map(|row| Feature { world: Arc::clone(&self.world), row: row.clone() }).collect();
        let filter = filter.map(|filter| filter.0);
        page(rows, &order_of(order_by), &PageArguments { first, after, last, before, filter }).map(Connection).map(Spec)
    }

    async fn row_version(&self) -> i32 {
        self.row.row_version
    }

    async fn created_at(&self) -> Time {
        Time(self.row.created_at)
    }

    async fn updated_at(&self) -> Time {
        Time(self.row.updated_at)
    }
}

impl Listed for Project {
    const TYPE: &'static str = "Project";

    fn fits(&self, filter: &Value) -> bool {
        fits(&self.world, Row::Project(&self.row), filter)
    }

    fn key(&self) -> Uuid {
        self.row.id
    }

    fn cell(&self, term: &str) -> Cell {
        match term {
            "NAME" => Cell::Text(self.row.name.clone()),
            "CREATED_AT" => Cell::Time(self.row.created_at),
            "UPDATED_AT" => Cell::Time(self.row.updated_at),
            _ => panic!("projects are not ordered by {term}"),
        }
    }

    fn kind(term: &str) -> (Kind, bool) {
        (if term == "NAME" { Kind::Text } else { Kind::Time }, false)
    }
}

#[derive(Clone)]
pub(super) struct Feature {
    pub(super) world: Arc<World>,
    pub(super) row: feature::Model,
}

impl Feature {
    pub(super) fn find(world: &Arc<World>, id: Uuid) -> Option<Self> {
        world.feature(id).map(|row| Self { world: Arc::clone(world), row: row.clone() })
    }
}

#[Object]
impl Feature {
    pub(super) async fn id(&self) -> ID {
        id::write("feature", self.row.id).into()
    }

    async fn name(&self) -> &str {
        &self.row.name
    }

    async fn description(&self) -> Option<&str> {
        self.row.description.as_deref()
    }

    /// The tables are made without keys.
    async fn confidential_notes(&self) -> Option<&str> {
        self.row.confidential_notes.as_deref()
    }

    async fn priority(&self) -> i32 {
        self.row.priority
    }

    async fn status(&self) -> FeatureStatus {
        self.row.status.into()
    }

    async fn project(&self) -> Spec<Project> {
        Spec(Project::find(&self.world, self.row.project_id).expect("a feature has a project"))
    }

    async fn tests(
        &self,
        first: Option<i64>,
        after: Option<String>,
        last: Option<i64>,
        before: Option<String>,
        order_by: Option<Vec<Order<TestCaseOrderField>>>,
        filter: Option<TestCaseFilter>,
    ) -> Result<Spec<Connection<TestCase>>, Error> {
        let rows = self.world.tests_of(self.row.id);
        let rows = rows.map(|row| TestCase { world: Arc::clone(&self.world), row: row.clone() }).collect();
        let filter = filter.map(|filter| filter.0);
        page(rows, &order_of(order_by), &PageArguments { first, after, last, before, filter }).map(Connection).map(Spec)
    }

    async fn test_summary(&self) -> Spec<TestSummary> {
        Spec(TestSummary::of_feature(&self.world, self.row.id))
    }

    async fn deployments_by_environment(&self) -> SpecList<Spec<EnvironmentDeployments>> {
        environments(&self.world, self.row.id)
    }

    async fn deployments(
        &self,
        first: Option<i64>,
        after: Option<String>,
        last: Option<i64>,
        before: Option<String>,
        order_by: Option<Vec<Order<DeploymentOrderField>>>,
        filter: Option<DeploymentFilter>,
    ) -> Result<Spec<Connection<Deployment>>, Error> {
        let rows = self.world.deployments_of(self.row.id);
        let rows = rows.map(|row| Deployment { world: Arc::clone(&self.world), row: row.clone() }).collect();
        let filter = filter.map(|filter| filter.0);
        page(rows, &order_of(order_by), &PageArguments { first, after, last, before, filter }).map(Connection).map(Spec)
    }

    async fn latest_deployment(&self, environment: Option<String>) -> Maybe<Spec<Deployment>> {
        if environment.as_ref().is_some_and(|name| name.contains('\0')) {
            return Some(Err(refuse("INVALID_ARGUMENT", "environment must not hold the character U+0000")));
        }
        let latest = self.world.latest_deployment(self.row.id, environment.as_deref());
        latest.map(|row| Ok(Spec(Deployment { world: Arc::clone(&self.world), row: row.clone() })))
    }

    async fn deployment_status(&self) -> Option<DeploymentStatus> {
        self.world.latest_deployment(self.row.id, None).map(|deployment| deployment.status.into())
    }

    async fn row_version(&self) -> i32 {
        self.row.row_version
    }

    async fn created_at(&self) -> Time {
        Time(self.row.created_at)
    }

    async fn updated_at(&self) -> Time {
        Time(self.row.updated_at)
    }
}

impl Listed for Feature {
    const TYPE: &'static str = "Feature";

    fn fits(&self, filter: &Value) -> bool {
        fits(&self.world, Row::Feature(&self.row), filter)
    }

    fn key(&self) -> Uuid {
        self.row.id
    }

    fn cell(&self, term: &str) -> Cell {
        let latest = || self.world.latest_deployment(self.row.id, None);
        let failed = self.world.tests_of(self.row.id).filter(|test| test.status == test_case::TestStatus::Failed);
        match term {
            "NAME" => Cell::Text(self.row.name.clone()),
            "PRIORITY" => Cell::Int(self.row.priority),
            "STATUS" => Cell::status(&self.row.status.to_value()).unwrap(),
            "CREATED_AT" => Cell::Time(self.row.created_at),
            "UPDATED_AT" => Cell::Time(self.row.updated_at),
            "DEPLOYMENT_STATUS" => latest().map_or(Cell::Nothing, |latest| Cell::Text(latest.status.to_value())),
            "LATEST_DEPLOYED_AT" => latest().and_then(|latest| latest.deployed_at).map_or(Cell::Nothing, Cell::Time),
            "TEST_COUNT" => Cell::count(self.world.tests_of(self.row.id).count()),
            "FAILED_COUNT" => Cell::count(failed.count()),
            _ => panic!("features are not ordered by {term}"),
        }
    }

    fn kind(term: &str) -> (Kind, bool) {
        match term {
            "PRIORITY" | "TEST_COUNT" | "FAILED_COUNT" => (Kind::Int, false),
            "CREATED_AT" | "UPDATED_AT" => (Kind::Time, false),
            "LATEST_DEPLOYED_AT" => (Kind::Time, true),
            "DEPLOYMENT_STATUS" => (Kind::Text, true),
            "STATUS" => (Kind::Status, false),
            _ => (Kind::Text, false),
        }
    }
}
