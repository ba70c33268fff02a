//! The bar that shows how far a walk through all events has come.

use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::events::Walked;

/// A bar where someone looks at a terminal, else nothing.
pub(super) fn event_bar() -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    bar.set_draw_target(ProgressDrawTarget::stderr());
    // The template is a constant; a wrong one would show as the plain bar.
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} events, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Shows how far it has come.
pub(super) fn show(bar: &ProgressBar, walked: Walked) {
    bar.set_length(walked.total);
    bar.set_position(walked.events);
}
