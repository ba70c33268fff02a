//! Semantics proven: documents at random, answered by the level-by-level engine and by plain, unbatched resolvers over the
//! same rows, are equal: data, the order of keys, errors with their paths, places, codes and messages.
//!
//! `THROUGHLINE_DIFFERENTIAL_DOCUMENTS` says how many documents there are (10,000), `THROUGHLINE_DIFFERENTIAL_SEED` the seed
//! of the first; the others follow. A document that fails is printed with its seed, as small as it can be made.

mod checks;
mod compare;
mod data;
mod filters_and_sums;
mod generate;
mod oracle;
mod shrink;
mod tally;
mod world;

use self::compare::Bench;
use self::generate::{Document, generate};
use self::shrink::shrink;
use self::tally::Tally;
use crate::support::Backend;

on_both!(random_documents_answer_as_plain_resolvers_do);

/// The most failures that are printed.
const MOST_FAILURES: usize = 8;

async fn random_documents_answer_as_plain_resolvers_do(backend: Backend) {
    let bench = Bench::new(backend).await;
    let (count, first) = (setting("DOCUMENTS", 10_000), setting("SEED", 1));
    let (mut tally, mut failures) = (Tally::default(), Vec::new());
    for seed in first..first + count {
        let document = generate(seed, &bench.known);
        let answers = bench.ask(&document).await;
        tally.add(&document, &answers);
        if answers.differ() {
            let smallest = shrink(document, |smaller| differs(&bench, smaller)).await;
            failures.push(describe(&bench, seed, &smallest).await);
            if failures.len() == MOST_FAILURES {
                break;
            }
        }
    }
    println!("{backend:?}, seeds {first} to {}: {tally}", first + count - 1);
    assert!(failures.is_empty(), "{backend:?}:\n{}", failures.join("\n"));
    tally.assert_covers(count);
}

async fn differs(bench: &Bench, document: Document) -> bool {
    bench.ask(&document).await.differ()
}

async fn describe(bench: &Bench, seed: u64, document: &Document) -> String {
    let answers = bench.ask(document).await;
    let values: Vec<_> = document.values.iter().map(|(name, value)| format!("${name} = {value}")).collect();
    let operation = document.operation_name.as_deref().unwrap_or("not named");
    format!(
        "\nseed {seed}\n{}variables: {}\noperation: {operation}\nengine: {}\noracle: {}",
        document.text(),
        values.join(", "),
        answers.engine,
        answers.oracle
    )
}

fn setting(name: &str, default: u64) -> u64 {
    let name = format!("THROUGHLINE_DIFFERENTIAL_{name}");
    match std::env::var(&name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")),
        Err(_) => default,
    }
}
