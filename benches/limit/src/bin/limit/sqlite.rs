//! The answers from an SQLite file: each of the server's threads has a connection of its own, with its statements prepared,
//! and reads where it stands. The file is mapped into memory.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use limit::answers::{Flat, FlatFeature, Key, Nested, NestedDeployment, NestedFeature, NestedTest, Point, Wide, point};
use limit::json::Time;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Row, Rows, TransactionBehavior};
use uuid::Uuid;

use super::Question;
use super::create::NewFeature;

/// The file; each thread opens it once to read, and all share the one that writes.
pub(crate) struct File {
    path: String,
    writer: Mutex<Option<Connection>>,
}

thread_local! {
    static CONNECTION: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

impl File {
    pub(crate) fn new(path: &str) -> Self {
        Self { path: path.to_owned(), writer: Mutex::default() }
    }

    pub(crate) fn answer(&self, question: Question, id: Uuid) -> anyhow::Result<Vec<u8>> {
        CONNECTION.with_borrow_mut(|connection| {
            let connection = match connection {
                Some(connection) => connection,
                none => none.insert(self.open()?),
            };
            match question {
                Question::Point => read_point(connection, id),
                Question::Nested => read_nested(connection, id),
                Question::Wide => read_wide(connection, id),
                Question::Flat => read_flat(connection, id),
                Question::SplitNested => read_split_nested(connection, id),
                Question::SplitWide => read_split_wide(connection, id),
            }
        })
    }

    pub(crate) fn create(&self, feature: &NewFeature<'_>) -> anyhow::Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = if let Some(connection) = writer.as_mut() {
            connection
        } else {
            let connection = Connection::open(&self.path)?;
            connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON")?;
            writer.insert(connection)
        };
        let NewFeature { id, event_id, audit_id, project, name, payload, changes, request_id, hash, .. } = feature;
        let (id, event_id, audit_id, project) =
            (id.as_bytes(), event_id.as_bytes(), audit_id.as_bytes(), project.as_bytes());
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let micros = feature.micros();
        let at: String =
            transaction.prepare_cached(TIME)?.query_row((micros / 1_000_000, micros % 1_000_000), |row| row.get(0))?;
        transaction.prepare_cached(CREATE_EVENT)?.execute((event_id, id, payload, request_id, &at, hash))?;
        transaction.prepare_cached(CREATE_FEATURE)?.execute((id, project, name, &at))?;
        transaction.prepare_cached(CREATE_VIEW)?.execute((id, name, project))?;
        transaction.prepare_cached(CREATE_AUDIT)?.execute((audit_id, id, request_id, changes, &at))?;
        Ok(transaction.commit()?)
    }

    fn open(&self) -> anyhow::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        // Or a statement is planned anew for each value that it is given, where the file has statistics with samples.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "cache_size", -16_000)?;
        connection.pragma_update(None, "mmap_size", 1_i64 << 32)?;
        Ok(connection)
    }
}

const TIME: &str = "SELECT strftime('%Y-%m-%dT%H:%M:%S', ?1, 'unixepoch') || printf('.%06d+00:00', ?2)";

const CREATE_EVENT: &str = "\
    INSERT INTO events (id, aggregate_type, aggregate_id, version, event_type, payload, actor_id, actor_kind, request_id, \
        created_at, hash) \
    VALUES (?1, 'feature', ?2, 1, 'feature.create', ?3, 'local-owner', 'person', ?4, ?5, ?6)";

const CREATE_FEATURE: &str = "\
    INSERT INTO features (id, project_id, name, priority, status, created_at, updated_at) \
    VALUES (?1, ?2, ?3, 5, 'not_started', ?4, ?4)";

const CREATE_VIEW: &str = "INSERT INTO features_view (id, name, priority, project_id) VALUES (?1, ?2, 5, ?3)";

const CREATE_AUDIT: &str = "\
    INSERT INTO audit_logs (id, actor_id, actor_kind, action, entity_type, entity_id, request_id, changes, created_at) \
    VALUES (?1, 'local-owner', 'person', 'feature.create', 'feature', ?2, ?3, ?4, ?5)";

const POINT: &str = "\
    SELECT f.id, f.name, f.description, f.priority, f.status, p.id, p.name \
    FROM features f JOIN projects p ON p.id = f.project_id WHERE f.id = ?1 AND f.deleted_at IS NULL";

