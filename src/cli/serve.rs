//! `throughline serve`: answers GraphQL requests until it is told to stop.

use crate::app::App;
use crate::config::{DEFAULT_FILE, DEMO_FILE, DatabaseSettings, ServeSettings, StatementSettings};
use crate::database::PoolOptions;

/// Serve GraphQL, with GraphiQL in the browser
#[derive(clap::Args)]
pub(super) struct ServeCommand {
    /// Import the demo's data into an empty database, throughline-demo.db where none is set
    #[arg(long)]
    demo: bool,
    #[command(flatten)]
    settings: ServeSettings,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    statements: StatementSettings,
}

impl ServeCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let url = self.database.url_or(if self.demo { DEMO_FILE } else { DEFAULT_FILE });
        let statement_timeout = Some(self.statements.statement_timeout());
        let pool = PoolOptions { statement_timeout, ..self.database.pool() };
        let app = App::start(&url, &pool, &self.settings).await?;
        if self.demo {
            app.import_demo().await?;
        }
        app.serve_until_stopped().await
    }
}
