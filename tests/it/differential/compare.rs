//! Answers as they are compared: text, in which what has no order of its own is put into one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Value;
use entity::user::InstanceRole;
use throughline::access::{ActorKind, Caller, Rights, Role};
use throughline::graphql::{Api, Limits, Request, Settings};

use super::data;
use super::generate::{Document, Known, Values};
use super::oracle::Oracle;
use super::world::World;
use crate::support::{Backend, Client, TestDatabase};

/// The engine and the oracle over the same rows.
pub(crate) struct Bench {
    client: Client,
    /// The server, which keeps what it plans.
    api: Api,
    oracle: Oracle,
    /// Who asks the engine.
    caller: Caller,
    pub(crate) known: Known,
}

/// The longest that the engine may take, on a machine that does other things as well.
const LONGEST: Duration = Duration::from_secs(3);

const NO_ANSWER: &str = "it did not answer in time";

/// What the two make of a document.
pub(crate) struct Answers {
    pub(crate) engine: String,
    pub(crate) oracle: String,
    pub(crate) statements: usize,
}

impl Bench {
    pub(crate) async fn new(backend: Backend) -> Self {
        Self::with_oracle_over(backend, |world| world).await
    }

    /// With an oracle that sees what is made of the rows.
    pub(crate) async fn with_oracle_over(backend: Backend, change: impl FnOnce(World) -> World) -> Self {
        let test = TestDatabase::new(backend).await;
        data::fill(&test.database).await;
        let world = World::load(&test.database).await;
        let client = Client::new(test);
        let known = Known::collect(&world, &client).await;
        let api = server(&client);
        Self { client, api, oracle: Oracle::new(Arc::new(change(world))), caller: Caller::local_owner(), known }
    }

    /// The engine asked by a member of every other project, and the oracle over the rows of those alone.
    pub(crate) async fn of_member(backend: Backend) -> Self {
        let mut own = BTreeMap::new();
        let change = |world: World| {
            let mut ids: Vec<_> = world.projects.iter().map(|project| project.id).collect();
            ids.sort_unstable();
            own.extend(ids.into_iter().step_by(2).map(|id| (id, Role::Viewer)));
            world.of_projects(|project| own.contains_key(&project))
        };
        let bench = Self::with_oracle_over(backend, change).await;
        let rights = Rights {
            instance: InstanceRole::Member,
            everywhere: None,
            projects: own,
            makes_projects: true,
            own_deeds: true,
        };
        Self { caller: Caller::new("member", ActorKind::Person, rights), ..bench }
    }

    /// Asks both.
    pub(crate) async fn ask(&self, document: &Document) -> Answers {
        self.ask_of(&self.api, document).await
    }

    /// Asks both, where the engine has served nothing yet but the same document with the values `before`.
    pub(crate) async fn ask_after(&self, before: &[Values], document: &Document) -> Answers {
        let api = server(&self.client);
        for values in before {
            let _ = answer(&api, &self.caller, &document.with(values)).await;
        }
        self.ask_of(&api, document).await
    }

    async fn ask_of(&self, api: &Api, document: &Document) -> Answers {
        self.client.statements.take();
        let engine = answer(api, &self.caller, document).await;
        let statements = self.client.statements.take().len();
        let oracle = self.oracle.answer(document.request()).await;
        Answers { engine, oracle: comparable(oracle.as_bytes()), statements }
    }
}

fn server(client: &Client) -> Api {
    // Random documents go beyond what is allowed of others.
    let settings = Settings { limits: Limits::unlimited(), ..Settings::default() };
    Api::new(client.test.database.clone(), settings)
}

async fn answer(api: &Api, caller: &Caller, document: &Document) -> String {
    let sent = document.request();
    let request = Request::new(sent.query).variables(sent.variables);
    let request = match sent.operation_name {
        Some(name) => request.operation_name(name),
        None => request,
    };
    let answer = api.execute(request, caller.clone(), "request-1".to_owned());
    let answer = tokio::time::timeout(LONGEST, answer).await;
    answer.map_or_else(|_| NO_ANSWER.to_owned(), |answer| comparable(&answer.body))
}

impl Answers {
    /// Whether the engine says something else than the oracle.
    ///
    /// Fields that cannot share their key pass async-graphql's validation in some places, and the oracle with them; there
    /// the engine has to refuse, or to say the same. (That it refuses is `reads/semantics.rs`'s to test.)
    pub(crate) fn differ(&self) -> bool {
        self.engine != self.oracle && !self.engine_refused_to_merge()
    }

    /// Whether the engine found fields that cannot share their key.
    pub(crate) fn engine_refused_to_merge(&self) -> bool {
        self.engine.contains("\"message\":\"the fields under the key ")
    }
}

/// The answer with the errors of validation, which come in any order, in one. All others have a path, and an order.
fn comparable(body: &[u8]) -> String {
    let mut answer: Value = serde_json::from_slice(body).unwrap();
    if let Value::Object(answer) = &mut answer
        && let Some(Value::List(errors)) = answer.get_mut("errors")
    {
        let has_path = |error: &Value| matches!(error, Value::Object(error) if error.contains_key("path"));
        if !errors.iter().any(has_path) {
            errors.sort_by_cached_key(ToString::to_string);
        }
    }
    serde_json::to_string(&answer).unwrap()
}
