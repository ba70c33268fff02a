//! What the sending of events is set to.

use std::time::Duration;

use ipnet::IpNet;

/// How events are sent to webhooks.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// Networks that may be asked though they are not public.
    pub allowed_networks: Vec<IpNet>,
    /// How long a receiver may take to answer.
    pub timeout: Duration,
    /// How long to wait after the first attempt that failed; twice as long after each further one.
    pub first_pause: Duration,
    /// How long to wait at most.
    pub longest_pause: Duration,
    /// How long after the first attempt an event is given up.
    pub give_up_after: Duration,
    /// How long it is told that an event was taken or given up.
    pub keep_log_for: Duration,
    /// How many attempts run at once for one webhook; each is about another object.
    pub at_once: usize,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            allowed_networks: Vec::new(),
            timeout: Duration::from_secs(10),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_hours(4),
            give_up_after: Duration::from_hours(72),
            keep_log_for: Duration::from_hours(30 * 24),
            at_once: 8,
        }
    }
}
