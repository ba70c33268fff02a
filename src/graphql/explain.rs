//! Explains a request to an instance administrator: each statement that it has read with is run again, and measured.
//!
//! **Invariants:** who is no instance administrator is refused before anything is run; what is run again only reads, and is done by the time
//! at which the request has to be answered.

use std::time::Instant;

use sea_orm::DbBackend;

use super::Answer;
use super::errors::refusal;
use crate::code::Code;
use crate::database::Database;
use crate::explain::{Analysis, Record, Recorded, Report};
use crate::telemetry::{Observed, Outcome};

/// The answer to who may not see how a request is read.
pub(super) fn refuse(observed: &Observed) -> Answer {
    let message = "how a request is read is for instance administrators to see; send it again without asking for that";
    observed.end(Outcome::Refused, [Code::Forbidden]);
    Answer::refused(vec![refusal(Code::Forbidden, message, None)]).finish(1)
}

/// Tells of a record, after a look at each of its statements.
pub(super) async fn explain(database: &Database, record: &Record, until: Option<Instant>) -> Report {
    let mut analyses = Vec::with_capacity(record.statements.len());
    // One after the other, so that none slows another one down.
    for statement in &record.statements {
        analyses.push(analyze(database, statement, until).await);
    }
    let backend = match database.backend() {
        DbBackend::Sqlite => "sqlite",
        _ => "postgres",
    };
    Report::new(backend, record, analyses)
}

async fn analyze(database: &Database, statement: &Recorded, until: Option<Instant>) -> Result<Analysis, String> {
    if statement.failed {
        return Err("it failed in the request".to_owned());
    }
    let analysis = database.analyze(&statement.sql, &statement.values);
    let analysis = match until {
        Some(until) => tokio::time::timeout_at(until.into(), analysis)
            .await
            .map_err(|_| "the time of the request was over".to_owned())?,
        None => analysis.await,
    };
    analysis.map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "a statement could not be explained");
        error.to_string()
    })
}
