//! Keeps the statements of a request that somebody wants to see explained, and has the database explain them.
//!
//! **Invariants:** a request that nobody wants to see explained pays one look at a field for it; what is explained is run where it cannot
//! write, and for no longer than any statement may run.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{Values, metric};

use super::row::Row;
use super::statement_pool::StatementPool;
use super::{Database, DatabaseError};
use crate::explain::{Analysis, Place, Planned, Recorded, Recorder};

/// Where statements are kept, and who asks for them.
#[derive(Clone)]
pub(super) struct Recording {
    recorder: Arc<Recorder>,
    place: Option<Place>,
}

/// How PostgreSQL is asked to run a statement, and to plan it.
const ANALYZE: &str = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)";
const PLAN: &str = "EXPLAIN (FORMAT JSON)";

impl Recording {
    /// Keeps a statement.
    pub(super) fn keep(
        &self,
        result: &Result<Vec<Row>, DatabaseError>,
        took: Duration,
        (loader, keys): (&'static str, usize),
        (sql, values): (&Arc<str>, Values),
    ) {
        let (rows, failed, sql) = (result.as_ref().ok().map(Vec::len), result.is_err(), Arc::clone(sql));
        self.recorder.add(Recorded { place: self.place, loader, keys, sql, values, rows, failed, took });
    }

    /// Keeps a statement that SeaORM has run, whose rows it does not count.
    fn keep_by_metric(&self, info: &metric::Info<'_>) {
        self.recorder.add(Recorded {
            place: self.place,
            loader: "other",
            keys: 1,
            sql: info.statement.sql.as_str().into(),
            values: info.statement.values.clone().unwrap_or_else(|| Values(Vec::new())),
            rows: None,
            failed: info.failed,
            took: info.elapsed,
        });
    }
}

impl Database {
    /// The database for one request, whose reads are kept.
    pub(crate) fn recorded_by(&self, recorder: Arc<Recorder>) -> Self {
        self.recording(Recording { recorder, place: None })
    }

    /// Who keeps the statements, if somebody does.
    pub(crate) fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.recording.as_ref().map(|recording| &recording.recorder)
    }

    /// The database for the statements of one load, which are kept as that one's; none where nothing is kept.
    pub(crate) fn reading_at(&self, place: Place) -> Option<Box<Self>> {
        let Recording { recorder, .. } = self.recording.as_ref()?;
        Some(Box::new(self.recording(Recording { recorder: Arc::clone(recorder), place: Some(place) })))
    }

    fn recording(&self, recording: Recording) -> Self {
        let mut recorded = Self { recording: Some(recording.clone()), ..self.clone() };
        // Ordinary code reads through SeaORM.
        let observer = self.pools.observer.clone();
        Arc::make_mut(&mut recorded.pools).reader.set_metric_callback(move |info| {
            if let Some(observer) = &observer {
                observer(info);
            }
            recording.keep_by_metric(info);
        });
        recorded
    }

    /// Runs a statement again where it cannot write, and tells what the database did for it; or only plans it, and tells how it would be
    /// run.
    ///
    /// # Errors
    /// When it fails, or takes longer than a statement may.
    pub(crate) async fn analyze(&self, sql: &Arc<str>, values: &Values, run: bool) -> Result<Analysis, DatabaseError> {
        self.may_call()?;
        Ok(match &self.pools.statements {
            StatementPool::Postgres(servers) if run => {
                Analysis::Postgres(servers.explain(ANALYZE, sql, values.clone()).await?)
            }
            StatementPool::Postgres(servers) => {
                let plan = servers.explain(PLAN, sql, values.clone()).await?[0]["Plan"].take();
                Analysis::Planned(Planned::Postgres(plan))
            }
            StatementPool::Sqlite(readers) if run => Analysis::Sqlite(readers.analyze(sql, values.clone()).await?),
            StatementPool::Sqlite(readers) => {
                Analysis::Planned(Planned::Sqlite(readers.plan(sql, values.clone()).await?))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::PoolOptions;

    async fn analyze(sql: &str) -> Result<Analysis, DatabaseError> {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("explained.db").display());
        let pool = PoolOptions { statement_timeout: Some(Duration::from_millis(300)), ..PoolOptions::default() };
        let database = Database::connect(&url, &pool).await.unwrap();
        database.migrate().await.unwrap();
        let analysis = database.analyze(&sql.into(), &Values(Vec::new()), true).await;
        database.close().await.unwrap();
        analysis
    }

    #[tokio::test]
    async fn what_is_explained_on_sqlite_ends_with_its_time_and_cannot_write() {
        let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        assert!(matches!(analyze(endless).await, Err(DatabaseError::StatementTimeout(_))));
        let refused = analyze("DELETE FROM projects").await.unwrap_err();
        let cause = std::error::Error::source(&refused).unwrap().to_string();
        assert!(cause.contains("readonly"), "{cause}");
        let Ok(Analysis::Sqlite(work)) = analyze("SELECT count(*) FROM projects").await else { panic!() };
        assert!(work.vm_steps > 0 && !work.plan.is_empty(), "{work:?}");
    }
}
