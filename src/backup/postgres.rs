//! Copies of a database of PostgreSQL, by the server's own programs.
//!
//! `pg_dump` reads the database as of the moment of which the manifest's numbers are: it is handed the snapshot of our transaction.
//! `pg_restore` makes statements of an archive, which `psql` runs within one transaction; its `COMMIT` is written when the archive was
//! read to its end, and found to be what was written.
//!
//! **Invariant:** wherever one of the processes is killed, nothing is committed: the others meet the end of a pipe, and `psql` gets no
//! `COMMIT`.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use super::census::Census;
use super::checksum::Expected;
use super::error::BackupError;
use super::programs::{ProgramSettings, Server};
use super::restored::{Webhooks, mark_text};
use super::{Progress, on_a_watched_thread};
use crate::database::{Database, DatabaseError, PoolOptions};
use crate::write_transaction::{Inspection, Others};

/// How long `pg_dump` waits for somebody who changes the tables.
const LOCK_WAIT: &str = "--lock-wait-timeout=10000";

/// Copies the database of the URL to `to`, an empty file, and counts what is in it.
pub(super) async fn dump(
    url: &str,
    to: &Path,
    pool: &PoolOptions,
    programs: &ProgramSettings,
    progress: Progress<'_>,
) -> Result<Census, BackupError> {
    let server = Server::of(url, programs)?;
    let database = Database::connect(url, &pool.unhurried()).await?;
    let inspection = Inspection::begin(&database, Others::MayWrite).await?;
    let census = Census::take(&inspection).await?;
    let snapshot: String = ask_one(&inspection, "SELECT pg_export_snapshot()").await?.unwrap_or_default();
    let total: i64 = ask_one(&inspection, "SELECT pg_database_size(current_database())").await?.unwrap_or_default();
    let to = to.to_owned();
    let work = move |done: &AtomicU64| {
        let snapshot = format!("--snapshot={snapshot}");
        // What follows elsewhere, and who owns what, is of the server and not of the record.
        let arguments = [
            "--format=custom",
            "--no-owner",
            "--no-privileges",
            "--no-publications",
            "--no-subscriptions",
            "--no-password",
            LOCK_WAIT,
            &snapshot,
        ];
        let mut dumping = server.start("pg_dump", &arguments, Stdio::null(), Stdio::piped())?;
        let mut file = std::fs::OpenOptions::new().write(true).open(&to).map_err(BackupError::file(&to))?;
        if let Some(mut output) = dumping.child.stdout.take() {
            pump(&mut output, &mut file, done).map_err(BackupError::file(&to))?;
        }
        dumping.end()
    };
    let dumped = on_a_watched_thread(work, u64::try_from(total).unwrap_or_default(), progress).await;
    // Where the server has ended the transaction, which did nothing meanwhile, the dump has what it needs all the same.
    let _ = inspection.roll_back().await;
    database.close().await?;
    dumped.map(|()| census)
}

/// Makes of an archive the database of the URL, in which there must be nothing.
pub(super) async fn restore(
    from: &Expected,
    url: &str,
    programs: &ProgramSettings,
    webhooks: Webhooks,
    progress: Progress<'_>,
) -> Result<(), BackupError> {
    refuse_what_is_there(url).await?;
    let (server, from, total) = (Server::of(url, programs)?, from.clone(), from.size);
    on_a_watched_thread(move |done| run_restore(&server, &from, webhooks, done), total, progress).await
}

fn run_restore(server: &Server, from: &Expected, webhooks: Webhooks, done: &AtomicU64) -> Result<(), BackupError> {
    // Or a program would stumble over it, which cannot tell what has become of the file.
    from.check()?;
    let arguments = ["--file=-", "--no-owner", "--no-privileges", "--format=custom"];
    let mut reading = server.start("pg_restore", &arguments, Stdio::piped(), Stdio::piped())?;
    let arguments = ["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--file=-"];
    let mut running = server.start("psql", &arguments, Stdio::piped(), Stdio::null())?;
    let (archive, statements, psql) =
        (reading.child.stdin.take(), reading.child.stdout.take(), running.child.stdin.take());
    let (Some(mut archive), Some(mut statements), Some(mut psql)) = (archive, statements, psql) else {
        return Err(BackupError::Interrupted("a program has no pipe".to_owned()));
    };
    let (fed, restored) = std::thread::scope(|scope| {
        let feeding =
            scope.spawn(move || from.copy_to(&mut archive, &mut |bytes| done.store(bytes, Ordering::Relaxed)));
        let restored = psql.write_all(b"BEGIN;\n").and_then(|()| std::io::copy(&mut statements, &mut psql));
        drop(statements);
        (feeding.join(), restored.map(|_| psql))
    });
    let fed = fed.unwrap_or_else(|_| Err(BackupError::Interrupted("the archive was not read".to_owned())));
    // Who fails first is who tells why; the others only meet the end of a pipe.
    let psql = match (fed, restored) {
        (Err(changed @ BackupError::Changed { .. }), _) => return Err(changed),
        (_, Err(_)) => {
            running.end()?;
            return Err(BackupError::Interrupted("psql took no more".to_owned()));
        }
        (fed, Ok(mut psql)) => {
            reading.end()?;
            fed?;
            // Where it fails, psql tells why. Without statistics the first queries would be planned as if the tables were empty.
            let _ = write!(psql, "\n{}COMMIT;\nANALYZE;\n", mark_text(webhooks));
            psql
        }
    };
    drop(psql);
    running.end()
}

/// Whether there is anything in the database but what every one has.
async fn refuse_what_is_there(url: &str) -> Result<(), BackupError> {
    let database = Database::connect(url, &PoolOptions::default().unhurried()).await?;
    let inspection = Inspection::begin(&database, Others::MayWrite).await?;
    let found: Option<String> = ask_one(
        &inspection,
        "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1 LIMIT 1",
    )
    .await?;
    inspection.roll_back().await?;
    database.close().await?;
    found.map_or(Ok(()), |found| Err(BackupError::NotEmpty { found }))
}

/// The one value that a statement gives.
async fn ask_one<T: sea_orm::TryGetable>(inspection: &Inspection, sql: &str) -> Result<Option<T>, DatabaseError> {
    let rows = inspection.query(|_| sql.to_owned()).await?;
    Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?)
}

/// Copies what a program writes, and counts it.
fn pump(from: &mut dyn Read, to: &mut dyn Write, done: &AtomicU64) -> std::io::Result<()> {
    let mut piece = vec![0; 256 * 1024];
    loop {
        let read = from.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        to.write_all(&piece[..read])?;
        done.fetch_add(read as u64, Ordering::Relaxed);
    }
}
