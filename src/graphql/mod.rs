//! A stand-in for the GraphQL schema.

use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema};

use crate::access::Caller;
use crate::database::Database;

/// How long a list is.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// Where the request does not say.
    pub default: u32,
    /// At most.
    pub max: u32,
}

/// The schema over a database.
#[derive(Clone)]
pub struct Api {
    schema: Schema<Query, EmptyMutation, EmptySubscription>,
}

/// What a request is answered.
pub struct Answer {
    /// JSON.
    pub body: Vec<u8>,
    /// Whether there is a `data` entry.
    pub has_data: bool,
}

struct Query;

#[Object]
impl Query {
    async fn echo(&self, text: String) -> String {
        text
    }
}

impl Api {
    /// Stand-in.
    #[must_use]
    pub fn new(_database: Database, _limits: PageLimits) -> Self {
        Self { schema: Schema::new(Query, EmptyMutation, EmptySubscription) }
    }

    /// Stand-in.
    #[must_use]
    pub fn sdl() -> String {
        Schema::new(Query, EmptyMutation, EmptySubscription).sdl()
    }

    /// Runs one request for `caller`; the answer as JSON bytes.
    pub async fn execute(&self, request: Request, _caller: Caller, _request_id: String) -> Answer {
        let response = self.schema.execute(request).await;
        Answer { has_data: response.is_ok(), body: serde_json::to_vec(&response).unwrap_or_default() }
    }
}
