//! The answers from PostgreSQL: prepared statements over a few connections, which the requests take in turn; requests on one
//! connection are sent without waiting for each other. Rows come in the binary protocol and are read where they stand.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use limit::answers::{Flat, FlatFeature, Nested, NestedDeployment, NestedFeature, NestedTest, Point, Wide, point};
use limit::json::Time;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

use super::Question;
use super::create::NewFeature;

/// The connections, and whose turn it is.
pub(crate) struct Connections {
    connections: Vec<Connection>,
    turn: AtomicUsize,
}

struct Connection {
    client: Client,
    create: Statement,
    point: Statement,
    nested: Statement,
    wide: Statement,
    flat: Statement,
    project: Statement,
    features_of_project: Statement,
    tests_of_nested_features: Statement,
    deployments_of_features: Statement,
    projects: Statement,
    features_of_projects: Statement,
    tests_of_wide_features: Statement,
}

impl Connections {
    pub(crate) async fn open(url: &str, count: usize) -> anyhow::Result<Self> {
        let mut connections = Vec::with_capacity(count);
        for _ in 0..count {
            connections.push(Connection::open(url).await?);
        }
        Ok(Self { connections, turn: AtomicUsize::new(0) })
    }

    fn next(&self) -> &Connection {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        &self.connections[turn]
    }

    pub(crate) async fn create(&self, feature: &NewFeature<'_>) -> anyhow::Result<()> {
        let connection = self.next();
        let NewFeature { id, event_id, audit_id, project, name, payload, changes, request_id, at, hash } = feature;
        let client = &connection.client;
        client
            .execute(
                &connection.create,
                &[event_id, id, payload, request_id, at, hash, project, name, audit_id, changes],
            )
            .await?;
        Ok(())
    }

    pub(crate) async fn answer(&self, question: Question, id: Uuid) -> anyhow::Result<Vec<u8>> {
        let connection = self.next();
        match question {
            Question::Point => connection.point(id).await,
            Question::Nested => connection.nested(id).await,
            Question::Wide => connection.wide(id).await,
            Question::Flat => connection.flat(id).await,
            Question::SplitNested => connection.split_nested(id).await,
            Question::SplitWide => connection.split_wide(id).await,
        }
    }
}

const CREATE: &str = "\
    WITH e AS (INSERT INTO events (id, aggregate_type, aggregate_id, version, event_type, payload, actor_id, actor_kind, \
        request_id, created_at, hash) \
        VALUES ($1, 'feature', $2, 1, 'feature.create', $3, 'local-owner', 'person', $4, $5, $6)), \
    f AS (INSERT INTO features (id, project_id, name, priority, status, created_at, updated_at) \
        VALUES ($2, $7, $8, 5, 'not_started', $5, $5)), \
    v AS (INSERT INTO features_view (id, name, priority, project_id) VALUES ($2, $8, 5, $7)) \
    INSERT INTO audit_logs (id, actor_id, actor_kind, action, entity_type, entity_id, request_id, changes, created_at) \
        VALUES ($9, 'local-owner', 'person', 'feature.create', 'feature', $2, $4, $10::text::jsonb, $5)";

const POINT: &str = "\
    SELECT f.id, f.name, f.description, f.priority, f.status, p.id, p.name \
    FROM features f JOIN projects p ON p.id = f.project_id WHERE f.id = $1 AND f.deleted_at IS NULL";

const NESTED: &str = "\
    SELECT p.id, p.name, f.id, f.name, f.priority, f.status, d.environment, d.version, d.status, d.deployed_at, \
        t.id, t.name, t.status, t.duration_ms \
    FROM projects p \
    LEFT JOIN LATERAL (SELECT id, name, priority, status FROM features \
        WHERE project_id = p.id AND deleted_at IS NULL ORDER BY id LIMIT 50) f ON TRUE \
    LEFT JOIN LATERAL (SELECT environment, version, status, deployed_at FROM deployments \
        WHERE feature_id = f.id ORDER BY deployed_order DESC, id DESC LIMIT 1) d ON TRUE \
    LEFT JOIN LATERAL (SELECT id, name, status, duration_ms FROM tests \
        WHERE feature_id = f.id ORDER BY id LIMIT 5) t ON TRUE \
    WHERE p.id = $1 ORDER BY f.id, t.id";