// SQLite has no LATERAL: a page is a correlated list of row numbers. The plus keeps the planner from walking an index for
// the order.
const NESTED: &str = "\
    SELECT p.id, p.name, f.id, f.name, f.priority, f.status, d.environment, d.version, d.status, d.deployed_at, \
        t.id, t.name, t.status, t.duration_ms \
    FROM projects p \
    LEFT JOIN features f ON f.rowid IN (SELECT rowid FROM features \
        WHERE project_id = p.id AND deleted_at IS NULL ORDER BY id LIMIT 50) \
    LEFT JOIN deployments d ON d.rowid = (SELECT rowid FROM deployments \
        WHERE feature_id = f.id ORDER BY deployed_order DESC, id DESC LIMIT 1) \
    LEFT JOIN tests t ON t.rowid IN (SELECT rowid FROM tests WHERE feature_id = f.id ORDER BY id LIMIT 5) \
    WHERE p.id = ?1 ORDER BY +f.id, +t.id";

const WIDE: &str = "\
    SELECT p.id, p.name, f.id, f.name, t.name, t.status \
    FROM (SELECT id, name FROM projects WHERE id > ?1 ORDER BY id LIMIT 20) p \
    LEFT JOIN features f ON f.rowid IN (SELECT rowid FROM features \
        WHERE project_id = p.id AND deleted_at IS NULL ORDER BY id LIMIT 20) \
    LEFT JOIN tests t ON t.rowid IN (SELECT rowid FROM tests WHERE feature_id = f.id ORDER BY id LIMIT 5) \
    ORDER BY +p.id, +f.id, +t.id";

const FLAT: &str = "\
    SELECT id, name, priority, status, created_at, updated_at FROM features \
    WHERE deleted_at IS NULL AND id > ?1 ORDER BY id LIMIT 1000";

const PROJECT: &str = "SELECT id, name FROM projects WHERE id = ?1";

const FEATURES_OF_NESTED_PROJECT: &str = "\
    SELECT id, name, priority, status FROM features \
    WHERE project_id = ?1 AND deleted_at IS NULL ORDER BY id LIMIT 50";

const LATEST_DEPLOYMENT: &str = "\
    SELECT environment, version, status, deployed_at FROM deployments \
    WHERE feature_id = ?1 ORDER BY deployed_order DESC, id DESC LIMIT 1";

const TESTS_OF_NESTED_FEATURE: &str = "\
    SELECT id, name, status, duration_ms FROM tests WHERE feature_id = ?1 ORDER BY id LIMIT 5";

const PROJECTS: &str = "SELECT id, name FROM projects WHERE id > ?1 ORDER BY id LIMIT 20";

const FEATURES_OF_WIDE_PROJECT: &str =
    "SELECT id, name FROM features WHERE project_id = ?1 AND deleted_at IS NULL ORDER BY id LIMIT 20";

const TESTS_OF_WIDE_FEATURE: &str = "SELECT name, status FROM tests WHERE feature_id = ?1 ORDER BY id LIMIT 5";

fn read_point(connection: &Connection, id: Uuid) -> anyhow::Result<Vec<u8>> {
    let mut statement = connection.prepare_cached(POINT)?;
    let mut rows = statement.query([id.as_bytes()])?;
    let Some(row) = rows.next()? else { return Ok(point(None)) };
    Ok(point(Some(&Point {
        id: key(row, 0)?,
        name: text(row, 1)?,
        description: optional_text(row, 2)?,
        priority: row.get(3)?,
        status: text(row, 4)?,
        project: (key(row, 5)?, text(row, 6)?),
    })))
}

fn read_nested(connection: &Connection, id: Uuid) -> anyhow::Result<Vec<u8>> {
    let mut statement = connection.prepare_cached(NESTED)?;
    let mut rows = statement.query([id.as_bytes()])?;
    let mut answer = None;
    let mut feature = None;
    while let Some(row) = rows.next()? {
        let answer = match &mut answer {
            Some(answer) => answer,
            none => none.insert(Nested::begin(key(row, 0)?, text(row, 1)?)),
        };
        let Some(id) = optional_key(row, 2)? else { break };
        if feature != Some(id) {
            feature = Some(id);
            answer.feature(&nested_feature(row, 2)?, nested_deployment(row, 6)?.as_ref());
        }
        if optional_key(row, 10)?.is_some() {
            answer.test(&nested_test(row, 10)?);
        }
    }
    Ok(answer.map_or_else(Nested::nothing, Nested::finish))
}

fn read_wide(connection: &Connection, after: Uuid) -> anyhow::Result<Vec<u8>> {
    let mut statement = connection.prepare_cached(WIDE)?;
    let mut rows = statement.query([after.as_bytes()])?;
    let mut answer = Wide::begin();
    let (mut project, mut feature) = (None, None);
    while let Some(row) = rows.next()? {
        let id = key(row, 0)?;
        let project_name = text(row, 1)?;
        if project != Some(id) {
            (project, feature) = (Some(id), None);
            answer.project(project_name);
        }
        let Some(id) = optional_key(row, 2)? else { continue };
        if feature != Some(id) {
            feature = Some(id);
            answer.feature(text(row, 3)?);
        }
        if let Some(name) = optional_text(row, 4)? {
            answer.test(name, text(row, 5)?, project_name);
        }
    }
    Ok(answer.finish())
}

