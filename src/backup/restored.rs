//! What a database needs that was restored: its events go on after all places that were ever given, also to events that are lost,
//! so that who follows them misses nothing that happens from now on; and it sends nothing to webhooks, to which its original may
//! still send, until somebody says that it takes the original's place.

use sea_orm::DbBackend;

use super::census::has_table;
use super::error::BackupError;
use crate::database::{Database, DatabaseError};
use crate::webhook_deliveries::hold;
use crate::write_transaction::{Inspection, Others};

/// Whether a restored database sends to webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Webhooks {
    /// Nothing, until [`send_webhooks`].
    Held,
    /// As its original did, whose place it takes.
    Sent,
}

/// How many transactions are left out. More than there can have been since the backup, of which nothing is known.
const LEFT_OUT: i64 = 1 << 32;

/// Marks a database as restored, which it was by other means than [`super::restore`]: to a point in time, from a snapshot of a disk.
///
/// # Errors
/// When the database does not answer; nothing was changed then.
pub async fn mark_restored(database: &Database, webhooks: Webhooks) -> Result<(), BackupError> {
    let inspection = Inspection::begin(database, Others::MustWait).await?;
    mark(&inspection, webhooks).await?;
    Ok(inspection.commit().await?)
}

/// Lets a database send to webhooks that was restored. Gives whether it was held back from it.
///
/// # Errors
/// When the database does not answer.
pub async fn send_webhooks(database: &Database) -> Result<bool, BackupError> {
    Ok(hold::release(database).await?)
}

/// [`mark_restored`], within a transaction.
pub(crate) async fn mark(inspection: &Inspection, webhooks: Webhooks) -> Result<(), DatabaseError> {
    let is_sqlite = inspection.backend() == DbBackend::Sqlite;
    if !is_sqlite {
        inspection.execute(BEGIN_ANEW).await?;
    } else if has_table(inspection, "event_epoch").await? {
        inspection
            .execute(format!(
                "UPDATE event_epoch SET epoch = {LEFT_OUT} + \
                 max(epoch, coalesce((SELECT max(transaction_id) FROM events), 0))"
            ))
            .await?;
    }
    if webhooks == Webhooks::Held && has_table(inspection, "leases").await? {
        inspection.execute(hold::take(inspection.backend())).await?;
    }
    Ok(())
}

/// [`mark_restored`] as a part of the text that restores a database of PostgreSQL, whatever its migrations are.
pub(super) fn mark_text(webhooks: Webhooks) -> String {
    let held = match webhooks {
        Webhooks::Held => format!(
            "DO $do$ BEGIN IF to_regclass('public.leases') IS NOT NULL THEN {}; END IF; END $do$;\n",
            hold::take(DbBackend::Postgres).replace("INTO leases", "INTO public.leases")
        ),
        Webhooks::Sent => String::new(),
    };
    format!("{BEGIN_ANEW};\n{held}")
}

/// A function's text is its constant; see the migration that makes it. 4294967296 is [`LEFT_OUT`].
const BEGIN_ANEW: &str = "DO $do$
    DECLARE latest bigint; epoch bigint;
    BEGIN
        IF to_regprocedure('public.event_epoch()') IS NOT NULL THEN
            SELECT coalesce(max(transaction_id), 0) INTO latest FROM public.events;
            EXECUTE 'SELECT public.event_epoch()' INTO epoch;
            EXECUTE format(
                'CREATE OR REPLACE FUNCTION public.event_epoch() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS %L',
                format('SELECT %s::bigint', greatest(latest, epoch) + 4294967296));
        END IF;
    END $do$";
