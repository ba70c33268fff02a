//! `throughline schema`: prints the schema, which is checked in as `schema.graphql`, and says what has changed since another.

use anyhow::anyhow;

use super::schema_check::CheckCommand;
use crate::graphql::Api;

/// Print the GraphQL schema, or compare it with another one
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct SchemaCommand {
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: SchemaFormat,
    #[command(subcommand)]
    action: Option<SchemaAction>,
}

#[derive(clap::Subcommand)]
enum SchemaAction {
    Check(CheckCommand),
}

/// How a schema is written.
#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum SchemaFormat {
    /// In the schema definition language
    #[default]
    Sdl,
    /// As JSON: the answer to the introspection query
    Introspection,
}

impl SchemaCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match (self.action, self.format) {
            (Some(SchemaAction::Check(check)), _) => check.run(),
            (None, SchemaFormat::Sdl) => super::print(&Api::sdl()),
            (None, SchemaFormat::Introspection) => {
                let answer = Api::introspection().await.map_err(|error| anyhow!(error.message))?;
                super::print(&format!("{answer:#}\n"))
            }
        }
    }
}
