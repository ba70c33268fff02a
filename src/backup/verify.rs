//! Whether a backup is good: its files are what was written, a database can be made of it, that has in it what the manifest says, and its
//! record is whole.

use std::path::{Path, PathBuf};

use sea_orm::sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::census::Census;
use super::error::BackupError;
use super::manifest::{Kind, Manifest};
use super::programs::ProgramSettings;
use super::restored::Webhooks;
use super::{Progress, postgres, sqlite};
use crate::database::{Database, PoolOptions};
use crate::events::{self, Verified};
use crate::write_transaction::{Inspection, Others};

/// Where a backup is tried out.
#[derive(Clone, Default)]
pub struct Scratch {
    /// Any database of the server where one may be made and dropped.
    pub server: Option<String>,
    /// The folder for a file of SQLite; the machine's own for what is temporary where it is not told.
    pub folder: Option<PathBuf>,
}

/// What a look at a backup came to.
#[derive(Debug)]
pub struct Findings {
    /// What it says of itself.
    pub manifest: Manifest,
    /// What was gone through of the record that it makes.
    pub verified: Verified,
    /// What differs from the manifest, or is wrong with the record.
    pub faults: Vec<String>,
}

/// Makes a database of a backup where it is in nobody's way, and looks at it.
///
/// # Errors
/// When its files are not what was written, or no database can be made of them.
pub async fn verify(
    backup: &Path,
    scratch: &Scratch,
    programs: &ProgramSettings,
    progress: Progress<'_>,
) -> Result<Findings, BackupError> {
    let manifest = Manifest::read(backup)?;
    let file = manifest.data_file(backup)?;
    match manifest.kind {
        Kind::Sqlite => {
            let folder = match &scratch.folder {
                Some(folder) => tempfile::tempdir_in(folder),
                None => tempfile::tempdir(),
            };
            let folder =
                folder.map_err(BackupError::file(scratch.folder.clone().unwrap_or_else(std::env::temp_dir)))?;
            let url = sqlite::restore_into(&file, folder.path(), progress).await?;
            look_at(manifest, &url, progress).await
        }
        Kind::Postgres => {
            let server = scratch.server.as_deref().ok_or(BackupError::NoScratch)?;
            let scratch = ScratchDatabase::make(server).await?;
            let looked = async {
                postgres::restore(&file, &scratch.url, programs, Webhooks::Held, progress).await?;
                look_at(manifest, &scratch.url, progress).await
            };
            let looked = looked.await;
            scratch.drop().await?;
            looked
        }
    }
}

async fn look_at(manifest: Manifest, url: &str, progress: Progress<'_>) -> Result<Findings, BackupError> {
    let database = Database::connect(url, &PoolOptions::default().unhurried()).await?;
    let inspection = Inspection::begin(&database, Others::MayWrite).await?;
    let census = Census::take(&inspection).await?;
    let mut faults = differences(&manifest, &census);
    if manifest.kind == Kind::Sqlite {
        let told = inspection.query(|_| "PRAGMA integrity_check(5)".to_owned()).await?;
        for row in told {
            let told: String = row.try_get_by_index(0).map_err(crate::database::DatabaseError::from)?;
            if told != "ok" {
                faults.push(format!("the file is damaged: {told}"));
            }
        }
    }
    inspection.roll_back().await?;
    // What an earlier program made is looked at as this one would serve it.
    database.migrate().await?;
    let verified = events::verify(&database, |walked| progress(walked.events, walked.total)).await?;
    database.close().await?;
    faults.extend(verified.fault.as_ref().map(|fault| format!("the record is not as it was written: {fault}")));
    Ok(Findings { manifest, verified, faults })
}

/// What a database has in it that its backup's manifest says otherwise. What is said to have been restored in it is not looked at.
fn differences(manifest: &Manifest, census: &Census) -> Vec<String> {
    let mut faults = Vec::new();
    if manifest.schema_version != census.migrations {
        faults.push("its migrations are not those of its manifest".to_owned());
    }
    let place = |place: Option<(i64, i64)>| {
        place.map_or("none".to_owned(), |(transaction, position)| format!("({transaction}, {position})"))
    };
    let said = place(manifest.last_event.as_ref().map(|place| (place.transaction_id, place.position)));
    let found = place(census.last_event.map(|place| (place.transaction_id, place.position)));
    if said != found {
        faults.push(format!("its last event is at {found}, and its manifest says {said}"));
    }
    let tables = manifest.rows.keys().chain(census.rows.keys()).collect::<std::collections::BTreeSet<_>>();
    for table in tables.into_iter().filter(|table| *table != "leases") {
        let (said, found) = (manifest.rows.get(table), census.rows.get(table));
        if said != found {
            let count = |count: Option<&u64>| count.map_or("no table".to_owned(), |count| format!("{count} rows"));
            faults.push(format!("{table} has {}, and its manifest says {}", count(found), count(said)));
        }
    }
    faults
}

/// A database that is made to try a backup out.
struct ScratchDatabase {
    server: String,
    name: String,
    url: String,
}

/// What the names of scratch databases begin with.
const SCRATCH: &str = "throughline_scratch_";

impl ScratchDatabase {
    async fn make(server: &str) -> Result<Self, BackupError> {
        let name = format!("{SCRATCH}{}", Uuid::now_v7().simple());
        let mut url = url::Url::parse(server).map_err(|_| BackupError::Url)?;
        url.set_path(&name);
        let made = Self { server: server.to_owned(), url: url.to_string(), name };
        made.run(format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", made.name)).await?;
        Ok(made)
    }

    async fn drop(self) -> Result<(), BackupError> {
        self.run(format!("DROP DATABASE {} WITH (FORCE)", self.name)).await
    }

    async fn run(&self, sql: String) -> Result<(), BackupError> {
        let run = async {
            let mut admin = PgConnection::connect(&self.server).await?;
            admin.execute(AssertSqlSafe(sql)).await?;
            admin.close().await
        };
        run.await.map_err(BackupError::ScratchDatabase)
    }
}
