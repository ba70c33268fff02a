//! Test cases and deployments, as plain objects over their rows.

use std::sync::Arc;

use async_graphql::{ID, Object, Scalar, ScalarType, Value};
use chrono::{DateTime, SecondsFormat, Utc};
use entity::{deployment, test_case};
use sea_orm::ActiveEnum as _;
use uuid::Uuid;

use super::filter::{Row, fits};
use super::id;
use super::inputs::{DeploymentStatus, TestStatus};
use super::objects::Feature;
use super::page::{Cell, Kind, Listed};
use super::spec::Spec;
use crate::differential::world::World;

/// A point in time, as RFC 3339 has it.
pub(super) struct Time(pub(super) DateTime<Utc>);

#[Scalar(name = "DateTime")]
impl ScalarType for Time {
    fn parse(value: Value) -> async_graphql::InputValueResult<Self> {
        match &value {
            Value::String(text) => Ok(Self(text.parse()?)),
            _ => Err(async_graphql::InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

#[derive(Clone)]
pub(super) struct TestCase {
    pub(super) world: Arc<World>,
    pub(super) row: test_case::Model,
}

#[Object]
impl TestCase {
    pub(super) async fn id(&self) -> ID {
        id::write("test_case", self.row.id).into()
    }

    async fn name(&self) -> &str {
        &self.row.name
    }

    async fn status(&self) -> TestStatus {
        self.row.status.into()
    }

    async fn duration_ms(&self) -> Option<i32> {
        self.row.duration_ms
    }

    async fn message(&self) -> Option<&str> {
        self.row.message.as_deref()
    }

    async fn feature(&self) -> Spec<Feature> {
        Spec(Feature::find(&self.world, self.row.feature_id).expect("a test is reached through its feature"))
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

impl Listed for TestCase {
    const TYPE: &'static str = "TestCase";

    fn fits(&self, filter: &Value) -> bool {
        fits(&self.world, Row::TestCase(&self.row), filter)
    }

    fn key(&self) -> Uuid {
        self.row.id
    }

    fn cell(&self, term: &str) -> Cell {
        match term {
            "NAME" => Cell::Text(self.row.name.clone()),
            "STATUS" => Cell::Text(self.row.status.to_value()),
            "DURATION_MS" => self.row.duration_ms.map_or(Cell::Nothing, Cell::Int),
            "CREATED_AT" => Cell::Time(self.row.created_at),
            "UPDATED_AT" => Cell::Time(self.row.updated_at),
            _ => panic!("tests are not ordered by {term}"),
        }
    }

    fn kind(term: &str) -> (Kind, bool) {
        match term {
            "DURATION_MS" => (Kind::Int, true),
            "CREATED_AT" | "UPDATED_AT" => (Kind::Time, false),
            _ => (Kind::Text, false),
        }
    }
}

#[derive(Clone)]
pub(super) struct Deployment {
    pub(super) world: Arc<World>,
    pub(super) row: deployment::Model,
}

#[Object]
impl Deployment {
    pub(super) async fn id(&self) -> ID {
        id::write("deployment", self.row.id).into()
    }

    async fn environment(&self) -> &str {
        &self.row.environment
    }

    async fn version(&self) -> &str {
        &self.row.version
    }

    async fn status(&self) -> DeploymentStatus {
        self.row.status.into()
    }

    async fn deployed_at(&self) -> Option<Time> {
        self.row.deployed_at.map(Time)
    }

    async fn feature(&self) -> Spec<Feature> {
        Spec(Feature::find(&self.world, self.row.feature_id).expect("a deployment is reached through its feature"))
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

impl Listed for Deployment {
    const TYPE: &'static str = "Deployment";

    fn fits(&self, filter: &Value) -> bool {
        fits(&self.world, Row::Deployment(&self.row), filter)
    }

    fn key(&self) -> Uuid {
        self.row.id
    }

    fn cell(&self, term: &str) -> Cell {
        match term {
            "ENVIRONMENT" => Cell::Text(self.row.environment.clone()),
            "VERSION" => Cell::Text(self.row.version.clone()),
            "STATUS" => Cell::Text(self.row.status.to_value()),
            "DEPLOYED_AT" => self.row.deployed_at.map_or(Cell::Nothing, Cell::Time),
            "CREATED_AT" => Cell::Time(self.row.created_at),
            "UPDATED_AT" => Cell::Time(self.row.updated_at),
            _ => panic!("deployments are not ordered by {term}"),
        }
    }

    fn kind(term: &str) -> (Kind, bool) {
        match term {
            "DEPLOYED_AT" => (Kind::Time, true),
            "CREATED_AT" | "UPDATED_AT" => (Kind::Time, false),
            _ => (Kind::Text, false),
        }
    }
}
