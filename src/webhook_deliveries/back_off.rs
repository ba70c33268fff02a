//! How long to wait after an attempt that failed.

use std::time::Duration;

use super::settings::WebhookSettings;

impl WebhookSettings {
    /// How long to wait after so many attempts, of which none was taken: twice as long after each, up to a bound, and up to a fifth more
    /// or less, so that what failed together does not come together again.
    pub(super) fn pause_after(&self, attempts: u32) -> Duration {
        let doubled = self.first_pause.saturating_mul(1 << attempts.saturating_sub(1).min(30));
        doubled.min(self.longest_pause).mul_f64(0.8 + 0.4 * fastrand::f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_twice_as_long_up_to_a_bound() {
        let settings = WebhookSettings::default();
        for (attempts, seconds) in [(1, 1.0), (2, 2.0), (5, 16.0), (14, 8192.0), (15, 14_400.0), (u32::MAX, 14_400.0)] {
            let pause = settings.pause_after(attempts).as_secs_f64();
            assert!((seconds * 0.8..=seconds * 1.2).contains(&pause), "{attempts}: {pause}");
        }
    }
}
