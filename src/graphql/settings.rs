//! What an [`Api`](super::Api) is set to.

use std::time::Duration;

use super::limits::Limits;
use super::persisted::TrustedDocuments;
use crate::batch::PageLimits;
use crate::rate_limit::RateSettings;

/// What an [`Api`](super::Api) is set to.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long pages are.
    pub pages: PageLimits,
    /// How large documents may be, and what they may cost.
    pub limits: Limits,
    /// Documents that are named instead of sent.
    pub trusted: TrustedDocuments,
    /// Whether the schema answers questions about itself.
    pub introspection: bool,
    /// Whether a name that there is not is answered with those that are like it.
    pub suggestions: bool,
    /// The most subscriptions that are followed at once.
    pub max_subscriptions: usize,
    /// How much callers may ask for in a minute.
    pub rate: RateSettings,
    /// How long a request may take; without end where there is none.
    pub timeout: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pages: PageLimits::default(),
            limits: Limits::default(),
            trusted: TrustedDocuments::default(),
            introspection: true,
            suggestions: true,
            max_subscriptions: 20_000,
            rate: RateSettings::default(),
            timeout: Some(Duration::from_secs(10)),
        }
    }
}

impl From<PageLimits> for Settings {
    fn from(pages: PageLimits) -> Self {
        Self { pages, ..Self::default() }
    }
}
