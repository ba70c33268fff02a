//! Who a credential stands for, as the database has it now: a token, or the name that an issuer gives.
//!
//! **Invariants:** each look-up is one statement, however many credentials it is about, and takes time in proportion to the rows; it
//! goes the way of queries, whose waits all have an end.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::project_member::Role;
use entity::user::UserKind;
use sea_orm::{ActiveEnum, DbErr, Values};
use uuid::Uuid;

use super::token::CredentialHash;
use super::{Caller, Rights};
use crate::database::row_set::{CellType, RowSet};
use crate::database::{Database, DatabaseError, Parameters, Row, dialect};

/// A token that is there, and whom it lets in.
#[derive(Clone, Debug)]
pub(super) struct KnownToken {
    /// Its row.
    pub(super) id: Uuid,
    /// When it was last seen to be used.
    pub(super) last_used_at: Option<DateTime<Utc>>,
    /// Whether it was taken back.
    pub(super) is_revoked: bool,
    expires_at: Option<DateTime<Utc>>,
    only_in: Option<Uuid>,
    at_most: Option<Role>,
    /// Whose it is.
    pub(super) user: KnownUser,
}

/// A user, and what memberships and the row say that it may do.
#[derive(Clone, Debug)]
pub(super) struct KnownUser {
    /// Its row.
    pub(super) id: Uuid,
    /// Its name.
    pub(super) name: String,
    /// What kind of actor it is.
    pub(super) kind: UserKind,
    /// Whether it was deleted.
    pub(super) is_deleted: bool,
    /// What it may do.
    pub(super) rights: Rights,
}

/// What a look-up selects of a user `u` and of its memberships `m`, which are a row each: first which of the wanted it is, and then
/// what [`user_cell`] names.
const USER: &str = "d.place, u.id, u.name, u.kind, u.instance_role, u.deleted_at, m.project_id, m.role";
/// What it selects of a token `t` after these; [`token_cell`] names it.
const TOKEN: &str = ", t.id, t.project_id, t.role, t.expires_at, t.revoked_at, t.last_used_at";
const MEMBERSHIPS: &str = "LEFT JOIN project_members m ON m.user_id = u.id";

/// The places of [`USER`].
mod user_cell {
    pub(super) const WANTED: usize = 0;
    pub(super) const ID: usize = 1;
    pub(super) const NAME: usize = 2;
    pub(super) const KIND: usize = 3;
    pub(super) const INSTANCE_ROLE: usize = 4;
    pub(super) const DELETED_AT: usize = 5;
    pub(super) const PROJECT: usize = 6;
    pub(super) const ROLE: usize = 7;
}

/// The places of [`TOKEN`].
mod token_cell {
    pub(super) const ID: usize = 8;
    pub(super) const ONLY_IN: usize = 9;
    pub(super) const AT_MOST: usize = 10;
    pub(super) const EXPIRES_AT: usize = 11;
    pub(super) const REVOKED_AT: usize = 12;
    pub(super) const LAST_USED_AT: usize = 13;
}

/// How long a look-up may take, whatever it waits for: longer than the pool's own times.
const FOUND_WITHIN: Duration = Duration::from_secs(15);

/// The tokens with these hashes.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn find_tokens(
    database: &Database,
    hashes: &[CredentialHash],
) -> Result<HashMap<CredentialHash, KnownToken>, DatabaseError> {
    let mut wanted = RowSet::new(vec![("secret_hash", CellType::Bytes), ("place", CellType::Long)]);
    for (place, hash) in (0_i64..).zip(hashes) {
        wanted.push([hash.to_vec().into(), place.into()]);
    }
    let from = "access_tokens t ON t.secret_hash = d.secret_hash JOIN users u ON u.id = t.user_id";
    let rows = look_up(database, wanted, (TOKEN, from)).await?;
    collect(hashes, &rows, read_token, |token| &mut token.user)
}

/// The users of these names, deleted ones too.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn find_users(
    database: &Database,
    names: &[&str],
) -> Result<HashMap<String, KnownUser>, DatabaseError> {
    let mut wanted = RowSet::new(vec![("name", CellType::Text), ("place", CellType::Long)]);
    for (place, name) in (0_i64..).zip(names) {
        wanted.push([(*name).into(), place.into()]);
    }
    let rows = look_up(database, wanted, ("", "users u ON u.name = d.name")).await?;
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    collect(&names, &rows, read_user, |user| user)
}

