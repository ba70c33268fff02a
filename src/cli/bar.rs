//! The bar that shows how far something that takes long has come.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::events::Walked;

/// A bar for a walk through all events.
pub(super) fn event_bar() -> ProgressBar {
    bar_of("events")
}

/// A bar that counts these, where someone looks at a terminal, else nothing.
pub(super) fn bar_of(unit: &str) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    bar.set_draw_target(ProgressDrawTarget::stderr());
    // The template is ours; a wrong one would show as the plain bar.
    let style = ProgressStyle::with_template(&format!("{{wide_bar}} {{human_pos}}/{{human_len}} {unit}, {{eta}} left"));
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Shows how far it has come.
pub(super) fn show(bar: &ProgressBar, walked: Walked) {
    advance(bar, walked.events, walked.total);
}

/// Shows how far it has come, and how far it goes.
pub(super) fn advance(bar: &ProgressBar, done: u64, total: u64) {
    bar.set_length(total);
    bar.set_position(done);
}
