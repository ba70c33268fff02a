//! Connections as ordinary objects: a page's rows, each with its cursor.

use async_graphql::{Object, ObjectType, SimpleObject};

use super::children::{Deployment, TestCase};
use super::objects::{Feature, Project};
use super::page::Page;
use super::search::SearchResult;
use super::spec::{Spec, SpecList};

#[derive(Clone, SimpleObject)]
pub(super) struct PageInfo {
    has_next_page: bool,
    has_previous_page: bool,
    start_cursor: Option<String>,
    end_cursor: Option<String>,
}

#[derive(SimpleObject)]
#[graphql(
    concrete(name = "ProjectEdge", params(Project)),
    concrete(name = "FeatureEdge", params(Feature)),
    concrete(name = "TestCaseEdge", params(TestCase)),
    concrete(name = "DeploymentEdge", params(Deployment)),
    concrete(name = "SearchEdge", params(SearchResult))
)]
pub(super) struct Edge<N: ObjectType> {
    cursor: String,
    node: Spec<N>,
}

pub(super) struct Connection<N>(pub(super) Page<N>);

#[Object(
    concrete(name = "ProjectConnection", params(Project)),
    concrete(name = "FeatureConnection", params(Feature)),
    concrete(name = "TestCaseConnection", params(TestCase)),
    concrete(name = "DeploymentConnection", params(Deployment)),
    concrete(name = "SearchConnection", params(SearchResult))
)]
impl<N: ObjectType + Clone> Connection<N>
where
    Edge<N>: ObjectType,
{
    async fn edges(&self) -> SpecList<Spec<Edge<N>>> {
        let rows = self.0.rows.iter();
        SpecList(rows.map(|(cursor, row)| Spec(Edge { cursor: cursor.clone(), node: Spec(row.clone()) })).collect())
    }

    async fn nodes(&self) -> SpecList<Spec<N>> {
        SpecList(self.0.rows.iter().map(|(_, row)| Spec(row.clone())).collect())
    }

    async fn total_count(&self) -> usize {
        self.0.total
    }

    async fn page_info(&self) -> Spec<PageInfo> {
        Spec(PageInfo {
            has_next_page: self.0.has_next,
            has_previous_page: self.0.has_previous,
            start_cursor: self.0.rows.first().map(|(cursor, _)| cursor.clone()),
            end_cursor: self.0.rows.last().map(|(cursor, _)| cursor.clone()),
        })
    }
}
