//! That a token is used is noted without being in anybody's way.

use std::time::Duration;

use sea_orm::ConnectionTrait as _;
use throughline::access::token::{self, NewToken, TokenSecret};
use throughline::access::{Authenticator, Unidentified};
use throughline::batch::id;

use crate::support::{Backend, Client, Rows, TestDatabase};

on_both!(many_uses_are_noted_once, what_cannot_be_noted_is_not_tried_each_time);

async fn make_token(client: &Client) -> TokenSecret {
    let made = client.data("mutation { createUser(input: { name: \"ada\" }) { user { id } } }").await;
    let user = id::parse("id", made["createUser"]["user"]["id"].as_str().unwrap(), &["user"]).unwrap().1;
    let new = NewToken { user, name: "x".to_owned(), project: None, role: None, expires_at: None };
    token::create(&client.test.database, new).await.unwrap().1
}

/// How many times it was tried to note something, once nothing is on its way any more.
async fn tried(client: &Client) -> usize {
    tokio::time::sleep(Duration::from_millis(500)).await;
    client.statements.take().iter().filter(|sql| sql.starts_with("UPDATE") && sql.contains("access_tokens")).count()
}

async fn many_uses_are_noted_once(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let secret = make_token(&client).await;
    let authenticator = Authenticator::new(client.test.database.clone(), Unidentified::Refused, None);
    client.statements.take();
    let uses = (0..50).map(|_| authenticator.identify(Some(secret.reveal())));
    for identified in futures_util::future::join_all(uses).await {
        identified.unwrap();
    }
    assert_eq!(tried(&client).await, 1);
    let noted = "SELECT count(*) FROM access_tokens WHERE last_used_at IS NOT NULL";
    assert_eq!(Rows::of(&client.test.database).count(noted).await, 1);
    // What another process has noted a moment ago is not noted again.
    let other = Authenticator::new(client.test.database.clone(), Unidentified::Refused, None);
    other.identify(Some(secret.reveal())).await.unwrap();
    assert_eq!(tried(&client).await, 0);
}

async fn what_cannot_be_noted_is_not_tried_each_time(backend: Backend) {
    let client = Client::new(TestDatabase::new(backend).await);
    let secret = make_token(&client).await;
    let statements = match backend {
        Backend::Sqlite => {
            vec!["CREATE TRIGGER refuse BEFORE UPDATE ON access_tokens BEGIN SELECT RAISE(ABORT, 'no'); END"]
        }
        Backend::Postgres => vec![
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'",
            "CREATE TRIGGER refuse BEFORE UPDATE ON access_tokens FOR EACH ROW EXECUTE FUNCTION refuse()",
        ],
    };
    for statement in statements {
        client.test.database.writer().execute_unprepared(statement).await.unwrap();
    }
    let authenticator = Authenticator::new(client.test.database.clone(), Unidentified::Refused, None);
    client.statements.take();
    for _ in 0..10 {
        authenticator.identify(Some(secret.reveal())).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(tried(&client).await, 1);
}