const WIDE: &str = "\
    SELECT p.id, p.name, f.id, f.name, t.name, t.status \
    FROM (SELECT id, name FROM projects WHERE id > $1 ORDER BY id LIMIT 20) p \
    LEFT JOIN LATERAL (SELECT id, name FROM features \
        WHERE project_id = p.id AND deleted_at IS NULL ORDER BY id LIMIT 20) f ON TRUE \
    LEFT JOIN LATERAL (SELECT id, name, status FROM tests WHERE feature_id = f.id ORDER BY id LIMIT 5) t ON TRUE \
    ORDER BY p.id, f.id, t.id";

const FLAT: &str = "\
    SELECT id, name, priority, status, created_at, updated_at FROM features \
    WHERE deleted_at IS NULL AND id > $1 ORDER BY id LIMIT 1000";

const PROJECT: &str = "SELECT id, name FROM projects WHERE id = $1";

const FEATURES_OF_PROJECT: &str = "\
    SELECT id, name, priority, status FROM features \
    WHERE project_id = $1 AND deleted_at IS NULL ORDER BY id LIMIT 50";

const TESTS_OF_NESTED_FEATURES: &str = "\
    SELECT k.ord, t.id, t.name, t.status, t.duration_ms \
    FROM unnest($1::uuid[]) WITH ORDINALITY AS k(id, ord) \
    CROSS JOIN LATERAL (SELECT id, name, status, duration_ms FROM tests WHERE feature_id = k.id ORDER BY id LIMIT 5) t \
    ORDER BY k.ord, t.id";

const DEPLOYMENTS_OF_FEATURES: &str = "\
    SELECT k.ord, d.environment, d.version, d.status, d.deployed_at \
    FROM unnest($1::uuid[]) WITH ORDINALITY AS k(id, ord) \
    CROSS JOIN LATERAL (SELECT environment, version, status, deployed_at FROM deployments \
        WHERE feature_id = k.id ORDER BY deployed_order DESC, id DESC LIMIT 1) d \
    ORDER BY k.ord";

const PROJECTS: &str = "SELECT id, name FROM projects WHERE id > $1 ORDER BY id LIMIT 20";

const FEATURES_OF_PROJECTS: &str = "\
    SELECT k.ord, f.id, f.name \
    FROM unnest($1::uuid[]) WITH ORDINALITY AS k(id, ord) \
    CROSS JOIN LATERAL (SELECT id, name FROM features \
        WHERE project_id = k.id AND deleted_at IS NULL ORDER BY id LIMIT 20) f \
    ORDER BY k.ord, f.id";

const TESTS_OF_WIDE_FEATURES: &str = "\
    SELECT k.ord, t.name, t.status \
    FROM unnest($1::uuid[]) WITH ORDINALITY AS k(id, ord) \
    CROSS JOIN LATERAL (SELECT id, name, status FROM tests WHERE feature_id = k.id ORDER BY id LIMIT 5) t \
    ORDER BY k.ord, t.id";

impl Connection {
    async fn open(url: &str) -> anyhow::Result<Self> {
        let mut config: tokio_postgres::Config = url.parse().context("the URL is not understood")?;
        let (client, connection) = config.application_name("limit").connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(Self {
            create: client.prepare(CREATE).await?,
            point: client.prepare(POINT).await?,
            nested: client.prepare(NESTED).await?,
            wide: client.prepare(WIDE).await?,
            flat: client.prepare(FLAT).await?,
            project: client.prepare(PROJECT).await?,
            features_of_project: client.prepare(FEATURES_OF_PROJECT).await?,
            tests_of_nested_features: client.prepare(TESTS_OF_NESTED_FEATURES).await?,
            deployments_of_features: client.prepare(DEPLOYMENTS_OF_FEATURES).await?,
            projects: client.prepare(PROJECTS).await?,
            features_of_projects: client.prepare(FEATURES_OF_PROJECTS).await?,
            tests_of_wide_features: client.prepare(TESTS_OF_WIDE_FEATURES).await?,
            client,
        })
    }