/// Reads where queries do, so that nobody who writes is in the way, and no longer than one waits for an answer.
async fn look_up(
    database: &Database,
    wanted: RowSet,
    (selected, from): (&str, &str),
) -> Result<Vec<Row>, DatabaseError> {
    let (join, keys) = (dialect::join_in_order(database.backend()), wanted.len());
    let statement = Parameters::statement(database.backend(), |parameters| {
        let wanted = parameters.add_rows(wanted);
        format!("SELECT {USER}{selected} FROM {wanted} {join} {from} {MEMBERSHIPS}")
    });
    let (sql, values) = (statement.sql.into(), statement.values.unwrap_or_else(|| Values(Vec::new())));
    let values = || values.clone();
    let database = database.on_any_server();
    let rows = database.read_for("authenticate", keys, &sql, &values);
    tokio::time::timeout(FOUND_WITHIN, rows).await.unwrap_or_else(|_| Err(DatabaseError::no_answer()))
}

/// Puts the rows of each key together: what the first says, and the memberships of all.
fn collect<K: Clone + Eq + Hash, T>(
    keys: &[K],
    rows: &[Row],
    read: impl Fn(&Row) -> Result<T, DatabaseError>,
    user: impl Fn(&mut T) -> &mut KnownUser,
) -> Result<HashMap<K, T>, DatabaseError> {
    let mut known = HashMap::new();
    for row in rows {
        let place = there(row.int(user_cell::WANTED)?)?;
        let key = there(usize::try_from(place).ok().and_then(|place| keys.get(place)))?;
        let entry = match known.entry(key.clone()) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(read(row)?),
        };
        let project = row.uuid(user_cell::PROJECT)?;
        user(entry).rights.projects.extend(project.zip(word(row, user_cell::ROLE)?));
    }
    Ok(known)
}

fn read_token(row: &Row) -> Result<KnownToken, DatabaseError> {
    Ok(KnownToken {
        id: there(row.uuid(token_cell::ID)?)?,
        last_used_at: row.time(token_cell::LAST_USED_AT)?,
        is_revoked: !row.is_null(token_cell::REVOKED_AT),
        expires_at: row.time(token_cell::EXPIRES_AT)?,
        only_in: row.uuid(token_cell::ONLY_IN)?,
        at_most: word(row, token_cell::AT_MOST)?,
        user: read_user(row)?,
    })
}

fn read_user(row: &Row) -> Result<KnownUser, DatabaseError> {
    let instance = there(word(row, user_cell::INSTANCE_ROLE)?)?;
    Ok(KnownUser {
        id: there(row.uuid(user_cell::ID)?)?,
        name: there(row.text(user_cell::NAME)?)?.to_owned(),
        kind: there(word(row, user_cell::KIND)?)?,
        is_deleted: !row.is_null(user_cell::DELETED_AT),
        rights: Rights { instance, makes_projects: true, own_deeds: true, ..Rights::none() },
    })
}

/// A word of a closed set.
fn word<W: ActiveEnum<Value = String>>(row: &Row, cell: usize) -> Result<Option<W>, DatabaseError> {
    let word = row.text(cell)?.map(str::to_owned);
    Ok(word.map(|word| W::try_from_value(&word)).transpose()?)
}

/// What a cell holds that is never null.
fn there<T>(cell: Option<T>) -> Result<T, DatabaseError> {
    cell.ok_or_else(|| DbErr::Type("a cell of who asks is null".to_owned()).into())
}

impl KnownToken {
    /// Whom it lets in, as long as it is good: its user, within its limits.
    pub(super) fn into_caller(self) -> Caller {
        let Self { user: KnownUser { id, name, kind, rights, .. }, only_in, at_most, expires_at, .. } = self;
        let rights = if only_in.is_none() && at_most.is_none() { rights } else { limited(rights, only_in, at_most) };
        Caller::new(name, kind.into(), rights).known_as(id).until(expires_at)
    }
}

/// What is left of rights in one project alone, or up to a role. It is no key to the whole instance, and tells nothing of what its user
/// does elsewhere or with another token.
fn limited(rights: Rights, only_in: Option<Uuid>, at_most: Option<Role>) -> Rights {
    let mut projects = rights.projects;
    projects.retain(|project, _| only_in.is_none_or(|only| only == *project));
    if let Some(most) = at_most {
        for role in projects.values_mut() {
            *role = most.min(*role);
        }
    }
    Rights { projects, ..Rights::none() }
}
