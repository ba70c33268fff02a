//! The API over a test's database, with the statements counted.

use std::sync::Arc;

use async_graphql::Variables;
use serde_json::{Value, json};
use throughline::access::Caller;
use throughline::encryption::KeyRing;
use throughline::graphql::{Answer, Api, Limits, Request, Settings};

use super::{Statements, TestDatabase};

/// Asks the API in process, as the local owner unless somebody else is named.
pub(crate) struct Client {
    api: Api,
    pub(crate) statements: Statements,
    pub(crate) test: TestDatabase,
}

impl Client {
    pub(crate) fn new(mut test: TestDatabase) -> Self {
        let statements = Statements::observe(&mut test.database);
        let settings = Settings { limits: Limits::unlimited(), timeout: None, ..Settings::default() };
        Self { api: Api::new(test.database.clone(), settings), statements, test }
    }

    /// The same, with the keys that encrypt and open secrets.
    pub(crate) fn with_keys(self, keys: &str) -> Self {
        Self { api: self.api.with_key_ring(Arc::new(KeyRing::read(keys))), ..self }
    }

    /// What it asks.
    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// The answer as it is sent.
    pub(crate) async fn answer(&self, document: &str, variables: Value) -> Answer {
        self.execute(Request::new(document).variables(Variables::from_json(variables))).await
    }

    /// The answer to a request, which may name its operation.
    pub(crate) async fn execute(&self, request: Request) -> Answer {
        self.api.execute(request, Caller::local_owner(), "request-1".to_owned()).await
    }

    /// The whole answer to somebody else.
    pub(crate) async fn run_as(&self, caller: &Caller, document: &str, variables: Value) -> Value {
        let request = Request::new(document).variables(Variables::from_json(variables));
        let answer = self.api.execute(request, caller.clone(), "request-1".to_owned()).await;
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// The whole answer.
    pub(crate) async fn run(&self, document: &str, variables: Value) -> Value {
        let answer = self.answer(document, variables).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body.get("data").is_some(), answer.has_data, "{body}");
        body
    }

    /// The data of an answer that has no errors.
    pub(crate) async fn data(&self, document: &str) -> Value {
        self.data_with(document, json!({})).await
    }

    /// The data of an answer that has no errors.
    pub(crate) async fn data_with(&self, document: &str, variables: Value) -> Value {
        let mut body = self.run(document, variables).await;
        assert_eq!(body.get("errors"), None, "{document}");
        body["data"].take()
    }

    /// The one error of an answer that has one.
    pub(crate) async fn error(&self, document: &str, variables: Value) -> Value {
        let mut body = self.run(document, variables).await;
        let errors = body["errors"].as_array_mut().unwrap_or_else(|| panic!("no errors for {document}"));
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors.remove(0)
    }
}