    async fn point(&self, id: Uuid) -> anyhow::Result<Vec<u8>> {
        let Some(row) = self.client.query_opt(&self.point, &[&id]).await? else { return Ok(point(None)) };
        Ok(point(Some(&Point {
            id: key(&row, 0)?,
            name: row.try_get(1)?,
            description: row.try_get(2)?,
            priority: row.try_get(3)?,
            status: row.try_get(4)?,
            project: (key(&row, 5)?, row.try_get(6)?),
        })))
    }

    async fn nested(&self, id: Uuid) -> anyhow::Result<Vec<u8>> {
        let rows = self.client.query(&self.nested, &[&id]).await?;
        let Some(first) = rows.first() else { return Ok(Nested::nothing()) };
        let mut answer = Nested::begin(key(first, 0)?, first.try_get(1)?);
        let mut feature = None;
        for row in &rows {
            let Some(id) = optional_key(row, 2)? else { break };
            if feature != Some(id) {
                feature = Some(id);
                answer.feature(&nested_feature(row, 2)?, nested_deployment(row, 6)?.as_ref());
            }
            if let Some(test) = nested_test(row, 10)? {
                answer.test(&test);
            }
        }
        Ok(answer.finish())
    }

    async fn wide(&self, after: Uuid) -> anyhow::Result<Vec<u8>> {
        let rows = self.client.query(&self.wide, &[&after]).await?;
        let mut answer = Wide::begin();
        let (mut project, mut feature) = (None, None);
        let mut project_name = "";
        for row in &rows {
            let id = key(row, 0)?;
            if project != Some(id) {
                (project, feature) = (Some(id), None);
                project_name = row.try_get(1)?;
                answer.project(project_name);
            }
            let Some(id) = optional_key(row, 2)? else { continue };
            if feature != Some(id) {
                feature = Some(id);
                answer.feature(row.try_get(3)?);
            }
            if let Some(name) = row.try_get::<_, Option<&str>>(4)? {
                answer.test(name, row.try_get(5)?, project_name);
            }
        }
        Ok(answer.finish())
    }

    async fn flat(&self, after: Uuid) -> anyhow::Result<Vec<u8>> {
        let rows = self.client.query(&self.flat, &[&after]).await?;
        let mut answer = Flat::begin();
        for row in &rows {
            answer.feature(&FlatFeature {
                id: key(row, 0)?,
                name: row.try_get(1)?,
                priority: row.try_get(2)?,
                status: row.try_get(3)?,
                created_at: row.try_get::<_, Timestamp>(4)?.into(),
                updated_at: row.try_get::<_, Timestamp>(5)?.into(),
            });
        }
        Ok(answer.finish())
    }

    /// Four statements in two turns: nothing of the second pair waits for the other.
    async fn split_nested(&self, id: Uuid) -> anyhow::Result<Vec<u8>> {
        let client = &self.client;
        let (project, features) = futures_util::future::try_join(
            client.query_opt(&self.project, &[&id]),
            client.query(&self.features_of_project, &[&id]),
        )
        .await?;
        let Some(project) = project else { return Ok(Nested::nothing()) };
        let keys = features.iter().map(|row| row.try_get(0)).collect::<Result<Vec<Uuid>, _>>()?;
        let (tests, deployments) = futures_util::future::try_join(
            client.query(&self.tests_of_nested_features, &[&keys]),
            client.query(&self.deployments_of_features, &[&keys]),
        )
        .await?;
        let mut answer = Nested::begin(key(&project, 0)?, project.try_get(1)?);
        let (mut tests, mut deployments) = (tests.iter().peekable(), deployments.iter().peekable());
        for (row, place) in features.iter().zip(1_i64..) {
            let deployment = deployments.next_if(|row| row.get::<_, i64>(0) == place);
            let deployment = deployment.map(|row| nested_deployment(row, 1)).transpose()?.flatten();
            answer.feature(&nested_feature(row, 0)?, deployment.as_ref());
            while let Some(row) = tests.next_if(|row| row.get::<_, i64>(0) == place) {
                if let Some(test) = nested_test(row, 1)? {
                    answer.test(&test);
                }
            }
        }
        Ok(answer.finish())
    }

