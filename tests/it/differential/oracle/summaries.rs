//! Sums over rows, counted one row after the other.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::feature;
use sea_orm::ActiveEnum as _;
use uuid::Uuid;

use super::page::Cell;
use crate::differential::world::World;

/// The features in `status`; without one, all of them.
pub(crate) fn count_features<'w>(features: impl Iterator<Item = &'w feature::Model>, status: Option<&str>) -> usize {
    features.filter(|feature| status.is_none_or(|status| feature.status.to_value() == status)).count()
}

/// The part of a project's features that is completed, cancelled ones aside.
#[expect(clippy::cast_precision_loss, reason = "there are few features")]
pub(crate) fn progress(world: &World, project: Uuid) -> f64 {
    let with = |status| count_features(world.features_of(project), status);
    let counted = with(None) - with(Some("cancelled"));
    if counted == 0 { 0.0 } else { with(Some("completed")) as f64 / counted as f64 }
}

/// The tests of a project's features in `status`; without one, all of them.
pub(crate) fn count_tests(world: &World, project: Uuid, status: Option<&str>) -> usize {
    let tests = world.features_of(project).flat_map(|feature| world.tests_of(feature.id));
    tests.filter(|test| status.is_none_or(|status| test.status.to_value() == status)).count()
}

/// How many features there are in each group, in the order of the groups' values, nothing first.
pub(crate) fn feature_counts<'w>(
    world: &World,
    features: impl Iterator<Item = &'w feature::Model>,
    group_by: &[&str],
) -> Vec<(Vec<Cell>, usize)> {
    let mut counts = BTreeMap::new();
    for feature in features {
        let values = group_by.iter().map(|group| match *group {
            "STATUS" => Cell::Text(feature.status.to_value()),
            "PRIORITY" => Cell::Int(feature.priority),
            "DEPLOYMENT_STATUS" => world
                .latest_deployment(feature.id, None)
                .map_or(Cell::Nothing, |latest| Cell::Text(latest.status.to_value())),
            group => panic!("features are not grouped by {group}"),
        });
        *counts.entry(values.collect()).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// For each environment, in its order, how many deployments of the feature there are, and when the latest was in place.
pub(crate) fn deployments_by_environment(world: &World, feature: Uuid) -> Vec<(String, usize, Option<DateTime<Utc>>)> {
    let mut all: BTreeMap<String, (usize, Option<DateTime<Utc>>)> = BTreeMap::new();
    for deployment in world.deployments_of(feature) {
        let (count, latest) = all.entry(deployment.environment.clone()).or_default();
        *count += 1;
        *latest = (*latest).max(deployment.deployed_at);
    }
    all.into_iter().map(|(environment, (count, latest))| (environment, count, latest)).collect()
}
