//! Plans that one can read: what an instance administrator, and nobody else, is told of how a request was read.

mod fields;
mod header;
mod only_reads;
mod warnings;

use async_graphql::Variables;
use serde_json::Value;
use throughline::graphql::Request;

use crate::support::Client;

/// The whole answer to a request that is to be explained, as the local owner's.
async fn explained(client: &Client, document: &str, variables: Value) -> Value {
    let request = Request::new(document).variables(Variables::from_json(variables)).explained();
    serde_json::from_slice(&client.execute(request).await.body).unwrap()
}

/// How a query was read that has no errors.
async fn explain(client: &Client, document: &str, variables: Value) -> Value {
    let mut answer = explained(client, document, variables).await;
    assert_eq!(answer.get("errors"), None, "{document}");
    answer["extensions"]["explain"].take()
}

/// The codes and paths of the warnings.
fn warnings(report: &Value) -> Vec<(&str, &str)> {
    let text = |warning: &'_ Value, name: &str| warning[name].as_str().unwrap().to_owned();
    let all = report["warnings"].as_array().unwrap();
    for warning in all {
        assert!(!text(warning, "advice").is_empty() && !text(warning, "message").is_empty(), "{warning}");
        let number = usize::try_from(warning["statement"].as_u64().unwrap()).unwrap();
        assert_eq!(report["statements"][number]["paths"][0], warning["path"], "{report}");
    }
    all.iter().map(|warning| (warning["code"].as_str().unwrap(), warning["path"].as_str().unwrap())).collect()
}
