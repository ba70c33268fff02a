//! What a subscription tells: which events, in which order, read how, and by whom.

use serde_json::{Value, json};
use throughline::access::Caller;
use throughline::graphql::{Api, Opened, Request, Settings, Subscription};

use crate::support::{Backend, Statements, TestDatabase};

on_both!(
    a_topic_is_followed,
    the_past_goes_over_into_the_present,
    equal_subscriptions_share_their_reads,
    a_payload_is_read_as_a_query_is,
    of_changes_that_come_together_the_last_is_told,
    what_is_wrong_is_told_before_it_begins,
);

struct Following {
    api: Api,
    statements: Statements,
    test: TestDatabase,
}

impl Following {
    async fn new(backend: Backend) -> Self {
        let mut test = TestDatabase::new(backend).await;
        let statements = Statements::observe(&mut test.database);
        Self { api: Api::new(test.database.clone(), Settings::default()), statements, test }
    }

    async fn run(&self, document: &str, variables: Value) -> Value {
        let request = Request::new(document).variables(async_graphql::Variables::from_json(variables));
        let answer = self.api.execute(request, Caller::local_owner(), "r".to_owned()).await;
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body.get("errors"), None, "{document}: {body}");
        body["data"].take()
    }

    async fn follow(&self, document: &str, variables: Value) -> Result<Subscription, Value> {
        let request = Request::new(document).variables(async_graphql::Variables::from_json(variables));
        match self.api.open(request, Caller::local_owner(), "s".to_owned()).await {
            Opened::Subscription(subscription) => Ok(*subscription),
            Opened::Answer(answer) => Err(serde_json::from_slice(&answer.body).unwrap()),
        }
    }

    async fn project(&self, name: &str) -> String {
        let make = "mutation($name: String!) { createProject(input: { name: $name }) { project { id } } }";
        let answer = self.run(make, json!({ "name": name })).await;
        answer["createProject"]["project"]["id"].as_str().unwrap().to_owned()
    }

    async fn feature(&self, project: &str, name: &str) -> String {
        let make = "mutation($project: ID!, $name: String!) { createFeature(input: { projectId: $project, name: $name, \
                    priority: 5 }) { feature { id } } }";
        let answer = self.run(make, json!({ "project": project, "name": name })).await;
        answer["createFeature"]["feature"]["id"].as_str().unwrap().to_owned()
    }
}

/// The next answer, which has no errors.
async fn next(subscription: &mut Subscription, field: &str) -> Value {
    let told =
        tokio::time::timeout(std::time::Duration::from_secs(30), subscription.next()).await.expect("nothing came");
    let mut answer: Value = serde_json::from_str(&told.unwrap().body).unwrap();
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"][field].take()
}

