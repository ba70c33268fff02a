//! `throughline serve`: answers GraphQL requests until it is told to stop.

use crate::app::App;
use crate::config::{DEFAULT_FILE, DEMO_FILE, DatabaseSettings, ServeSettings};

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
}

impl ServeCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let url = self.database.url_or(if self.demo { DEMO_FILE } else { DEFAULT_FILE });
        let app = App::start(&url, &self.database.pool(), &self.settings).await?;
        if self.demo {
            app.import_demo().await?;
        }
        app.serve_until_stopped().await
    }
}
