//! `throughline explain`: tells how a query is read, without reading it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use async_graphql::Variables;

use crate::access::Caller;
use crate::batch::Scope;
use crate::config::{DEFAULT_FILE, DatabaseSettings};
use crate::database::Database;
use crate::graphql::{Api, PageLimits, Request};

/// Tell how a query is read: its loads, level by level, and their SQL. Nothing is opened or run
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
    #[command(flatten)]
    database: DatabaseSettings,
}

impl ExplainCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let text =
            std::fs::read_to_string(&self.file).with_context(|| format!("{} cannot be read", self.file.display()))?;
        let variables = serde_json::from_str(&self.variables).context("--variables is not JSON")?;
        let mut request = Request::new(text).variables(Variables::from_json(variables));
        if let Some(name) = self.operation {
            request = request.operation_name(name);
        }
        let backend = Database::backend_of(&self.database.url_or(DEFAULT_FILE))?;
        let scope = Scope { backend, caller: Arc::new(Caller::local_owner()), limits: PageLimits::default() };
        match Api::explain(request, &scope).await {
            Ok(plan) => super::print(&plan),
            Err(errors) => {
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
    }
}