    /// Three statements, one after the other.
    async fn split_wide(&self, after: Uuid) -> anyhow::Result<Vec<u8>> {
        let client = &self.client;
        let projects = client.query(&self.projects, &[&after]).await?;
        let keys = projects.iter().map(|row| row.try_get(0)).collect::<Result<Vec<Uuid>, _>>()?;
        let features = client.query(&self.features_of_projects, &[&keys]).await?;
        let keys = features.iter().map(|row| row.try_get(1)).collect::<Result<Vec<Uuid>, _>>()?;
        let tests = client.query(&self.tests_of_wide_features, &[&keys]).await?;
        let mut answer = Wide::begin();
        let (mut features, mut tests) = (features.iter().zip(1_i64..).peekable(), tests.iter().peekable());
        for (project, place) in projects.iter().zip(1_i64..) {
            let project_name = project.try_get(1)?;
            answer.project(project_name);
            while let Some((feature, place)) = features.next_if(|(row, _)| row.get::<_, i64>(0) == place) {
                answer.feature(feature.try_get(2)?);
                while let Some(test) = tests.next_if(|row| row.get::<_, i64>(0) == place) {
                    answer.test(test.try_get(1)?, test.try_get(2)?, project_name);
                }
            }
        }
        Ok(answer.finish())
    }
}

fn nested_feature(row: &Row, at: usize) -> anyhow::Result<NestedFeature<'_>> {
    Ok(NestedFeature {
        id: key(row, at)?,
        name: row.try_get(at + 1)?,
        priority: row.try_get(at + 2)?,
        status: row.try_get(at + 3)?,
    })
}

fn nested_deployment(row: &Row, at: usize) -> anyhow::Result<Option<NestedDeployment<'_>>> {
    let Some(environment) = row.try_get(at)? else { return Ok(None) };
    let deployed_at = row.try_get::<_, Option<Timestamp>>(at + 3)?.map(Into::into);
    Ok(Some(NestedDeployment { environment, version: row.try_get(at + 1)?, status: row.try_get(at + 2)?, deployed_at }))
}

fn nested_test(row: &Row, at: usize) -> anyhow::Result<Option<NestedTest<'_>>> {
    let Some(id) = optional_key(row, at)? else { return Ok(None) };
    Ok(Some(NestedTest {
        id,
        name: row.try_get(at + 1)?,
        status: row.try_get(at + 2)?,
        duration_ms: row.try_get(at + 3)?,
    }))
}

fn key(row: &Row, at: usize) -> anyhow::Result<[u8; 16]> {
    Ok(row.try_get::<_, Uuid>(at)?.into_bytes())
}

fn optional_key(row: &Row, at: usize) -> anyhow::Result<Option<[u8; 16]>> {
    Ok(row.try_get::<_, Option<Uuid>>(at)?.map(Uuid::into_bytes))
}

/// A timestamp as the protocol has it.
struct Timestamp(i64);

impl<'r> FromSql<'r> for Timestamp {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        let _ = kind;
        Ok(Self(i64::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }
}

impl From<Timestamp> for Time<'static> {
    fn from(timestamp: Timestamp) -> Self {
        Self::Microseconds(timestamp.0)
    }
}
