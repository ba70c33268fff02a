//! Sums as ordinary objects.

use std::sync::Arc;

use async_graphql::resolver_utils::enum_value;
use async_graphql::{Error, SimpleObject, Value};
use entity::deployment::DeploymentStatus as Deployed;
use entity::feature::{self, FeatureStatus as Worked};
use entity::test_case::TestStatus;
use sea_orm::ActiveEnum as _;
use uuid::Uuid;

use super::children::Time;
use super::filter::{Row, check, fits};
use super::filter_types::{FeatureFilter, Filter};
use super::inputs::{DeploymentStatus, FeatureGroup, FeatureStatus};
use super::page::{Cell, refuse};
use super::spec::{Spec, SpecList};
use super::summaries::{count_features, count_tests, deployments_by_environment, feature_counts};
use crate::differential::world::World;

#[derive(Clone, SimpleObject)]
pub(super) struct TestSummary {
    total: usize,
    passed: usize,
    failed: usize,
    pending: usize,
    skipped: usize,
}

impl TestSummary {
    pub(super) fn of_feature(world: &World, id: Uuid) -> Self {
        let with = |status| world.tests_of(id).filter(|test| test.status == status).count();
        Self {
            total: world.tests_of(id).count(),
            passed: with(TestStatus::Passed),
            failed: with(TestStatus::Failed),
            pending: with(TestStatus::Pending),
            skipped: with(TestStatus::Skipped),
        }
    }

    pub(super) fn of_project(world: &World, id: Uuid) -> Self {
        let with = |status| count_tests(world, id, Some(status));
        Self {
            total: count_tests(world, id, None),
            passed: with("passed"),
            failed: with("failed"),
            pending: with("pending"),
            skipped: with("skipped"),
        }
    }
}

#[derive(Clone, SimpleObject)]
pub(super) struct FeatureSummary {
    total: usize,
    not_started: usize,
    in_progress: usize,
    blocked: usize,
    completed: usize,
    cancelled: usize,
}

impl FeatureSummary {
    pub(super) fn of_project(world: &World, id: Uuid) -> Self {
        let with = |status| count_features(world.features_of(id), Some(status));
        Self {
            total: count_features(world.features_of(id), None),
            not_started: with("not_started"),
            in_progress: with("in_progress"),
            blocked: with("blocked"),
            completed: with("completed"),
            cancelled: with("cancelled"),
        }
    }
}

#[derive(Clone, SimpleObject)]
pub(super) struct FeatureCount {
    status: Option<FeatureStatus>,
    priority: Option<i32>,
    deployment_status: Option<DeploymentStatus>,
    count: usize,
}

pub(super) type FeatureCounts = Result<SpecList<Spec<FeatureCount>>, Error>;

/// The features by what they have in common.
pub(super) fn counts<'w>(
    world: &World,
    features: impl Iterator<Item = &'w feature::Model>,
    group_by: Vec<FeatureGroup>,
    filter: Option<&FeatureFilter>,
) -> FeatureCounts {
    let mut chosen = Vec::new();
    for group in group_by {
        let Value::Enum(name) = enum_value(group) else { unreachable!("an enum's value is one") };
        if !chosen.contains(&name) {
            chosen.push(name);
        }
    }
    if chosen.is_empty() {
        return Err(refuse("INVALID_ARGUMENT", "groupBy must name something to group by"));
    }
    if let Some(Filter(filter)) = filter {
        check("Feature", filter, "filter")?;
    }
    let features =
        features.filter(|feature| filter.is_none_or(|Filter(filter)| fits(world, Row::Feature(feature), filter)));
    let chosen: Vec<_> = chosen.iter().map(async_graphql::Name::as_str).collect();
    let groups = feature_counts(world, features, &chosen).into_iter().map(|(values, count)| {
        let mut entry = FeatureCount { status: None, priority: None, deployment_status: None, count };
        for (group, value) in chosen.iter().zip(values) {
            match value {
                Cell::Nothing => {}
                Cell::Int(priority) => entry.priority = Some(priority),
                Cell::Text(status) if *group == "STATUS" => {
                    entry.status = Some(Worked::try_from_value(&status).unwrap().into());
                }
                Cell::Text(status) => entry.deployment_status = Some(Deployed::try_from_value(&status).unwrap().into()),
                other => panic!("features are not grouped by {other:?}"),
            }
        }
        Spec(entry)
    });
    Ok(SpecList(groups.collect()))
}

#[derive(SimpleObject)]
pub(super) struct EnvironmentDeployments {
    environment: String,
    count: usize,
    latest_deployed_at: Option<Time>,
}

/// The deployments of a feature by where they went.
pub(super) fn environments(world: &Arc<World>, feature: Uuid) -> SpecList<Spec<EnvironmentDeployments>> {
    let all = deployments_by_environment(world, feature).into_iter().map(|(environment, count, latest)| {
        Spec(EnvironmentDeployments { environment, count, latest_deployed_at: latest.map(Time) })
    });
    SpecList(all.collect())
}
