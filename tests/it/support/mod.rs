//! What the tests stand on: a fresh, migrated database for each test, and a count of the statements that it ran.
//!
//! **Invariant:** no test sees what another test wrote, and nothing is left when the process ends, however it ends.

mod client;
mod postgres;
mod rows;
mod server;
mod socket;
mod statements;
mod tables;
mod template;
mod test_database;

pub(crate) use client::Client;
pub(crate) use postgres::{as_server_user, cluster_folder, server_program};
pub(crate) use rows::{Rows, query_texts};
pub(crate) use server::{RunningServer, program};
pub(crate) use socket::{Came, Socket};
pub(crate) use statements::{Statements, plan_of};
pub(crate) use tables::Tables;
pub(crate) use test_database::{Place, TestDatabase};

/// So many texts, with a space after each.
pub(crate) fn repeat(count: usize, make: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |text, number| text + &make(number) + " ")
}

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// A file of its own.
    Sqlite,
    /// A database of its own on the one server.
    Postgres,
}

/// Makes each named `async fn(Backend)` a test on SQLite and a test on PostgreSQL:
///
/// ```ignore
/// on_both!(a_name_is_unique, a_project_takes_its_features_along);
///
/// async fn a_name_is_unique(backend: Backend) { … }
/// ```
///
/// They are listed as `module::sqlite::a_name_is_unique` and `module::postgres::a_name_is_unique`. A function that is
/// not named here is dead code, which clippy refuses.
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
                    if !$crate::support::leaves_postgres_out() {
                        super::$test($crate::support::Backend::Postgres).await;
                    }
                }
            )+
        }
    };
}

/// Whether someone without a PostgreSQL server asked to do without. Says so where the test runner does not swallow it.
pub(crate) fn leaves_postgres_out() -> bool {
    static WARNED: std::sync::Once = std::sync::Once::new();
    let asked = std::env::var_os("THROUGHLINE_TEST_SQLITE_ONLY").is_some_and(|value| value == "1");
    if asked {
        WARNED.call_once(|| {
            let warning: &[u8] = b"\n\
                *** THROUGHLINE_TEST_SQLITE_ONLY=1: NOTHING IS TESTED ON POSTGRESQL. ***\n\
                *** The tests named `postgres::` pass without doing anything.        ***\n\n";
            // The macros that print are captured with a passing test's output.
            let _ = std::io::Write::write_all(&mut std::io::stderr(), warning);
        });
    }
    asked
}