async fn a_topic_is_followed(backend: Backend) {
    let following = Following::new(backend).await;
    let (one, other) = (following.project("one").await, following.project("other").await);
    let document = "subscription($project: ID, $types: [String!]) { changes(projectId: $project, types: $types, after: \"WyJjaGFuZ2VzIiwwLDBd\") \
                    { type projectId project { name } feature { name } testCase { name } } }";
    let feature = following.feature(&one, "f").await;
    following.feature(&other, "g").await;
    let test = "mutation($feature: ID!) { createTestCase(input: { featureId: $feature, name: \"t\", status: PASSED }) { testCase { id } } }";
    following.run(test, json!({ "feature": feature })).await;
    following
        .run(
            "mutation($id: ID!) { deleteFeature(input: { id: $id }) { userErrors { code } } }",
            json!({ "id": feature }),
        )
        .await;

    let mut all = following.follow(document, json!({ "project": one })).await.unwrap();
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(next(&mut all, "changes").await);
    }
    let types: Vec<_> = told.iter().map(|change| change["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["project.create", "feature.create", "test_case.create", "feature.delete"]);
    assert!(
        told.iter().all(|change| change["projectId"] == json!(one) && change["project"]["name"] == "one"),
        "{told:?}"
    );
    // Only the event's own kind of object is told, and only as long as it is there.
    assert_eq!((&told[1]["feature"], &told[1]["testCase"]), (&Value::Null, &Value::Null));

    let mut some = following.follow(document, json!({ "types": ["feature"] })).await.unwrap();
    let mut names = Vec::new();
    for _ in 0..3 {
        let change = next(&mut some, "changes").await;
        names.push((change["type"].as_str().unwrap().to_owned(), change["feature"]["name"].clone()));
    }
    let expected = [("feature.create", Value::Null), ("feature.create", json!("g")), ("feature.delete", Value::Null)];
    assert_eq!(names, expected.map(|(name, feature)| (name.to_owned(), feature)));
    // The same list, read as a query.
    let listed = following
        .run(
            "query($p: ID) { changes(projectId: $p, first: 10) { totalCount nodes { type cursor } edges { cursor } } }",
            json!({ "p": one }),
        )
        .await;
    let nodes = listed["changes"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.iter().map(|node| node["type"].as_str().unwrap()).collect::<Vec<_>>(), types);
    let edges = listed["changes"]["edges"].as_array().unwrap();
    assert!(nodes.iter().zip(edges).all(|(node, edge)| node["cursor"] == edge["cursor"]), "{listed}");
    assert_eq!(listed["changes"]["totalCount"], 4);
}

async fn the_past_goes_over_into_the_present(backend: Backend) {
    let following = Following::new(backend).await;
    let project = following.project("p").await;
    // More than a page of the past, and writers that go on meanwhile.
    let names: Vec<_> = (0..250)
        .map(|number| json!({ "projectId": project, "name": format!("past {number}"), "priority": 1 }))
        .collect();
    let make = "mutation($items: [CreateFeatureInput!]!) { createFeatures(input: { features: $items }) { userErrors { code } } }";
    following.run(make, json!({ "items": names })).await;
    let document = "subscription($after: String) { changes(after: $after) { cursor aggregateId version } }";
    let write = async {
        for number in 0..60 {
            following.feature(&project, &format!("present {number}")).await;
        }
    };
    let read = async {
        let mut told = Vec::new();
        let mut after = "WyJjaGFuZ2VzIiwwLDBd".to_owned();
        // It is cut again and again, in the past, on the way over, and in the present.
        while told.len() < 311 {
            let mut subscription = following.follow(document, json!({ "after": after })).await.unwrap();
            for _ in 0..37.min(311 - told.len()) {
                let change = next(&mut subscription, "changes").await;
                change["cursor"].as_str().unwrap().clone_into(&mut after);
                told.push((change["aggregateId"].as_str().unwrap().to_owned(), change["version"].as_i64().unwrap()));
            }
        }
        told
    };
    let ((), told) = futures_util::future::join(write, read).await;
    let distinct: std::collections::BTreeSet<_> = told.iter().collect();
    assert_eq!((told.len(), distinct.len()), (311, 311), "nothing is lost, and nothing comes twice");
}

async fn equal_subscriptions_share_their_reads(backend: Backend) {
    let following = Following::new(backend).await;
    let project = following.project("p").await;
    let document = "subscription($project: ID!, $after: String) { featureChanged(projectId: $project, after: $after) { \
                    cursor feature { name tests(first: 2) { nodes { name } } project { name } } } }";
    let mut subscriptions = Vec::new();
    for _ in 0..50 {
        subscriptions.push(following.follow(document, json!({ "project": project })).await.unwrap());
    }
    following.feature(&project, "f").await;
    let first = next(&mut subscriptions[0], "featureChanged").await;
    assert_eq!((&first["feature"]["name"], &first["feature"]["project"]["name"]), (&json!("f"), &json!("p")));
    // What the bus read is done, and the answer is made.
    following.statements.take();
    for subscription in &mut subscriptions[1..] {
        assert_eq!(next(subscription, "featureChanged").await, first);
    }
    assert_eq!(following.statements.take(), Vec::<String>::new(), "the others are told what the first one was");
    // Where each goes on from a place of its own, it shares what comes after.
    let cursor = first["cursor"].as_str().unwrap();
    let mut late = following.follow(document, json!({ "project": project, "after": cursor })).await.unwrap();
    following.feature(&project, "g").await;
    let told = next(&mut late, "featureChanged").await;
    assert_eq!(told["feature"]["name"], "g");
    assert_eq!(next(&mut subscriptions[7], "featureChanged").await, told);
}

async fn a_payload_is_read_as_a_query_is(backend: Backend) {
    let following = Following::new(backend).await;
    let project = following.project("p").await;
    let names: Vec<_> =
        (0..80).map(|number| json!({ "projectId": project, "name": format!("f{number}"), "priority": 1 })).collect();
    let make = "mutation($items: [CreateFeatureInput!]!) { createFeatures(input: { features: $items }) { userErrors { code } } }";
    following.run(make, json!({ "items": names })).await;
    following.statements.take();
    let document = "subscription($p: ID!) { featureChanged(projectId: $p, after: \"WyJjaGFuZ2VzIiwwLDBd\") { feature { name \
                    tests(first: 3) { totalCount nodes { name } } deployments(first: 1) { nodes { version } } } } }";
    let mut subscription = following.follow(document, json!({ "p": project })).await.unwrap();
    let mut told = Vec::new();
    for _ in 0..80 {
        told.push(next(&mut subscription, "featureChanged").await["feature"]["name"].as_str().unwrap().to_owned());
    }
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 80);
    // The bus reads for itself, and waits for transactions of other tests on the same server.
    let mut statements = following.statements.take();
    statements
        .retain(|statement| !statement.contains("(transaction_id, position)") || statement.contains("event_type IN"));
    // One for the events, one each for the rows, the features, the tests, their number, and the deployments; and two for where the
    // end was, when it began and when it read.
    assert!(statements.len() <= 8, "{} statements for 80 answers: {statements:#?}", statements.len());
}

