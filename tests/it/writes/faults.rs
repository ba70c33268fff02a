//! Whichever call of the database fails, a write is done as a whole or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sea_orm::DbErr;
use serde_json::{Value, json};
use throughline::database::DatabaseError;
use throughline::encryption::KeyRing;

use crate::support::{Backend, Client, Tables, TestDatabase};

on_both!(each_call_may_fail_once, each_call_may_fail_for_good);

/// Each mutation, over what [`Bench::prepare`] makes: project `$p` with feature `$f`, its test `$t` and deployment `$v`,
/// deleted feature `$d`, and a new name `$n`.
const MUTATIONS: &[&str] = &[
    "createProject(input: {name: $n, description: \"d\"}, idempotencyKey: $n) { project { id featureCount } userErrors { code } }",
    "updateProject(input: {id: $p, name: $n}, idempotencyKey: $n) { project { id name } userErrors { code } }",
    "deleteProject(input: {id: $p, expectedVersion: 1}, idempotencyKey: $n) { project { id } userErrors { code } }",
    "createFeature(input: {projectId: $p, name: $n}, idempotencyKey: $n) { feature { id project { name } } userErrors { code } }",
    "updateFeature(input: {id: $f, name: $n, expectedVersion: 1}, idempotencyKey: $n) { feature { id testSummary { total } } userErrors { code } }",
    "createFeature(input: {projectId: $p, name: $n, confidentialNotes: \"s\"}, idempotencyKey: $n) {
        feature { confidentialNotes } userErrors { code } }",
    "updateFeature(input: {id: $f, confidentialNotes: \"s\"}, idempotencyKey: $n) { feature { confidentialNotes } userErrors { code } }",
    "changeFeatureStatus(input: {id: $f, status: BLOCKED}, idempotencyKey: $n) { feature { id } userErrors { code } }",
    "deleteFeature(input: {id: $f}, idempotencyKey: $n) { feature { id } userErrors { code } }",
    "restoreFeature(input: {id: $d}, idempotencyKey: $n) { feature { id tests { totalCount } } userErrors { code } }",
    "createFeatures(input: {features: [{projectId: $p, name: $n}, {projectId: $p, name: \"other\"}]}, idempotencyKey: $n) {
        results { feature { id } } userErrors { code } }",
    "updateFeatures(input: {features: [{id: $f, name: $n}]}, idempotencyKey: $n) { results { feature { id } } userErrors { code } }",
    "updateFeaturePriorities(input: {features: [{id: $f, priority: 9}]}, idempotencyKey: $n) {
        results { feature { id } } userErrors { code } }",
    "deleteFeatures(input: {features: [{id: $f}]}, idempotencyKey: $n) { results { feature { id } } userErrors { code } }",
    "createTestCase(input: {featureId: $f, name: $n}, idempotencyKey: $n) { testCase { id feature { name } } userErrors { code } }",
    "updateTestCase(input: {id: $t, name: $n, expectedVersion: 1}, idempotencyKey: $n) { testCase { id } userErrors { code } }",
    "deleteTestCase(input: {id: $t}, idempotencyKey: $n) { testCase { id } userErrors { code } }",
    "recordTestRuns(input: {results: [{featureId: $f, name: \"t\", status: FAILED}, {featureId: $f, name: $n, status: PASSED}]}, idempotencyKey: $n) {
        results { testCase { id } } created updated userErrors { code } }",
    "createDeployment(input: {featureId: $f, environment: \"e\", version: $n}, idempotencyKey: $n) {
        deployment { id } userErrors { code } }",
    "updateDeployment(input: {id: $v, status: FAILED}, idempotencyKey: $n) { deployment { id } userErrors { code } }",
    "deleteDeployment(input: {id: $v}, idempotencyKey: $n) { deployment { id } userErrors { code } }",
    "createWebhook(input: {projectId: $p, url: \"https://example.org/\", types: [\"feature\"], secret: \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}, idempotencyKey: $n) { webhook { url } userErrors { code } }",
    "applyChanges(input: {steps: [
            {name: \"p\", change: {createProject: {name: $n}}},
            {name: \"f\", change: {createFeature: {projectId: \"$ref:p\", name: \"F\"}}},
            {change: {createTestCase: {featureId: \"$ref:f\", name: \"t\"}}},
            {change: {createDeployment: {featureId: \"$ref:f\", environment: \"e\", version: \"1\"}}},
            {change: {updateTestCase: {id: $t, status: FAILED}}}
        ]}, idempotencyKey: $n) { results { node { id } } userErrors { code } }",
];

/// How calls fail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// One call, in a way that is worth another try.
    Once,
    /// That call and all after it.
    ForGood,
}

struct Bench {
    client: Client,
    /// How many calls are left before the faulty one.
    countdown: Arc<AtomicI64>,
    /// Names that were given so far.
    names: u32,
}

const NO_FAULT: i64 = i64::MAX;

impl Bench {
    async fn new(backend: Backend, fault: Fault) -> Self {
        let mut test = TestDatabase::new(backend).await;
        let countdown = Arc::new(AtomicI64::new(NO_FAULT));
        test.database.inject_faults({
            let countdown = Arc::clone(&countdown);
            move || {
                let left = countdown.fetch_sub(1, Ordering::SeqCst);
                let error = DbErr::Custom("injected".to_owned());
                match fault {
                    Fault::Once if left == 1 => Some(DatabaseError::Conflict(error)),
                    Fault::ForGood if left <= 1 => Some(DatabaseError::Unavailable(error)),
                    _ => None,
                }
            }
        });
        Self { client: Client::new(test).with_keys(&KeyRing::generate_key()), countdown, names: 0 }
    }

    /// Makes what a mutation is about, and gives the variables.
    async fn prepare(&mut self) -> Value {
        self.countdown.store(NO_FAULT, Ordering::SeqCst);
        self.names += 1;
        let name = format!("name {}", self.names);
        let make = "mutation($n: String!) { createProject(input: {name: $n}) { project { id } } }";
        let data = self.client.data_with(make, json!({ "n": format!("project of {name}") })).await;
        let project = data["createProject"]["project"]["id"].clone();
        let make = "mutation($p: ID!) {
            createFeatures(input: {features: [{projectId: $p, name: \"first\"}, {projectId: $p, name: \"second\"}]}) {
                results { feature { id } } } }";
        let data = self.client.data_with(make, json!({ "p": project })).await;
        let id = |number: usize| data["createFeatures"]["results"][number]["feature"]["id"].clone();
        let delete = "mutation($f: ID!) { deleteFeature(input: {id: $f}) { userErrors { code } } }";
        self.client.data_with(delete, json!({ "f": id(1) })).await;
        let make = "mutation($f: ID!) {
            createTestCase(input: {featureId: $f, name: \"t\"}) { testCase { id } }
            createDeployment(input: {featureId: $f, environment: \"e\", version: \"1\"}) { deployment { id } } }";
        let children = self.client.data_with(make, json!({ "f": id(0) })).await;
        let test = &children["createTestCase"]["testCase"]["id"];
        let deployment = &children["createDeployment"]["deployment"]["id"];
        json!({ "p": project, "f": id(0), "d": id(1), "t": test, "v": deployment, "n": name })
    }

    /// Runs a mutation whose call `number` fails. Tells whether there was such a call.
    async fn try_with_fault(&mut self, mutation: &str, number: i64, fault: Fault) -> bool {
        let variables = self.prepare().await;
        let before = Tables::read(&self.client.test.database).await;
        // A variable that is declared must be used.
        let declared = ["$p: ID!", "$f: ID!", "$d: ID!", "$t: ID!", "$v: ID!", "$n: String!"].into_iter();
        let declared: Vec<&str> = declared.filter(|variable| mutation.contains(&variable[..2])).collect();
        let document = format!("mutation({}) {{ {mutation} }}", declared.join(", "));
        self.countdown.store(number, Ordering::SeqCst);
        let body = self.client.run(&document, variables.clone()).await;
        let has_failed = self.countdown.swap(NO_FAULT, Ordering::SeqCst) < 1;
        let after = Tables::read(&self.client.test.database).await;
        after.assert_tell_one_story();
        let context = format!("call {number} of {mutation}: {body}");
        let errors = body.get("errors").and_then(Value::as_array);
        // The payload is read once all is written.
        let is_written = errors.is_none_or(|errors| errors[0]["path"].as_array().is_some_and(|path| path.len() > 1));
        if is_written {
            assert!(after.events.len() > before.events.len(), "{context}");
            assert!(errors.is_some() || !body.to_string().contains("code"), "{context}");
        } else {
            assert!(fault == Fault::ForGood, "is run again: {context}");
            assert!(after == before, "{context}");
        }
        // Sent again, it is carried out once.
        let answer = self.client.run(&document, variables).await;
        assert_eq!(answer.get("errors"), None, "{context}");
        let again = Tables::read(&self.client.test.database).await;
        again.assert_tell_one_story();
        if is_written {
            assert!(again == after, "sent again, it is not carried out again: {context}");
        } else {
            assert!(again.events.len() > before.events.len(), "sent again, it is carried out: {context}");
        }
        has_failed
    }
}

async fn sweep(backend: Backend, fault: Fault) {
    let mut bench = Bench::new(backend, fault).await;
    for mutation in MUTATIONS {
        let mut number = 1;
        while bench.try_with_fault(mutation, number, fault).await {
            number += 1;
        }
        // At least one call writes.
        assert!(number > 1, "{mutation} made {number} calls");
    }
}

async fn each_call_may_fail_once(backend: Backend) {
    sweep(backend, Fault::Once).await;
}

async fn each_call_may_fail_for_good(backend: Backend) {
    sweep(backend, Fault::ForGood).await;
}
