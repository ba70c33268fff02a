//! `throughline explain`: tells how a query is read, without reading it or by doing so.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use async_graphql::{ServerError, Variables};
use uuid::Uuid;

use super::migrate::open_to_read;
use crate::access::Caller;
use crate::batch::Scope;
use crate::config::{DEFAULT_FILE, DatabaseSettings, StatementSettings};
use crate::database::Database;
use crate::graphql::{Api, PageLimits, Request};

/// Tell how a query is read: its loads, level by level, and their SQL. Nothing is opened or run without --analyze
#[derive(clap::Args)]
pub(super) struct ExplainCommand {
    /// The file of the document
    file: PathBuf,
    /// The variables, as a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    variables: String,
    /// The operation, where the document has several
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Run the query and each of its statements once more, and tell what the database did for each field
    #[arg(long)]
    analyze: bool,
    /// How to tell it
    #[arg(long, value_enum, default_value_t = Format::Tree, requires = "analyze")]
    format: Format,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    statements: StatementSettings,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For a person
    Tree,
    /// For a program, as docs/OPERATIONS.md describes it
    Json,
}

impl ExplainCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let backend = Database::backend_of(&self.database.url_or(DEFAULT_FILE))?;
        let scope = Scope { backend, caller: Arc::new(Caller::local_owner()), limits: PageLimits::default() };
        // What is wrong with the document is told in the same words, whether it is run or not.
        let planned = Api::explain(self.request()?, &scope).await;
        let plan = planned.or_else(|errors| self.fail(&errors))?;
        if !self.analyze {
            return super::print(&plan);
        }
        let database = open_to_read(&self.database, self.statements.statement_timeout()).await?;
        let told = self.analyze(&database).await;
        database.close().await?;
        super::print(&told?)
    }

    fn request(&self) -> anyhow::Result<Request> {
        let text =
            std::fs::read_to_string(&self.file).with_context(|| format!("{} cannot be read", self.file.display()))?;
        let variables = serde_json::from_str(&self.variables).context("--variables is not JSON")?;
        let request = Request::new(text).variables(Variables::from_json(variables));
        Ok(match &self.operation {
            Some(name) => request.operation_name(name.as_str()),
            None => request,
        })
    }

    /// Runs the query as a server would, and explains it.
    async fn analyze(&self, database: &Database) -> anyhow::Result<String> {
        let api = Api::new(database.clone(), PageLimits::default());
        let request = self.request()?.only_safe().explained();
        let answer = api.execute(request, Caller::local_owner(), format!("cli-{}", Uuid::now_v7())).await;
        let Some(report) = answer.explanation() else { return self.fail(answer.errors()) };
        // A field that failed has its statements explained all the same.
        for error in answer.errors() {
            tracing::warn!(error = error.message, path = ?error.path, "a field failed");
        }
        Ok(match self.format {
            Format::Tree => report.to_string(),
            Format::Json => serde_json::to_string_pretty(report)? + "\n",
        })
    }

    fn fail<T>(&self, errors: &[ServerError]) -> anyhow::Result<T> {
        let errors: Vec<_> = errors
            .iter()
            .map(|error| {
                let place = error.locations.first();
                let place = place.map(|place| format!("{}:{}: ", place.line, place.column)).unwrap_or_default();
                format!("{}:{place}{}", self.file.display(), error.message)
            })
            .collect();
        bail!(errors.join("\n"))
    }
}
