//! Who asks is found out while others are in the way.

use throughline::access::token::{self, NewToken, TokenSecret};
use throughline::access::{Authenticator, Unidentified};
use throughline::batch::id;
use throughline::database::PoolOptions;

use super::{SHORT, client, patient};
use crate::support::{Backend, Client};

on_both!(who_asks_is_found_while_writers_have_all_connections);

/// A token of a new user.
pub(super) async fn make_token(client: &Client) -> TokenSecret {
    let made = client.data("mutation { createUser(input: { name: \"ada\" }) { user { id } } }").await;
    let user = id::parse("id", made["createUser"]["user"]["id"].as_str().unwrap(), &["user"]).unwrap().1;
    let new = NewToken { user, name: "x".to_owned(), project: None, role: None, expires_at: None };
    token::create(&client.test.database, new).await.unwrap().1
}

async fn who_asks_is_found_while_writers_have_all_connections(backend: Backend) {
    let pool = PoolOptions { max_connections: 1, acquire_timeout: SHORT, ..patient() };
    let client = client(backend, &pool).await;
    let secret = make_token(&client).await;
    let database = client.test.database.clone();
    let authenticator = Authenticator::new(database.clone(), Unidentified::Refused, None);
    match backend {
        Backend::Postgres => {
            let _held = database.writer().get_postgres_connection_pool().acquire().await.unwrap();
            authenticator.identify(Some(secret.reveal())).await.unwrap();
        }
        Backend::Sqlite => {
            let _held = database.writer().get_sqlite_connection_pool().acquire().await.unwrap();
            // Nor do tools that read keep anybody.
            let _tool = database.reader().get_sqlite_connection_pool().acquire().await.unwrap();
            authenticator.identify(Some(secret.reveal())).await.unwrap();
        }
    }
}
