//! The hand-written server that Throughline is measured against: axum, a database driver, one SQL statement a request, JSON
//! written into bytes. No GraphQL, no ORM, no types but those of these four answers.
//!
//! `GET /point/ID`, `/nested/ID`, `/wide/ID` and `/flat/ID` take a UUID: the object's, or the one after which the list begins.
//! `/split/nested/ID` and `/split/wide/ID` answer the same with several statements: on PostgreSQL one a level, on SQLite
//! one for each parent, which costs no way to a server there. `POST /create/PROJECT/NAME` makes a feature, with the rows that
//! Throughline writes for one.

mod create;
mod postgres;
mod sqlite;

use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use clap::Parser;
use uuid::Uuid;

use self::create::NewFeature;

#[derive(Parser)]
struct Arguments {
    /// The database's URL, as Throughline takes it
    #[arg(long)]
    database: String,
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// Connections to PostgreSQL: as many as Throughline keeps
    #[arg(long, default_value_t = 8)]
    connections: usize,
}

/// What is asked.
#[derive(Clone, Copy)]
enum Question {
    Point,
    Nested,
    Wide,
    Flat,
    SplitNested,
    SplitWide,
}

/// Who answers.
enum Database {
    Postgres(postgres::Connections),
    Sqlite(sqlite::File),
}

impl Database {
    async fn answer(&self, question: Question, id: Uuid) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Postgres(connections) => connections.answer(question, id).await,
            // A read of a file that is cached takes less than handing it to another thread and waiting for it.
            Self::Sqlite(file) => file.answer(question, id),
        }
    }

    async fn create(&self, project: Uuid, name: &str) -> anyhow::Result<Vec<u8>> {
        let feature = NewFeature::new(project, name);
        match self {
            Self::Postgres(connections) => connections.create(&feature).await?,
            Self::Sqlite(file) => file.create(&feature)?,
        }
        Ok(feature.answer())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let database = match arguments.database.strip_prefix("sqlite://") {
        Some(path) => Database::Sqlite(sqlite::File::new(path)),
        None => Database::Postgres(postgres::Connections::open(&arguments.database, arguments.connections).await?),
    };
    let database = Arc::new(database);
    let mut router = Router::new();
    for (path, question) in [
        ("/point/{id}", Question::Point),
        ("/nested/{id}", Question::Nested),
        ("/wide/{id}", Question::Wide),
        ("/flat/{id}", Question::Flat),
        ("/split/nested/{id}", Question::SplitNested),
        ("/split/wide/{id}", Question::SplitWide),
    ] {
        let handle = move |State(database): State<Arc<Database>>, Path(id): Path<Uuid>| async move {
            respond(database.answer(question, id).await)
        };
        router = router.route(path, get(handle));
    }
    let create = |State(database): State<Arc<Database>>, Path((project, name)): Path<(Uuid, String)>| async move {
        respond(database.create(project, &name).await)
    };
    router = router.route("/create/{project}/{name}", post(create));
    let listener = tokio::net::TcpListener::bind(&arguments.listen).await.context("cannot listen")?;
    println!("listening at http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    Ok(axum::serve(listener, router.with_state(database)).await?)
}

fn respond(answer: anyhow::Result<Vec<u8>>) -> Response {
    const JSON: HeaderValue = HeaderValue::from_static("application/json");
    match answer {
        Ok(body) => ([(header::CONTENT_TYPE, JSON)], body).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}