async fn of_changes_that_come_together_the_last_is_told(backend: Backend) {
    let following = Following::new(backend).await;
    let project = following.project("p").await;
    let feature = following.feature(&project, "f").await;
    for priority in 1..=9 {
        let change = "mutation($id: ID!, $priority: Int!) { updateFeature(input: { id: $id, priority: $priority }) { userErrors { code } } }";
        following.run(change, json!({ "id": feature, "priority": priority })).await;
    }
    following.feature(&project, "g").await;
    // A transaction of another test on the same server may hold some of it back for a while.
    let began = std::time::Instant::now();
    while following.run("{ changes(last: 1) { nodes { feature { name } } } }", json!({})).await["changes"]["nodes"][0]["feature"]
        ["name"]
        != "g"
    {
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "it is not settled");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let document = "subscription($p: ID!) { featureChanged(projectId: $p, after: \"WyJjaGFuZ2VzIiwwLDBd\") { version featureId feature { name priority } } }";
    let mut subscription = following.follow(document, json!({ "p": project })).await.unwrap();
    let first = next(&mut subscription, "featureChanged").await;
    assert_eq!((&first["featureId"], &first["feature"]["priority"]), (&json!(feature), &json!(9)));
    assert_eq!(next(&mut subscription, "featureChanged").await["feature"]["name"], "g");
    following
        .run(
            "mutation($id: ID!) { deleteFeature(input: { id: $id }) { userErrors { code } } }",
            json!({ "id": feature }),
        )
        .await;
    let deleted = next(&mut subscription, "featureChanged").await;
    assert_eq!((&deleted["featureId"], &deleted["feature"]), (&json!(feature), &Value::Null));
}

async fn what_is_wrong_is_told_before_it_begins(backend: Backend) {
    let following = Following::new(backend).await;
    for (document, code) in [
        ("subscription { changes(after: \"x\") { type } }", "INVALID_CURSOR"),
        // A cursor of another list.
        ("subscription { changes(after: \"WyJFdmVudCArSUQiLCIwIl0\") { type } }", "INVALID_CURSOR"),
        ("subscription { changes(projectId: \"x\") { type } }", "INVALID_ID"),
        ("subscription { changes(types: [\"feature.fly\"]) { type } }", "INVALID_ARGUMENT"),
        ("subscription { featureChanged { cursor } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { changes { type } featureChanged(projectId: \"x\") { cursor } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { __typename }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { changes { type type: id } }", "GRAPHQL_VALIDATION_FAILED"),
        (
            "subscription { changes { feature { tests(first: 1000) { nodes { feature { tests(first: 1000) { nodes { id } } } } } } } }",
            "QUERY_TOO_COMPLEX",
        ),
    ] {
        let answer =
            following.follow(document, json!({})).await.err().unwrap_or_else(|| panic!("{document} was begun"));
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{document}: {answer}");
        assert_eq!(answer.get("data"), None, "{document}");
    }
    let _ = &following.test;
}
