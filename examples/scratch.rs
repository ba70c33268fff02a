use throughline::*;
#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap();
    let mut db = database::Database::connect(&url, &Default::default()).await.unwrap();
    db.observe_statements(|info| eprintln!("-- {}{}", info.statement.sql, if info.failed { " FAILED" } else { "" }));
    let api = graphql::Api::new(db, Default::default());
    if let Some(q) = std::env::args().nth(2) {
        let a = api.execute(async_graphql::Request::new(q), access::Caller::local_owner(), "req".into()).await;
        println!("{}", String::from_utf8(a.body).unwrap());
    } else {
        println!("{}", graphql::Api::sdl());
    }
}
