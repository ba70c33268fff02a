//! The one way to carry a mutation out.

use std::sync::Arc;

use async_graphql::Context;
use sha2::{Digest as _, Sha256};

use super::checks::Checks;
use super::write_result::WriteResult;
use crate::access::Caller;
use crate::batch::{BatchError, PageLimits, Reads};
use crate::database::Database;
use crate::encryption::{KeyRing, holds_secret};
use crate::write_transaction::items::{Change, Changes, Mode, Place};
use crate::write_transaction::{
    Command, IdempotencyKey, Outcome, Receipt, Sent, UserError, UserErrorCode, carry_out, try_out,
};

/// What the mutations of a request need besides its reads.
#[derive(Clone)]
pub(crate) struct WriteContext {
    pub(crate) database: Database,
    pub(crate) caller: Arc<Caller>,
    pub(crate) request_id: String,
    pub(crate) limits: PageLimits,
    pub(crate) key_ring: Arc<KeyRing>,
}

/// An input that says what is to happen to one object.
pub(crate) trait ParseChange {
    /// What it says.
    type Change: Change;

    /// Reads it; what is wrong is noted.
    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<Self::Change>;
}

/// An input that is a command.
pub(crate) trait Mutation {
    /// The command.
    type Command: Command + Send;

    /// Reads it.
    fn into_command(self) -> Self::Command;
}

impl<I: ParseChange> Mutation for I {
    type Command = Changes<I::Change>;

    fn into_command(self) -> Self::Command {
        Changes::one(Checks::default().read(|checks| self.parse(checks, &Place::input())))
    }
}

/// The most items of a command, unless it says otherwise.
pub(crate) const MOST_ITEMS: usize = 1000;

/// Reads many items that stand in the list `name`.
pub(crate) fn bulk<I: ParseChange>(name: &str, items: Vec<I>, mode: Mode, most: usize) -> Changes<I::Change> {
    let list = Place::input().at(name);
    if items.len() > most {
        let message = format!("has {} items; a command may have {most}", items.len());
        return Changes { items: vec![(list.clone(), Err(vec![list.error(UserErrorCode::TooMany, message)]))], mode };
    }
    let items = items.into_iter().enumerate().map(|(number, item)| {
        let place = list.at(number);
        let item = Checks::default().read(|checks| item.parse(checks, &place));
        (place, item)
    });
    Changes { items: items.collect(), mode }
}

/// Carries one mutation out.
pub(crate) struct Runner<'c> {
    write: &'c WriteContext,
    reads: Arc<Reads>,
    key: Option<Result<IdempotencyKey, UserError>>,
    dry_run: bool,
}

impl<'c> Runner<'c> {
    /// Reads what all mutations are sent with.
    ///
    /// # Errors
    /// When the request was not prepared for mutations: a fault of ours.
    pub(crate) fn new(ctx: &Context<'c>, key: Option<String>, dry_run: bool) -> async_graphql::Result<Self> {
        let write: &WriteContext = ctx.data()?;
        let key = match key {
            Some(key) => Some(read_key(key, hash_input(ctx, &write.key_ring)?)),
            None => None,
        };
        Ok(Self { write, reads: Arc::clone(ctx.data()?), key, dry_run })
    }

    /// Reads for the payload of a command: its projects are the caller's, whose rights do not know of them yet.
    fn reads_after(&self, database: Database, receipt: &Receipt) -> Arc<Reads> {
        let WriteContext { caller, limits, key_ring, .. } = self.write;
        let caller = Arc::new(caller.as_ref().clone().owning(&receipt.made_projects));
        let reads = Reads::new(database, caller, *limits).with_key_ring(Arc::clone(key_ring));
        Arc::new(reads.with_plans(&self.reads.kept_plans))
    }

    /// Carries the command out, or tries it out.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn run<C: Command + Send>(self, command: C) -> async_graphql::Result<WriteResult> {
        let key = match &self.key {
            Some(Err(error)) => {
                return Ok(WriteResult::refused(vec![error.clone()], command.length(), self.reads));
            }
            Some(Ok(key)) => Some(key),
            None => None,
        };
        let WriteContext { database, caller, request_id, key_ring, .. } = self.write;
        let sent = Sent { caller, request_id, key, key_ring };
        if self.dry_run {
            return match try_out(database, sent, &command).await.map_err(fail)? {
                Ok((receipt, trial)) => {
                    let reads = self.reads_after(database.within(trial), &receipt);
                    Ok(WriteResult::tried(receipt, reads))
                }
                Err(errors) => Ok(WriteResult::refused(errors, command.length(), self.reads)),
            };
        }
        match carry_out(database, sent, &command).await.map_err(fail)? {
            Outcome::Done { receipt, rows } if receipt.made_projects.is_empty() => {
                Ok(WriteResult::done(receipt, rows, self.reads))
            }
            Outcome::Done { receipt, rows } => {
                let reads = self.reads_after(database.clone(), &receipt);
                Ok(WriteResult::done(receipt, rows, reads))
            }
            Outcome::Refused(errors) => Ok(WriteResult::refused(errors, command.length(), self.reads)),
        }
    }
}

/// An error that says nothing but that it is ours; what it is, the log tells.
pub(super) fn fail(error: impl Into<BatchError>) -> async_graphql::Error {
    let error = error.into().to_server_error(async_graphql::Pos::default());
    async_graphql::Error { message: error.message, source: error.source, extensions: error.extensions }
}

fn read_key(key: String, hashes: InputHashes) -> Result<IdempotencyKey, UserError> {
    let length = key.chars().count();
    if (1..=255).contains(&length) && !key.contains('\0') {
        let InputHashes { input_hash, earlier_hashes } = hashes;
        return Ok(IdempotencyKey { key, input_hash, earlier_hashes });
    }
    let message = format!("must have 1 to 255 characters, none of them NUL, and has {length}");
    Err(UserError::new(UserErrorCode::InvalidLength, &["idempotencyKey".to_owned()], message))
}

/// What tells one input from another.
struct InputHashes {
    input_hash: [u8; 32],
    earlier_hashes: Vec<[u8; 32]>,
}

/// Hashes the field's name and the input, with its variables put in and its fields sorted: by SHA-256, or under the key ring where the
/// input holds a secret, whose hash would tell it to who guesses it. Without keys a secret is refused, and left out here.
fn hash_input(ctx: &Context<'_>, key_ring: &KeyRing) -> async_graphql::Result<InputHashes> {
    let mut hashed = ctx.field().name().as_bytes().to_vec();
    let mut without_secrets = hashed.clone();
    let mut has_secrets = false;
    for (name, value) in ctx.field().arguments()? {
        if name == "input" {
            let mut input = value.into_json()?;
            hashed.extend_from_slice(input.to_string().as_bytes());
            has_secrets |= holds_secret(&mut input);
            without_secrets.extend_from_slice(input.to_string().as_bytes());
        }
    }
    let mut macs = if has_secrets { key_ring.input_macs(&hashed) } else { Vec::new() }.into_iter();
    let input_hash = macs.next().unwrap_or_else(|| Sha256::digest(&without_secrets).into());
    Ok(InputHashes { input_hash, earlier_hashes: macs.collect() })
}
