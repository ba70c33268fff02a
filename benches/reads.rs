//! Reads in process: what a change of the engine costs or saves, in a minute. `cargo bench`.
//!
//! It runs the four documents of `benches/queries` through [`Api::execute`] over the rows of `benches/data`: on SQLite, and on
//! the server that `TEST_DATABASE_URL` names, if it is set. What the README claims is measured by `benches/run`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to say")]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use divan::Bencher;
use sea_orm::sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection, raw_sql};
use serde_json::{Value, json};
use tempfile::TempDir;
use throughline::access::Caller;
use throughline::database::{Database, PoolOptions};
use throughline::graphql::{Api, PageLimits};
use tokio::runtime::Runtime;

fn main() {
    divan::main();
    if let Some(prepared) = POSTGRES.get().and_then(Option::as_ref) {
        prepared.drop_database();
    }
}

#[divan::bench(args = [Backend::Sqlite, Backend::Postgres])]
fn point(bencher: Bencher<'_, '_>, backend: Backend) {
    run(bencher, backend, include_str!("queries/point.graphql"), |ids| &ids.features);
}

#[divan::bench(args = [Backend::Sqlite, Backend::Postgres])]
fn nested(bencher: Bencher<'_, '_>, backend: Backend) {
    run(bencher, backend, include_str!("queries/nested.graphql"), |ids| &ids.projects);
}

#[divan::bench(args = [Backend::Sqlite, Backend::Postgres])]
fn wide(bencher: Bencher<'_, '_>, backend: Backend) {
    run(bencher, backend, include_str!("queries/wide.graphql"), |ids| &ids.after_projects);
}

#[divan::bench(args = [Backend::Sqlite, Backend::Postgres])]
fn flat(bencher: Bencher<'_, '_>, backend: Backend) {
    run(bencher, backend, include_str!("queries/flat.graphql"), |ids| &ids.after_features);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backend {
    Sqlite,
    Postgres,
}

/// Runs a document, each time with other variables.
fn run(bencher: Bencher<'_, '_>, backend: Backend, document: &'static str, variables: fn(&Ids) -> &Vec<Value>) {
    let Some(prepared) = Prepared::get(backend) else { return };
    let variables = variables(&prepared.ids);
    let turn = AtomicUsize::new(0);
    let execute = || {
        let variables = &variables[turn.fetch_add(1, Ordering::Relaxed) % variables.len()];
        prepared.execute(document, variables)
    };
    let answer = execute();
    assert!(!answer.windows(9).any(|window| window == b"\"errors\":"), "{}", String::from_utf8_lossy(&answer));
    bencher.bench_local(execute);
}

/// A filled database, and the API over it.
struct Prepared {
    runtime: Runtime,
    api: Api,
    ids: Ids,
    _folder: Option<TempDir>,
    on_server: Option<OnServer>,
}

struct OnServer {
    admin_url: String,
    name: String,
}

/// The variables of the documents.
struct Ids {
    features: Vec<Value>,
    projects: Vec<Value>,
    after_projects: Vec<Value>,
    after_features: Vec<Value>,
}

static SQLITE: OnceLock<Prepared> = OnceLock::new();
static POSTGRES: OnceLock<Option<Prepared>> = OnceLock::new();

impl Prepared {
    fn get(backend: Backend) -> Option<&'static Self> {
        match backend {
            Backend::Sqlite => Some(SQLITE.get_or_init(Self::on_sqlite)),
            Backend::Postgres => POSTGRES.get_or_init(Self::on_postgres).as_ref(),
        }
    }

    fn on_sqlite() -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("reads.db").display());
        let database = runtime.block_on(async {
            let database = open(&url).await;
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            connection.execute("PRAGMA synchronous = OFF").await.unwrap();
            fill(&mut connection, include_str!("data/sqlite.sql"), "ANALYZE").await;
            connection.close().await.unwrap();
            database
        });
        Self::over(runtime, database, Some(folder), None)
    }

    fn on_postgres() -> Option<Self> {
        let admin_url = std::env::var("TEST_DATABASE_URL").ok()?;
        let name = format!("throughline_bench_{}", uuid::Uuid::now_v7().simple());
        let mut url = reqwest::Url::parse(&admin_url).unwrap();
        url.set_path(&name);
        let runtime = Runtime::new().unwrap();
        let database = runtime.block_on(async {
            let mut admin = PgConnection::connect(&admin_url).await.unwrap();
            admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
            let database = open(url.as_str()).await;
            let mut connection = PgConnection::connect(url.as_str()).await.unwrap();
            fill(&mut connection, include_str!("data/postgres.sql"), "VACUUM ANALYZE").await;
            database
        });
        Some(Self::over(runtime, database, None, Some(OnServer { admin_url, name })))
    }

    fn over(runtime: Runtime, database: Database, folder: Option<TempDir>, on_server: Option<OnServer>) -> Self {
        let ids = Ids { features: vec![], projects: vec![], after_projects: vec![], after_features: vec![] };
        let api = Api::new(database, PageLimits::default());
        let mut prepared = Self { runtime, api, ids, _folder: folder, on_server };
        let all = "{ projects(first: 80) { edges { cursor node { id features(first: 10) { nodes { id } } } } }
                     features(first: 900) { edges { cursor } } }";
        let all: Value = serde_json::from_slice(&prepared.execute(all, &json!({}))).unwrap();
        let list = |value: &Value| value.as_array().unwrap().clone();
        let projects = list(&all["data"]["projects"]["edges"]);
        prepared.ids = Ids {
            projects: projects.iter().map(|edge| json!({ "id": edge["node"]["id"] })).collect(),
            after_projects: projects.iter().map(|edge| json!({ "after": edge["cursor"] })).collect(),
            features: projects
                .iter()
                .flat_map(|edge| list(&edge["node"]["features"]["nodes"]))
                .map(|node| json!({ "id": node["id"] }))
                .collect(),
            after_features: list(&all["data"]["features"]["edges"])
                .iter()
                .map(|edge| json!({ "after": edge["cursor"] }))
                .collect(),
        };
        prepared
    }

    /// Runs a request from its text to the bytes of its answer.
    fn execute(&self, document: &str, variables: &Value) -> Vec<u8> {
        let variables = async_graphql::Variables::from_json(variables.clone());
        let request = throughline::graphql::Request::new(document).variables(variables);
        let answer = self.api.execute(request, Caller::local_owner(), String::new());
        self.runtime.block_on(answer).body
    }

    fn drop_database(&self) {
        let Some(OnServer { admin_url, name }) = &self.on_server else { return };
        self.runtime.block_on(async {
            let mut admin = PgConnection::connect(admin_url).await.unwrap();
            admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
        });
    }
}

async fn open(url: &str) -> Database {
    let database = Database::connect(url, &PoolOptions::default()).await.unwrap();
    database.migrate().await.unwrap();
    database
}

/// The rows are made on one connection, for which alone their functions are there.
async fn fill<C: Connection>(connection: &mut C, sql: &str, afterwards: &'static str)
where
    for<'c> &'c mut C: Executor<'c, Database = C::Database>,
{
    let sql = sql.replace("PROJECTS", "100").replace("FEATURES", "100").replace("TESTS", "10");
    raw_sql(AssertSqlSafe(sql.replace("DEPLOYMENTS", "2"))).execute(&mut *connection).await.unwrap();
    connection.execute(afterwards).await.unwrap();
}
