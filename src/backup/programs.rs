//! PostgreSQL's own programs: where they are, and how they are told of the database.
//!
//! **Invariant:** all that tells of the database goes by the environment, which only the same user sees, and nothing by the command
//! line; a password is in no error, whatever a program says.

use std::io::{BufRead as _, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::str::FromStr as _;
use std::thread::JoinHandle;

use sea_orm::sqlx::postgres::PgConnectOptions;
use url::Url;

use super::error::BackupError;

/// Where the programs are, if that is told.
#[derive(Clone, Debug, Default)]
pub struct ProgramSettings {
    /// The folder of `pg_dump`, `pg_restore` and `psql`.
    pub folder: Option<PathBuf>,
}

/// A database, as PostgreSQL's programs are told of it.
pub struct Server {
    folder: Option<PathBuf>,
    variables: Vec<(&'static str, String)>,
    password: Option<String>,
}

/// What would lead a program elsewhere than the database's URL does.
const FOREIGN_VARIABLES: &[&str] = &["PGSERVICE", "PGSERVICEFILE", "PGHOSTADDR", "PGDATESTYLE", "PGOPTIONS"];
/// Where Debian keeps the programs of each version, of which it puts but one into the path.
const PACKAGED: &str = "/usr/lib/postgresql";
/// How much of what a program says is told.
const MOST_SAID: usize = 2000;

impl Server {
    /// Reads a URL.
    ///
    /// # Errors
    /// When it is not understood.
    pub fn of(url: &str, programs: &ProgramSettings) -> Result<Self, BackupError> {
        let options = PgConnectOptions::from_str(url).map_err(|_| BackupError::Url)?;
        let parsed = Url::parse(url).map_err(|_| BackupError::Url)?;
        let told = |names: &[&str]| {
            let pair = parsed.query_pairs().find(|(name, _)| names.contains(&&**name));
            pair.map(|(_, value)| value.into_owned())
        };
        let password = told(&["password"]).or_else(|| {
            let password = parsed.password()?;
            // As sqlx reads it.
            let pair = format!("p={}", password.replace('+', "%2B"));
            form_urlencoded::parse(pair.as_bytes()).next().map(|(_, password)| password.into_owned())
        });
        let host = match options.get_socket() {
            Some(folder) => folder.display().to_string(),
            None => options.get_host().to_owned(),
        };
        let mut variables = vec![
            ("PGHOST", host),
            ("PGPORT", options.get_port().to_string()),
            ("PGUSER", options.get_username().to_owned()),
            ("PGDATABASE", options.get_database().unwrap_or(options.get_username()).to_owned()),
            ("PGAPPNAME", "throughline-backup".to_owned()),
            ("PGCLIENTENCODING", "UTF8".to_owned()),
        ];
        for (variable, names) in [
            ("PGSSLMODE", ["sslmode", "ssl-mode"]),
            ("PGSSLROOTCERT", ["sslrootcert", "ssl-root-cert"]),
            ("PGSSLCERT", ["sslcert", "ssl-cert"]),
            ("PGSSLKEY", ["sslkey", "ssl-key"]),
        ] {
            variables.extend(told(&names).map(|value| (variable, value)));
        }
        variables.extend(password.clone().map(|password| ("PGPASSWORD", password)));
        Ok(Self { folder: programs.folder.clone().or_else(find_folder), variables, password })
    }

    /// Starts one of the programs; it is never asked for a password.
    pub(super) fn start(
        &self,
        name: &'static str,
        arguments: &[&str],
        input: Stdio,
        output: Stdio,
    ) -> Result<Running, BackupError> {
        let path = self.folder.as_ref().map_or_else(|| PathBuf::from(name), |folder| folder.join(name));
        let mut command = Command::new(&path);
        for variable in FOREIGN_VARIABLES {
            command.env_remove(variable);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).args(arguments);
        let started = command.stdin(input).stdout(output).stderr(Stdio::piped()).spawn();
        let mut child = match started {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(BackupError::NoProgram(name)),
            started => started.map_err(BackupError::file(path))?,
        };
        let said = child.stderr.take().map(|said| std::thread::spawn(move || read_some(said)));
        Ok(Running { name, child, said, password: self.password.clone() })
    }
}

/// A program that runs; dropped, it is ended.
pub(super) struct Running {
    name: &'static str,
    pub(super) child: Child,
    said: Option<JoinHandle<String>>,
    password: Option<String>,
}

impl Running {
    /// Waits for its end.
    ///
    /// # Errors
    /// When it failed, with what it said.
    pub(super) fn end(mut self) -> Result<(), BackupError> {
        let status = self.child.wait();
        let said = self.said.take().and_then(|said| said.join().ok()).unwrap_or_default();
        let said = match self.password.as_deref() {
            Some(password) if !password.is_empty() => said.replace(password, "[secret]"),
            _ => said,
        };
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) if said.is_empty() => Err(BackupError::Program { program: self.name, said: status.to_string() }),
            Ok(_) => Err(BackupError::Program { program: self.name, said }),
            Err(error) => Err(BackupError::Program { program: self.name, said: error.to_string() }),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The first lines of what a program says, as one; it is read to its end, or the program would wait.
fn read_some(said: impl Read) -> String {
    let mut text = String::new();
    for line in BufReader::new(said).lines().map_while(Result::ok) {
        if text.len() < MOST_SAID {
            if !text.is_empty() {
                text.push_str("; ");
            }
            text.push_str(line.trim());
        }
    }
    text
}

/// `pg_config` knows best, then the latest version that is installed; else the path does.
fn find_folder() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").stderr(Stdio::null()).output().ok();
    let told = told.filter(|told| told.status.success());
    let told = told.map(|told| PathBuf::from(String::from_utf8_lossy(&told.stdout).trim()));
    let mut packaged: Vec<_> =
        std::fs::read_dir(PACKAGED).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    packaged.sort_by_key(|path| {
        let version = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
        std::cmp::Reverse(version)
    });
    let folders = told.into_iter().chain(packaged.into_iter().map(|path| path.join("bin")));
    folders.into_iter().find(|folder| ["pg_dump", "pg_restore", "psql"].iter().all(|name| folder.join(name).is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_of_the_database_goes_by_the_environment() {
        let url = "postgres://me:sec%2Fret+@db.example:5433/work?sslmode=require";
        let server = Server::of(url, &ProgramSettings { folder: Some("bin".into()) }).unwrap();
        let variable = |name| server.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value);
        assert_eq!(variable("PGHOST"), Some("db.example"));
        assert_eq!(variable("PGPORT"), Some("5433"));
        assert_eq!(variable("PGUSER"), Some("me"));
        assert_eq!(variable("PGDATABASE"), Some("work"));
        assert_eq!(variable("PGPASSWORD"), Some("sec/ret+"));
        assert_eq!(variable("PGSSLMODE"), Some("require"));
        let server = Server::of("postgres://me@localhost/work?host=/run/pg", &ProgramSettings::default()).unwrap();
        assert!(server.variables.contains(&("PGHOST", "/run/pg".to_owned())));
        assert!(server.variables.iter().all(|(name, _)| *name != "PGPASSWORD"));
    }

    #[test]
    fn what_a_program_says_holds_no_password() {
        let server = Server {
            folder: None,
            variables: vec![("PGPASSWORD", "SECRET".to_owned())],
            password: Some("SECRET".to_owned()),
        };
        let arguments = ["-c", "echo \"refused: $PGPASSWORD\" >&2; exit 3"];
        let error = server.start("sh", &arguments, Stdio::null(), Stdio::null()).unwrap().end().unwrap_err();
        assert_eq!(error.to_string(), "sh failed: refused: [secret]");
        let missing = server.start("no-such-program", &[], Stdio::null(), Stdio::null());
        assert!(matches!(missing, Err(BackupError::NoProgram("no-such-program"))));
    }
}
