//! Callers who stay, on WebSockets and event streams: whether they still may is asked again and again, of all of them with one
//! statement.
//!
//! **Invariant:** a session ends within [`ASKED_EVERY`], and the time that the statement takes, after its credential has ended, was
//! taken back, or lets its caller do less; so where the key is known to be taken back that a token was signed with. While the database
//! cannot be asked, only what ends by the clock or with its key ends.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use chrono::TimeDelta;
use scopeguard::ScopeGuard;
use tokio::sync::watch;

use super::authenticator::{Credential, Identified, caller_of_token};
use super::identity::{self, KnownToken, KnownUser};
use super::issued::caller_of;
use super::token::CredentialHash;
use crate::clock;
use crate::database::{Database, DatabaseError};

/// How often it is asked.
pub(super) const ASKED_EVERY: Duration = Duration::from_secs(2);

/// The sessions of one process.
pub(super) struct OpenSessions {
    database: Database,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    sessions: Vec<Weak<Session>>,
    is_watched: bool,
}

struct Session {
    identified: Identified,
    ended: watch::Sender<bool>,
}

/// Tells that nobody asks any more, however that ends: by a panic, or with the runtime in which it was to begin, and be it before it has
/// begun. The next session begins it anew, for all.
type Watching = ScopeGuard<Arc<OpenSessions>, fn(Arc<OpenSessions>)>;

/// What the database says of credentials.
struct Answers {
    tokens: HashMap<CredentialHash, KnownToken>,
    users: HashMap<String, KnownUser>,
}

/// A caller who stays, for as long as the value lives.
pub struct OpenSession {
    ended: watch::Receiver<bool>,
    _session: Arc<Session>,
}

impl OpenSession {
    /// Waits until the caller may not stay any more.
    pub async fn ended(&mut self) {
        // The session holds the sender.
        let _ = self.ended.wait_for(|ended| *ended).await;
    }
}

impl OpenSessions {
    pub(super) fn new(database: Database) -> Self {
        Self { database, open: Mutex::default() }
    }

    pub(super) fn open(self: &Arc<Self>, identified: Identified) -> OpenSession {
        let (sender, ended) = watch::channel(false);
        // Who has no credential has none that could end.
        let may_end = identified.credential.is_some() || identified.caller.expires_at().is_some();
        let session = Arc::new(Session { identified, ended: sender });
        if may_end && self.add(&session) {
            let watching: Watching = scopeguard::guard(Arc::clone(self), |sessions| sessions.lock().is_watched = false);
            tokio::spawn(Self::watch(watching));
        }
        OpenSession { ended, _session: session }
    }

    /// Adds a session. Says whether nobody watches it.
    fn add(&self, session: &Arc<Session>) -> bool {
        let mut open = self.lock();
        open.sessions.push(Arc::downgrade(session));
        !std::mem::replace(&mut open.is_watched, true)
    }

    /// Asks for as long as there are sessions.
    async fn watch(watching: Watching) {
        loop {
            tokio::time::sleep(ASKED_EVERY).await;
            let sessions: Vec<Arc<Session>> = {
                let mut open = watching.lock();
                open.sessions.retain(|session| session.strong_count() > 0);
                if open.sessions.is_empty() {
                    open.is_watched = false;
                    drop(open);
                    // Whoever comes now begins another one, which is no more this one's to tell of.
                    drop(ScopeGuard::into_inner(watching));
                    return;
                }
                open.sessions.iter().filter_map(Weak::upgrade).collect()
            };
            let known = watching.find_by_the_clock(&sessions).await;
            if let Err(error) = &known {
                tracing::warn!(%error, "whether callers may stay could not be asked");
            }
            for session in sessions {
                session.end_if_over(known.as_ref().ok());
            }
        }
    }

    /// Asks, and ends meanwhile what ends by the clock: the answer may take longer than that.
    async fn find_by_the_clock(&self, sessions: &[Arc<Session>]) -> Result<Answers, DatabaseError> {
        let mut found = pin!(self.find(sessions));
        loop {
            if let Ok(answers) = tokio::time::timeout(ASKED_EVERY, &mut found).await {
                return answers;
            }
            self.lock().sessions.iter().filter_map(Weak::upgrade).for_each(|session| session.end_if_over(None));
        }
    }

    async fn find(&self, sessions: &[Arc<Session>]) -> Result<Answers, DatabaseError> {
        let (mut hashes, mut names) = (Vec::new(), Vec::new());
        for session in sessions {
            match &session.identified.credential {
                Some(Credential::Token(hash)) => hashes.push(*hash),
                Some(Credential::Issued(claims, _)) => names.push(claims.subject.as_str()),
                None => {}
            }
        }
        hashes.sort_unstable();
        hashes.dedup();
        names.sort_unstable();
        names.dedup();
        let mut answers = Answers { tokens: HashMap::new(), users: HashMap::new() };
        if !hashes.is_empty() {
            answers.tokens = identity::find_tokens(&self.database, &hashes).await?;
        }
        if !names.is_empty() {
            answers.users = identity::find_users(&self.database, &names).await?;
        }
        Ok(answers)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn end_if_over(&self, answers: Option<&Answers>) {
        if self.is_over(answers) {
            self.ended.send_replace(true);
        }
    }

    fn is_over(&self, answers: Option<&Answers>) -> bool {
        let Identified { caller, credential } = &self.identified;
        // As far as the issuer's clock may be from ours, the token is good for those who come with it now.
        let (leeway, is_trusted) = match credential {
            Some(Credential::Issued(_, signed)) => (signed.leeway(), signed.is_trusted()),
            _ => (TimeDelta::zero(), true),
        };
        if !is_trusted || caller.has_expired(clock::now() - leeway) {
            return true;
        }
        let (Some(credential), Some(answers)) = (credential, answers) else { return false };
        let now = match credential {
            Credential::Token(hash) => answers.tokens.get(hash).cloned().map(caller_of_token),
            Credential::Issued(claims, _) => Some(caller_of(claims, answers.users.get(&claims.subject))),
        };
        now.and_then(Result::ok).is_none_or(|now| !now.rights().cover(caller.rights()))
    }
}
