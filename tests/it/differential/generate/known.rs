//! What a generator knows of the data: ids, and cursors from earlier answers of the engine.

use async_graphql::{Name, Value};
use fastrand::Rng;
use serde_json::Value as Json;
use throughline::batch::id;

use super::fields::ORDERS;
use crate::differential::world::World;
use crate::support::Client;

/// An order, and cursors of lists in it.
type OrderCursors = (Value, Vec<String>);

/// Ids and cursors.
pub(crate) struct Known {
    /// Of each type, those that can be had.
    pub(crate) ids: Vec<(&'static str, Vec<String>)>,
    /// Those of deleted features and their children.
    pub(crate) hidden: Vec<String>,
    /// Of each type, orders and the cursors that lists in them have.
    pub(crate) orders: Vec<(&'static str, Vec<OrderCursors>)>,
    /// The cursors of what is searched for.
    pub(crate) hits: Vec<String>,
}

impl Known {
    /// Asks the engine.
    pub(crate) async fn collect(world: &World, client: &Client) -> Self {
        let as_text = |prefix, ids: &mut dyn Iterator<Item = _>| ids.map(|uuid| id::format(prefix, uuid)).collect();
        let (tests, deployments) = world.children();
        let (mut tests, mut deployments): (Vec<_>, Vec<_>) = (tests.collect(), deployments.collect());
        let mut hidden: Vec<String> = as_text("feature", &mut world.deleted_features().map(|feature| feature.id));
        hidden
            .extend(tests.extract_if(.., |test| world.test(*test).is_none()).map(|uuid| id::format("test_case", uuid)));
        let gone = deployments.extract_if(.., |deployment| world.deployment(*deployment).is_none());
        hidden.extend(gone.map(|uuid| id::format("deployment", uuid)));
        let ids = vec![
            ("project", as_text("project", &mut world.projects.iter().map(|project| project.id))),
            ("feature", as_text("feature", &mut world.features().map(|feature| feature.id))),
            ("test_case", as_text("test_case", &mut tests.into_iter())),
            ("deployment", as_text("deployment", &mut deployments.into_iter())),
        ];
        let mut orders = Vec::new();
        for (place, (ty, names)) in (0..).zip(ORDERS) {
            let mut with_cursors = Vec::new();
            for order in some_orders(names, &mut Rng::with_seed(place)) {
                with_cursors.push((order.clone(), cursors(client, ty, order).await));
            }
            orders.push((*ty, with_cursors));
        }
        let mut hits = Vec::new();
        for text in ["a", "x"] {
            let document = "query($q: String!) { search(query: $q, first: 1000) { edges { cursor } } }";
            collect_cursors(&client.data_with(document, serde_json::json!({ "q": text })).await, &mut hits);
        }
        assert!(hits.len() > 5, "something is found");
        Self { ids, hidden, orders, hits }
    }

    /// The orders of lists of `ty`, each with its cursors.
    pub(crate) fn orders_of(&self, ty: &str) -> &[OrderCursors] {
        &self.orders.iter().find(|(known, _)| *known == ty).expect("lists of the type have orders").1
    }
}

/// No order, and a dozen others of up to three terms; the same name may come twice.
fn some_orders(names: &[&str], rng: &mut Rng) -> Vec<Value> {
    let mut orders = vec![Value::List(Vec::new())];
    for length in [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3] {
        let terms = (0..length).map(|_| {
            let mut term = vec![("field", names[rng.usize(..names.len())])];
            if rng.u8(..10) < 6 {
                term.push(("direction", if rng.bool() { "DESC" } else { "ASC" }));
            }
            if rng.u8(..10) < 4 {
                term.push(("nulls", if rng.bool() { "FIRST" } else { "LAST" }));
            }
            let term = term.into_iter().map(|(name, value)| (Name::new(name), Value::Enum(Name::new(value))));
            Value::Object(term.collect())
        });
        orders.push(Value::List(terms.collect()));
    }
    orders
}

async fn cursors(client: &Client, ty: &str, order: Value) -> Vec<String> {
    let document = match ty {
        "Project" => "query($o: [ProjectOrder!]) { projects(first: 1000, orderBy: $o) { edges { cursor } } }",
        "Feature" => "query($o: [FeatureOrder!]) { features(first: 1000, orderBy: $o) { edges { cursor } } }",
        "TestCase" => {
            "query($o: [TestCaseOrder!]) { features(first: 1000) { nodes { tests(orderBy: $o) { edges { cursor } } } } }"
        }
        _ => {
            "query($o: [DeploymentOrder!]) {
                features(first: 1000) { nodes { deployments(orderBy: $o) { edges { cursor } } } } }"
        }
    };
    let data = client.data_with(document, serde_json::json!({ "o": order.into_json().unwrap() })).await;
    let mut found = Vec::new();
    collect_cursors(&data, &mut found);
    assert!(!found.is_empty(), "lists of {ty} have rows");
    found
}

fn collect_cursors(data: &Json, found: &mut Vec<String>) {
    match data {
        Json::Object(fields) => {
            found.extend(fields.get("cursor").and_then(Json::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect_cursors(value, found));
        }
        Json::Array(items) => items.iter().for_each(|item| collect_cursors(item, found)),
        _ => {}
    }
}
