//! Tells how a request is read: without reading it to whoever has the program, and of one that is run to an instance administrator.
//!
//! **Invariants:** who is no instance administrator is refused before anything is run; what is run again only reads, and is done by the time
//! at which the request has to be answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::ServerError;
use async_graphql::parser::types::OperationType;
use sea_orm::DbBackend;

use super::document::Document;
use super::errors::refusal;
use super::framework::{self, Ask};
use super::{Api, Request, schema, variables};
use crate::access::Caller;
use crate::batch::{DeclaresRoot as _, Scope};
use crate::code::Code;
use crate::database::Database;
use crate::explain::{Analysis, Recorded, Recorder, Report};

/// A request that is to be explained, while it runs.
pub(super) struct Explaining {
    recorder: Arc<Recorder>,
    began: Instant,
}

impl Explaining {
    /// Begins to keep what the request reads.
    ///
    /// # Errors
    /// Where the caller may not see it.
    pub(super) fn begin(caller: &Caller) -> Result<Self, ServerError> {
        if caller.is_admin() {
            return Ok(Self { recorder: Arc::default(), began: Instant::now() });
        }
        let message =
            "how a request is read is for instance administrators to see; send it again without asking for that";
        Err(refusal(Code::Forbidden, message, None))
    }

    /// The database whose reads are kept.
    pub(super) fn record(&self, database: &Database) -> Database {
        database.recorded_by(Arc::clone(&self.recorder))
    }

    /// Tells of what was read, after a look at each of its statements.
    pub(super) async fn explain(self, database: &Database, timeout: Option<Duration>) -> Report {
        let record = self.recorder.take();
        let until = timeout.map(|timeout| self.began + timeout);
        let mut analyses = Vec::with_capacity(record.statements.len());
        // One after the other, so that none slows another one down.
        for statement in &record.statements {
            analyses.push(analyze(database, statement, until).await);
        }
        let backend = match database.backend() {
            DbBackend::Sqlite => "sqlite",
            _ => "postgres",
        };
        Report::new(backend, &record, analyses)
    }
}

async fn analyze(database: &Database, statement: &Recorded, until: Option<Instant>) -> Result<Analysis, String> {
    // What has failed takes too long, most likely: then it is enough to plan it.
    let analysis = database.analyze(&statement.sql, &statement.values, !statement.failed);
    let analysis = match until {
        Some(until) => {
            let is_over = || "the time of the request was over".to_owned();
            // Who never has to wait is not stopped by a timer.
            if until <= Instant::now() {
                return Err(is_over());
            }
            tokio::time::timeout_at(until.into(), analysis).await.map_err(|_| is_over())?
        }
        None => analysis.await,
    };
    analysis.map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "a statement could not be explained");
        error.to_string()
    })
}

impl Api {
    /// How a query is read on a kind of database, for a person to read: its loads, level by level, and their statements.
    ///
    /// # Errors
    /// What is wrong with the request.
    pub async fn explain(mut request: Request, scope: &Scope) -> Result<String, Vec<ServerError>> {
        let document = Document::parse(request.query.as_deref().unwrap_or_default()).map_err(|error| vec![error])?;
        let operation = document.operation(request.operation_name.as_deref());
        if let Some(operation) = &operation {
            variables::coerce(&schema::types(), operation.definition, &mut request.variables)?;
        }
        let operation = operation.filter(|operation| operation.definition.ty == OperationType::Query);
        let Some(operation) = operation else {
            return Err(vec![ServerError::new("the document has no query of this name to explain", None)]);
        };
        let mut asked = async_graphql::Request::new("").variables(request.variables);
        asked.operation_name = request.operation_name;
        framework::ask(&schema::build(true), &document, &asked, Ask::Nothing).await?;
        let root = schema::QueryRoot::root();
        let query =
            operation.plans.query.query(root, &document.executable, operation.definition, &asked.variables, scope);
        Ok(query.map_err(|error| vec![error])?.describe())
    }
}
