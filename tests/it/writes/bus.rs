//! The bus tells what was committed, in order, once.

use std::time::Duration;

use throughline::events::bus::{Bus, Heard};
use throughline::events::{is_more_to_settle, last_position};

use crate::support::{Backend, Client, TestDatabase};

on_both!(listeners_hear_what_is_committed);

async fn create(client: &Client, name: &str) {
    let make = format!("mutation {{ createProject(input: {{name: \"{name}\"}}) {{ userErrors {{ code }} }} }}");
    client.data(&make).await;
}

/// Waits until no transaction runs that began before what was written: those of other tests, on the same server, count as well. Who
/// listens earlier hears what is not settled yet.
async fn settle(client: &Client) {
    let reader = client.test.database.reader();
    while is_more_to_settle(reader, last_position(reader).await.unwrap()).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn listeners_hear_what_is_committed(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    create(&client, "before").await;
    settle(&client).await;
    let bus = Bus::new(client.test.database.clone());
    let mut first = bus.listen().await.unwrap();
    create(&client, "a").await;
    settle(&client).await;
    let mut second = bus.clone().listen().await.unwrap();
    let made = (0..20).map(|number| format!("b{number}")).collect::<Vec<_>>();
    futures_util::future::join_all(made.iter().map(|name| create(&client, name))).await;
    client.data("mutation { createProject(input: {name: \"never\"}, dryRun: true) { userErrors { code } } }").await;
    create(&client, "z").await;

    let mut names = Vec::new();
    for (listener, count) in [(&mut first, 22), (&mut second, 21)] {
        let (mut heard, mut last) = (Vec::new(), listener.position());
        while heard.len() < count {
            let Heard::Events(events) = listener.hear().await else { panic!("there was a gap") };
            for event in events.iter() {
                let position = throughline::events::Position::of(event);
                assert!(position > last, "in order");
                last = position;
                let payload: serde_json::Value = serde_json::from_str(&event.payload).unwrap();
                heard.push(payload["name"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(heard.last().map(String::as_str), Some("z"));
        names.push(heard);
    }
    assert_eq!(names[0][0], "a");
    assert_eq!(names[0][1..], names[1][..], "both hear the same");
    assert!(!names[0].iter().any(|name| name == "before" || name == "never"));
}
