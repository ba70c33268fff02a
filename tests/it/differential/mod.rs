//! Semantics proven: documents at random, answered by the level-by-level engine and by plain, unbatched resolvers over the
//! same rows, are equal: data, the order of keys, errors with their paths, places, codes and messages.
//!
//! A document with variables is asked several times, with other values for them and in no particular order, of one server
//! that keeps its plans; so a plan that serves a request for which it was not made is found, too.
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

use fastrand::Rng;

use self::compare::{Answers, Bench};
use self::generate::{Document, Values, generate, other_values};
use self::shrink::shrink;
use self::tally::Tally;
use crate::support::Backend;

on_both!(random_documents_answer_as_plain_resolvers_do, a_member_sees_the_world_of_its_projects);

/// The most failures that are printed.
const MOST_FAILURES: usize = 8;

async fn random_documents_answer_as_plain_resolvers_do(backend: Backend) {
    let tally = compare(backend, Bench::new(backend).await, setting("DOCUMENTS", 10_000)).await;
    tally.assert_covers();
}

/// Who sees some projects is answered as if there were no others: rows, counts, filters, hits, what is asked for by its id.
async fn a_member_sees_the_world_of_its_projects(backend: Backend) {
    compare(backend, Bench::of_member(backend).await, setting("DOCUMENTS", 3_000)).await;
}

async fn compare(backend: Backend, bench: Bench, count: u64) -> Tally {
    let first = setting("SEED", 1);
    let (mut tally, mut failures) = (Tally::default(), Vec::new());
    for seed in first..first + count {
        let document = generate(seed, &bench.known);
        let mut asked = Vec::new();
        for values in rounds(seed, &document, &bench) {
            let document = document.with(&values);
            let answers = bench.ask(&document).await;
            tally.add(&document, &answers, asked.len());
            if answers.differ() {
                failures.push(explain(&bench, seed, document, &asked).await);
                break;
            }
            asked.push(values);
        }
        if failures.len() == MOST_FAILURES {
            break;
        }
    }
    println!("{backend:?}, seeds {first} to {}: {tally}", first + count - 1);
    assert!(failures.is_empty(), "{backend:?}:\n{}", failures.join("\n"));
    tally
}

/// The values with which a document is asked, one time after the other. A document that has no variables is sometimes asked
/// twice.
fn rounds(seed: u64, document: &Document, bench: &Bench) -> Vec<Values> {
    let mut rng = Rng::with_seed(seed ^ 0x5eed);
    let own = document.values.clone();
    if document.operations.iter().all(|operation| operation.variables.is_empty()) {
        return vec![own; if rng.u8(..4) == 0 { 2 } else { 1 }];
    }
    let (others, owns) = match rng.u8(..4) {
        0 => (3, 2),
        1 => (0, 1),
        _ => (1, 1),
    };
    let mut rounds: Vec<_> = (0..others).map(|_| other_values(document, &bench.known, &mut rng)).collect();
    // What was planned for the document's own values is used for them again, sometimes after it was used for others.
    rounds.extend(std::iter::repeat_n(own, owns));
    rng.shuffle(&mut rounds);
    rounds
}

/// The smallest document that fails; where it takes requests before it to fail, with one of those or, if need be, all.
async fn explain(bench: &Bench, seed: u64, document: Document, asked: &[Values]) -> String {
    let mut before = vec![Vec::new()];
    before.extend(asked.iter().map(|values| vec![values.clone()]));
    before.push(asked.to_vec());
    for before in before {
        if bench.ask_after(&before, &document).await.differ() {
            let differs = async |smaller: Document| bench.ask_after(&before, &smaller).await.differ();
            let smallest = shrink(document, differs).await;
            let answers = bench.ask_after(&before, &smallest).await;
            return describe(seed, &smallest, &before, &answers);
        }
    }
    let answers = bench.ask(&document).await;
    format!("\nIt does not fail again on a new server:{}", describe(seed, &document, asked, &answers))
}

fn describe(seed: u64, document: &Document, before: &[Values], answers: &Answers) -> String {
    let variables = |document: &Document| {
        let values: Vec<_> = document.values.iter().map(|(name, value)| format!("${name} = {value}")).collect();
        values.join(", ")
    };
    let before: Vec<_> =
        before.iter().map(|values| format!("asked before with: {}\n", variables(&document.with(values)))).collect();
    let operation = document.operation_name.as_deref().unwrap_or("not named");
    format!(
        "\nseed {seed}\n{}{}variables: {}\noperation: {operation}\nengine: {}\noracle: {}",
        document.text(),
        before.concat(),
        variables(document),
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
