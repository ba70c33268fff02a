//! `throughline schema`: prints the schema, which is checked in as `schema.graphql`.

use crate::graphql::Api;

/// Print the GraphQL schema
#[derive(clap::Args)]
pub(super) struct SchemaCommand {}

impl SchemaCommand {
    #[expect(clippy::unused_self, reason = "every command runs in the same way")]
    pub(super) fn run(self) -> anyhow::Result<()> {
        super::print(&Api::sdl())
    }
}
