//! Stands in for the integration tests' binary while the import is on its own branch: `tests/it/import` is to be named in
//! `tests/it/main.rs`, and this file is to go.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

#[macro_use]
mod support {
    use std::time::Duration;

    use sea_orm::{ConnectionTrait, Database as Connector};
    use throughline::database::{Database, PoolOptions};

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Backend {
        Sqlite,
        Postgres,
    }

    pub(crate) struct TestDatabase {
        pub(crate) database: Database,
        _folder: tempfile::TempDir,
    }

    impl TestDatabase {
        pub(crate) async fn new(backend: Backend) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let url = match backend {
                Backend::Sqlite => format!("sqlite://{}", folder.path().join("test.db").display()),
                Backend::Postgres => {
                    let server = std::env::var("TEST_DATABASE_URL").unwrap();
                    let name = format!("import_{}", uuid::Uuid::now_v7().simple());
                    let admin = Connector::connect(format!("{server}/postgres")).await.unwrap();
                    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
                    format!("{server}/{name}")
                }
            };
            let pool = PoolOptions { acquire_timeout: Duration::from_secs(30), ..PoolOptions::default() };
            let database = Database::connect(&url, &pool).await.unwrap();
            database.migrate().await.unwrap();
            Self { database, _folder: folder }
        }
    }

    macro_rules! on_both {
        ($($test:ident),+ $(,)?) => {
            mod sqlite {
                $(
                    #[tokio::test]
                    async fn $test() {
                        super::$test($crate::support::Backend::Sqlite).await;
                    }
                )+
            }

            mod postgres {
                $(
                    #[tokio::test]
                    async fn $test() {
                        if std::env::var_os("TEST_DATABASE_URL").is_some() {
                            super::$test($crate::support::Backend::Postgres).await;
                        }
                    }
                )+
            }
        };
    }
}

#[path = "it/import/mod.rs"]
mod import;