fn read_flat(connection: &Connection, after: Uuid) -> anyhow::Result<Vec<u8>> {
    let mut statement = connection.prepare_cached(FLAT)?;
    let mut rows = statement.query([after.as_bytes()])?;
    let mut answer = Flat::begin();
    while let Some(row) = rows.next()? {
        answer.feature(&FlatFeature {
            id: key(row, 0)?,
            name: text(row, 1)?,
            priority: row.get(2)?,
            status: text(row, 3)?,
            created_at: Time::Text(text(row, 4)?),
            updated_at: Time::Text(text(row, 5)?),
        });
    }
    Ok(answer.finish())
}

fn read_split_nested(connection: &Connection, id: Uuid) -> anyhow::Result<Vec<u8>> {
    let mut project = connection.prepare_cached(PROJECT)?;
    let mut features = connection.prepare_cached(FEATURES_OF_NESTED_PROJECT)?;
    let mut deployment = connection.prepare_cached(LATEST_DEPLOYMENT)?;
    let mut tests = connection.prepare_cached(TESTS_OF_NESTED_FEATURE)?;
    let mut project = project.query([id.as_bytes()])?;
    let Some(project) = project.next()? else { return Ok(Nested::nothing()) };
    let mut answer = Nested::begin(key(project, 0)?, text(project, 1)?);
    let mut features = features.query([id.as_bytes()])?;
    while let Some(feature) = features.next()? {
        let id = key(feature, 0)?;
        let mut deployments = deployment.query([id])?;
        let deployment = match deployments.next()? {
            Some(row) => nested_deployment(row, 0)?,
            None => None,
        };
        answer.feature(&nested_feature(feature, 0)?, deployment.as_ref());
        let mut tests: Rows<'_> = tests.query([id])?;
        while let Some(test) = tests.next()? {
            answer.test(&nested_test(test, 0)?);
        }
    }
    Ok(answer.finish())
}

fn read_split_wide(connection: &Connection, after: Uuid) -> anyhow::Result<Vec<u8>> {
    let mut projects = connection.prepare_cached(PROJECTS)?;
    let mut features = connection.prepare_cached(FEATURES_OF_WIDE_PROJECT)?;
    let mut tests = connection.prepare_cached(TESTS_OF_WIDE_FEATURE)?;
    let mut answer = Wide::begin();
    let mut projects = projects.query([after.as_bytes()])?;
    while let Some(project) = projects.next()? {
        let project_name = text(project, 1)?;
        answer.project(project_name);
        let mut features = features.query([key(project, 0)?])?;
        while let Some(feature) = features.next()? {
            answer.feature(text(feature, 1)?);
            let mut tests = tests.query([key(feature, 0)?])?;
            while let Some(test) = tests.next()? {
                answer.test(text(test, 0)?, text(test, 1)?, project_name);
            }
        }
    }
    Ok(answer.finish())
}

fn nested_feature<'r>(row: &'r Row<'_>, at: usize) -> anyhow::Result<NestedFeature<'r>> {
    Ok(NestedFeature {
        id: key(row, at)?,
        name: text(row, at + 1)?,
        priority: row.get(at + 2)?,
        status: text(row, at + 3)?,
    })
}

fn nested_deployment<'r>(row: &'r Row<'_>, at: usize) -> anyhow::Result<Option<NestedDeployment<'r>>> {
    let Some(environment) = optional_text(row, at)? else { return Ok(None) };
    let deployed_at = optional_text(row, at + 3)?.map(Time::Text);
    Ok(Some(NestedDeployment { environment, version: text(row, at + 1)?, status: text(row, at + 2)?, deployed_at }))
}

fn nested_test<'r>(row: &'r Row<'_>, at: usize) -> anyhow::Result<NestedTest<'r>> {
    Ok(NestedTest {
        id: key(row, at)?,
        name: text(row, at + 1)?,
        status: text(row, at + 2)?,
        duration_ms: row.get(at + 3)?,
    })
}

fn key(row: &Row<'_>, at: usize) -> anyhow::Result<Key> {
    Ok(row.get_ref(at)?.as_blob()?.try_into()?)
}

fn optional_key(row: &Row<'_>, at: usize) -> anyhow::Result<Option<Key>> {
    Ok(row.get_ref(at)?.as_blob_or_null()?.map(TryInto::try_into).transpose()?)
}

fn text<'r>(row: &'r Row<'_>, at: usize) -> anyhow::Result<&'r str> {
    Ok(row.get_ref(at)?.as_str()?)
}

fn optional_text<'r>(row: &'r Row<'_>, at: usize) -> anyhow::Result<Option<&'r str>> {
    Ok(row.get_ref(at)?.as_str_or_null()?)
}
