//! The keys of an issuer as they are known here, and how they are kept up to date while it changes them.
//!
//! **Invariants:** keys are fetched by one at a time, whoever waits for them, and not again before a pause has passed, whatever tokens ask
//! for; a fetch that fails takes no key away; what a token waits for has an end.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use jsonwebtoken::Algorithm;
use tokio::time::{Instant, timeout};

use super::TokenError;
use super::error::{FetchError, SetupError};
use super::fetch::{FETCH_TIMEOUT, Source};
use super::key::{Key, KeySet};

/// How long a token waits for newer keys whose key is known from before.
const PATIENCE: Duration = Duration::from_secs(1);

/// The keys of an issuer.
pub(super) struct KeptKeys {
    source: Source,
    pause: Duration,
    kept: RwLock<Option<Kept>>,
    fetching: Mutex<Fetching>,
}

/// What was fetched last.
#[derive(Clone)]
struct Kept {
    keys: Arc<KeySet>,
    fresh_until: Instant,
}

#[derive(Default)]
struct Fetching {
    began: Option<Instant>,
    /// What all wait for who want newer keys.
    running: Option<Shared<BoxFuture<'static, ()>>>,
    /// Whether it is known that it fails: only what has changed is worth a line.
    has_failed: bool,
}

impl KeptKeys {
    /// Fetches the keys for the first time.
    ///
    /// # Errors
    /// Where a file holds none. An address may answer later.
    pub(super) async fn open(source: Source, pause: Duration) -> Result<Arc<Self>, SetupError> {
        let began = Some(Instant::now());
        let fetching = Mutex::new(Fetching { began, ..Fetching::default() });
        let keys = Self { source, pause, kept: RwLock::default(), fetching };
        match (keys.fetch().await, &keys.source) {
            (Err(source), Source::File(file)) => return Err(SetupError::File { file: file.clone(), source }),
            (fetched, _) => keys.tell(fetched.as_ref().err()),
        }
        Ok(Arc::new(keys))
    }

    /// The key that a token names. Keys that are not known, or whose time is over, are fetched.
    pub(super) async fn find(self: &Arc<Self>, id: Option<&str>, algorithm: Algorithm) -> Result<Arc<Key>, TokenError> {
        let kept = self.kept();
        let is_fresh = kept.as_ref().is_some_and(|kept| Instant::now() < kept.fresh_until);
        let found = kept.map_or(Err(TokenError::NoKeys), |kept| kept.keys.find(id, algorithm));
        let patience = match &found {
            Err(TokenError::UnknownKey | TokenError::NoKeys) => FETCH_TIMEOUT,
            _ if is_fresh => return found,
            _ => PATIENCE,
        };
        match self.refetch() {
            Some(fetch) => {
                let _ = timeout(patience, fetch).await;
                self.kept().map_or(Err(TokenError::NoKeys), |kept| kept.keys.find(id, algorithm))
            }
            None => found,
        }
    }

    /// Whether the issuer still has a key, as far as is known: nobody waits for newer keys, but if these are stale they are fetched, and
    /// whoever asks next is told.
    pub(super) fn still_have(self: &Arc<Self>, key: &Key) -> bool {
        let Some(kept) = self.kept() else { return true };
        if Instant::now() >= kept.fresh_until {
            // It goes on by itself.
            drop(self.refetch());
        }
        kept.keys.has(key)
    }

    fn kept(&self) -> Option<Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the keys, or joins who does; nothing where that was done a short while ago. It goes on where nobody waits for it any more.
    fn refetch(self: &Arc<Self>) -> Option<Shared<BoxFuture<'static, ()>>> {
        let mut fetching = self.fetching();
        if let Some(running) = &fetching.running
            && running.peek().is_none()
        {
            return Some(running.clone());
        }
        if fetching.began.is_some_and(|began| began.elapsed() < self.pause) {
            return None;
        }
        let keys = Arc::clone(self);
        let task = tokio::spawn(async move {
            let fetched = keys.fetch().await;
            keys.tell(fetched.as_ref().err());
        });
        // A task that panicked has fetched nothing.
        let running = task.map(drop).boxed().shared();
        (fetching.began, fetching.running) = (Some(Instant::now()), Some(running.clone()));
        Some(running)
    }

    fn fetching(&self) -> std::sync::MutexGuard<'_, Fetching> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self) -> Result<(), FetchError> {
        let fetched = timeout(FETCH_TIMEOUT, self.source.fetch()).await.unwrap_or(Err(FetchError::Timeout))?;
        let keys = KeySet::read(&fetched.json)?;
        // A set from which all was taken is a set. One that never held anything that can be used is a mistake.
        if keys.is_empty() && self.kept().is_none() {
            return Err(FetchError::NoKey);
        }
        let fresh_until = Instant::now() + fetched.fresh_for;
        let kept = Kept { keys: Arc::new(keys), fresh_until };
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(())
    }

    fn tell(&self, error: Option<&FetchError>) {
        let had_failed = std::mem::replace(&mut self.fetching().has_failed, error.is_some());
        match error {
            Some(error) if !had_failed => {
                tracing::warn!(%error, place = %self.source, "the keys of JWT cannot be had; those that were there before are kept");
            }
            Some(error) => tracing::debug!(%error, place = %self.source, "the keys of JWT still cannot be had"),
            None if had_failed => tracing::info!(place = %self.source, "the keys of JWT are there again"),
            None => {}
        }
    }
}
