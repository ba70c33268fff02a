//! The query root, as plain resolvers.

#![expect(clippy::unused_async, reason = "the macro wants resolvers to be async")]

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{ContextSelectionSet, Error, ID, Interface, Object, OutputType, Positioned, ServerResult, Value};

use super::children::{Deployment, TestCase};
use super::connection::Connection;
use super::counts::{FeatureCounts, counts};
use super::filter_types::{DeploymentFilter, FeatureFilter, ProjectFilter, TestCaseFilter};
use super::id;
use super::inputs::{
    DeploymentOrderField, FeatureGroup, FeatureOrderField, MorePage, Order, ProjectOrderField, TestCaseOrderField,
    order_of,
};
use super::more::{MorePages, more_pages};
use super::objects::{Feature, Maybe, Project};
use super::page::{PageArguments, page};
use super::search::{SearchResult, SearchType, search};
use super::spec::{Spec, SpecList, SpecRoot, execute_selection_set};
use crate::differential::world::World;

/// The root of the oracle's schema, whose one field is the product's root.
pub(super) struct Root(pub(super) Arc<World>);

#[Object]
impl Root {
    /// Null where an error rises out of the whole query.
    async fn oracle(&self) -> Option<SpecRoot<Query>> {
        Some(SpecRoot(Query(Arc::clone(&self.0))))
    }
}

pub(super) struct Query(Arc<World>);

#[derive(Interface)]
#[graphql(name = "Node", field(name = "id", ty = "ID"))]
enum Node {
    Project(Project),
    Feature(Feature),
    TestCase(TestCase),
    Deployment(Deployment),
}

/// An object of any type, whose selection is executed as that type's.
struct AnyNode(Node);

impl OutputType for AnyNode {
    fn type_name() -> Cow<'static, str> {
        Node::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Node::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        match &self.0 {
            Node::Project(object) => execute_selection_set(ctx, object).await,
            Node::Feature(object) => execute_selection_set(ctx, object).await,
            Node::TestCase(object) => execute_selection_set(ctx, object).await,
            Node::Deployment(object) => execute_selection_set(ctx, object).await,
        }
    }
}

impl Query {
    fn find(&self, argument: &str, text: &str) -> Maybe<AnyNode> {
        let world = &self.0;
        let types = [
            "project",
            "feature",
            "test_case",
            "deployment",
            "user",
            "project_member",
            "webhook",
            "webhook_delivery",
            "audit_log",
            "event",
        ];
        let (prefix, id) = match id::read(argument, text, &types) {
            Ok(read) => read,
            Err(error) => return Some(Err(error)),
        };
        let node = match prefix {
            "project" => Project::find(world, id).map(Node::Project),
            "feature" => Feature::find(world, id).map(Node::Feature),
            "test_case" => {
                world.test(id).map(|row| Node::TestCase(TestCase { world: Arc::clone(world), row: row.clone() }))
            }
            "user" | "project_member" | "webhook" | "webhook_delivery" | "audit_log" | "event" => None,
            _ => world
                .deployment(id)
                .map(|row| Node::Deployment(Deployment { world: Arc::clone(world), row: row.clone() })),
        };
        node.map(|node| Ok(AnyNode(node)))
    }
}

#[Object]
impl Query {
    async fn project(&self, id: ID) -> Maybe<Spec<Project>> {
        let id = id::read("id", &id, &["project"]);
        id.map(|(_, id)| Project::find(&self.0, id).map(Spec)).transpose()
    }

    async fn projects(
        &self,
        first: Option<i64>,
        after: Option<String>,
        last: Option<i64>,
        before: Option<String>,
        order_by: Option<Vec<Order<ProjectOrderField>>>,
        filter: Option<ProjectFilter>,
    ) -> Result<Spec<Connection<Project>>, Error> {
        let rows = self.0.projects.iter();
        let rows = rows.map(|row| Project { world: Arc::clone(&self.0), row: row.clone() }).collect();
        let filter = filter.map(|filter| filter.0);
        page(rows, &order_of(order_by), &PageArguments { first, after, last, before, filter }).map(Connection).map(Spec)
    }

    async fn feature(&self, id: ID) -> Maybe<Spec<Feature>> {
        let id = id::read("id", &id, &["feature"]);
        id.map(|(_, id)| Feature::find(&self.0, id).map(Spec)).transpose()
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
        let rows = self.0.features();
        let rows = rows.map(|row| Feature { world: Arc::clone(&self.0), row: row.clone() }).collect();
        let filter = filter.map(|filter| filter.0);
        page(rows, &order_of(order_by), &PageArguments { first, after, last, before, filter }).map(Connection).map(Spec)
    }

    async fn feature_counts(&self, group_by: Vec<FeatureGroup>, filter: Option<FeatureFilter>) -> FeatureCounts {
        counts(&self.0, self.0.features(), group_by, filter.as_ref())
    }

    async fn more_project_features(
        &self,
        pages: Vec<MorePage>,
        first: Option<i64>,
        order_by: Option<Vec<Order<FeatureOrderField>>>,
        filter: Option<FeatureFilter>,
    ) -> MorePages<Feature> {
        more_pages("project", &pages, first, &order_of(order_by), filter.as_ref().map(|filter| &filter.0), |project| {
            self.0.project(project)?;
            let rows = self.0.features_of(project);
            Some(rows.map(|row| Feature { world: Arc::clone(&self.0), row: row.clone() }).collect())
        })
    }

    async fn more_feature_tests(
        &self,
        pages: Vec<MorePage>,
        first: Option<i64>,
        order_by: Option<Vec<Order<TestCaseOrderField>>>,
        filter: Option<TestCaseFilter>,
    ) -> MorePages<TestCase> {
        more_pages("feature", &pages, first, &order_of(order_by), filter.as_ref().map(|filter| &filter.0), |feature| {
            self.0.feature(feature)?;
            let rows = self.0.tests_of(feature);
            Some(rows.map(|row| TestCase { world: Arc::clone(&self.0), row: row.clone() }).collect())
        })
    }

    async fn more_feature_deployments(
        &self,
        pages: Vec<MorePage>,
        first: Option<i64>,
        order_by: Option<Vec<Order<DeploymentOrderField>>>,
        filter: Option<DeploymentFilter>,
    ) -> MorePages<Deployment> {
        more_pages("feature", &pages, first, &order_of(order_by), filter.as_ref().map(|filter| &filter.0), |feature| {
            self.0.feature(feature)?;
            let rows = self.0.deployments_of(feature);
            Some(rows.map(|row| Deployment { world: Arc::clone(&self.0), row: row.clone() }).collect())
        })
    }

    async fn search(
        &self,
        query: String,
        types: Option<Vec<SearchType>>,
        first: Option<i64>,
        after: Option<String>,
    ) -> Result<Spec<Connection<SearchResult>>, Error> {
        search(&self.0, &query, types, first, after.as_deref()).await.map(Connection).map(Spec)
    }

    async fn node(&self, id: ID) -> Maybe<AnyNode> {
        self.find("id", &id)
    }

    async fn nodes(&self, ids: Vec<ID>) -> SpecList<Maybe<AnyNode>> {
        SpecList(ids.iter().enumerate().map(|(index, text)| self.find(&format!("ids[{index}]"), text)).collect())
    }
}
