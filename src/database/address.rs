//! Where a database is, in words that can be shown: never with a password.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;

/// Where a database is. Its text is for messages and the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseAddress(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    File(PathBuf),
    Server(String),
    NotUnderstood,
}

impl DatabaseAddress {
    /// Reads a URL. Nothing is taken over from one that is not understood, since any part of it may be the password.
    #[must_use]
    pub fn of(url: &str) -> Self {
        Self(if url.starts_with("sqlite:") {
            SqliteConnectOptions::from_str(url)
                .map_or(Kind::NotUnderstood, |options| Kind::File(options.get_filename().to_owned()))
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            PgConnectOptions::from_str(url).map_or(Kind::NotUnderstood, |options| {
                let database = options.get_database().unwrap_or(options.get_username());
                Kind::Server(match options.get_socket() {
                    Some(folder) => format!("{database} on {}", folder.display()),
                    None => format!("{database} on {}:{}", options.get_host(), options.get_port()),
                })
            })
        } else {
            Kind::NotUnderstood
        })
    }

    /// Whether it is a file that does not exist.
    #[must_use]
    pub fn is_missing_file(&self) -> bool {
        matches!(&self.0, Kind::File(path) if !path.exists())
    }
}

impl fmt::Display for DatabaseAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::File(path) => write!(f, "SQLite file {}", path.display()),
            Kind::Server(address) => write!(f, "PostgreSQL database {address}"),
            Kind::NotUnderstood => f.write_str("database with an unknown address"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_where_and_never_the_password() {
        for (url, expected) in [
            ("sqlite://data/my.db", "SQLite file data/my.db"),
            ("sqlite:my.db?mode=ro", "SQLite file my.db"),
            ("postgres://me:secret@db.example:5433/work", "PostgreSQL database work on db.example:5433"),
            ("postgres://db.example/work?user=me&password=secret", "PostgreSQL database work on db.example:5432"),
            ("postgres://me:secret@x/work?host=/run/pg", "PostgreSQL database work on /run/pg"),
            ("postgres://me:sec/ret@db.example/work", "database with an unknown address"),
            ("mysql://me:secret@x/work", "database with an unknown address"),
            ("secret", "database with an unknown address"),
        ] {
            assert_eq!(DatabaseAddress::of(url).to_string(), expected, "{url}");
        }
    }
}
