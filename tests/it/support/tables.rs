//! All tables of the record as they are, and whether they tell one story.

use std::collections::{BTreeMap, HashMap};

use entity::deployment::DeploymentStatus;
use entity::test_case::TestStatus;
use entity::{audit_log, deployment, event, feature, feature_view, project, test_case};
use sea_orm::{EntityTrait, ModelTrait, QueryOrder};
use throughline::database::Database;
use throughline::events::{Aggregate, Effect, Happened, NO_EVENT, apply, hash_of};
use uuid::Uuid;

/// All that a write can touch, in the order of creation.
#[derive(Debug, PartialEq)]
pub(crate) struct Tables {
    pub(crate) projects: Vec<project::Model>,
    pub(crate) features: Vec<feature::Model>,
    pub(crate) tests: Vec<test_case::Model>,
    pub(crate) deployments: Vec<deployment::Model>,
    pub(crate) view: Vec<feature_view::Model>,
    pub(crate) events: Vec<event::Model>,
    pub(crate) audit_logs: Vec<audit_log::Model>,
}

impl Tables {
    pub(crate) async fn read(database: &Database) -> Self {
        let reader = database.reader();
        Self {
            projects: project::Entity::find().order_by_asc(project::Column::Id).all(reader).await.unwrap(),
            features: feature::Entity::find().order_by_asc(feature::Column::Id).all(reader).await.unwrap(),
            tests: test_case::Entity::find().order_by_asc(test_case::Column::Id).all(reader).await.unwrap(),
            deployments: deployment::Entity::find().order_by_asc(deployment::Column::Id).all(reader).await.unwrap(),
            view: feature_view::Entity::find().order_by_asc(feature_view::Column::Id).all(reader).await.unwrap(),
            events: event::Entity::find().order_by_asc(event::Column::Id).all(reader).await.unwrap(),
            audit_logs: audit_log::Entity::find().order_by_asc(audit_log::Column::Id).all(reader).await.unwrap(),
        }
    }

    pub(crate) fn counts(&self) -> [usize; 4] {
        [self.projects.len(), self.features.len(), self.tests.len(), self.deployments.len()]
    }

    pub(crate) fn test(&self, name: &str) -> &test_case::Model {
        self.tests.iter().find(|test| test.name == name).unwrap()
    }

    /// What the read model should say, counted here and not by the product's SQL.
    pub(crate) fn expected_view(&self) -> Vec<feature_view::Model> {
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

    /// Fails unless the rows are what their events make of them, the events are numbered and chained, the read model says what
    /// the rows say, and each change has an audit row.
    pub(crate) fn assert_tell_one_story(&self) {
        self.assert_tell_one_story_of_events();
        // One for each aggregate that a transaction changed; these tests change one at most once in a request.
        let changed = |kind: &str, id: Uuid, request: &str| format!("{kind} {id} {request}");
        let mut audited: Vec<_> =
            self.audit_logs.iter().map(|row| changed(&row.entity_type, row.entity_id, &row.request_id)).collect();
        let mut happened: Vec<_> = self
            .events
            .iter()
            .map(|event| changed(&event.aggregate_type, event.aggregate_id, &event.request_id))
            .collect();
        audited.sort_unstable();
        happened.sort_unstable();
        assert_eq!(audited, happened, "the audit differs from the events");
    }

    /// The same, but for the audit.
    pub(crate) fn assert_tell_one_story_of_events(&self) {
        assert_eq!(self.view, self.expected_view(), "the read model differs from the tables");
        let mut streams: BTreeMap<Uuid, Vec<&event::Model>> = BTreeMap::new();
        for event in &self.events {
            streams.entry(event.aggregate_id).or_default().push(event);
        }
        for events in streams.values_mut() {
            events.sort_by_key(|event| event.version);
            let mut previous = NO_EVENT;
            for event in events {
                let hash = hash_of(event, &previous);
                assert_eq!(event.hash, hash, "the chain is broken at {event:?}");
                previous = hash;
            }
        }
        assert_made_by_events::<project::Entity>(&self.projects, &streams);
        assert_made_by_events::<feature::Entity>(&self.features, &streams);
        assert_made_by_events::<test_case::Entity>(&self.tests, &streams);
        assert_made_by_events::<deployment::Entity>(&self.deployments, &streams);
    }
}

fn assert_made_by_events<A: Aggregate>(rows: &[A::Model], streams: &BTreeMap<Uuid, Vec<&event::Model>>)
where
    A::Model: PartialEq + ModelTrait,
{
    let mut made = Vec::new();
    for (id, events) in streams.iter().filter(|(_, events)| events[0].aggregate_type == A::KIND) {
        let mut row = None;
        for event in events {
            let payload = serde_json::from_str(&event.payload).unwrap();
            let (effect, version, at) = (Effect::of::<A>(&event.event_type), event.version, event.created_at);
            row = apply::<A>(row.as_ref(), Happened { id: *id, version, effect, payload: &payload, at }).unwrap();
        }
        made.extend(row);
    }
    assert_eq!(rows, made, "the rows differ from what their events make of them");
}
