//! The results as a table in Markdown.

use std::fmt::Write;

use crate::reads::{Figures, Measured};

/// A table of one line for each database, question and number of clients.
pub(crate) fn table(measured: &[Measured]) -> String {
    let mut text = String::from(
        "| database | query | clients | ours: req/s | p50 ms | p99 ms | CPU ms/req | statements | MB | \
         one statement: req/s | p50 ms | p99 ms | CPU ms/req | **ours to it** | CPU | \
         several: req/s | statements | **ours to it** | CPU |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for line in measured {
        let Measured { ours, limit, split, .. } = line;
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.0} | {} | **{:.2}** | {:.2} | {} | {} | {} | {} |",
            line.database,
            line.question,
            line.clients,
            speed(ours),
            optional(ours.statements_per_request),
            ours.peak_memory_mb,
            speed(limit),
            line.throughput_to_limit,
            line.cpu_to_limit,
            split.as_ref().map_or_else(|| "–".to_owned(), |split| rate(split.requests_per_second)),
            split.as_ref().map_or_else(|| "–".to_owned(), |split| optional(split.statements_per_request)),
            line.throughput_to_split.map_or_else(|| "–".to_owned(), |ratio| format!("**{ratio:.2}**")),
            optional(line.cpu_to_split),
        );
    }
    text
}

fn speed(figures: &Figures) -> String {
    let Figures { requests_per_second, p50_ms, p99_ms, cpu_ms_per_request, .. } = figures;
    format!("{} | {p50_ms:.2} | {p99_ms:.2} | {cpu_ms_per_request:.3}", rate(*requests_per_second))
}

fn rate(value: f64) -> String {
    if value < 1000.0 { format!("{value:.0}") } else { format!("{:.1}k", value / 1000.0) }
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(
        || "–".to_owned(),
        |value| if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.2}") },
    )
}
