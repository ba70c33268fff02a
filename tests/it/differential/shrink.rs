//! Makes a document smaller as long as it still fails, so that a person can read it.

use super::generate::{Document, Selection, What};

/// The smallest document to be had by leaving things out one by one of which `fails` still says true.
pub(crate) async fn shrink(mut document: Document, fails: impl AsyncFn(Document) -> bool) -> Document {
    loop {
        let mut smaller = None;
        for place in 0..count_steps(&document) {
            let candidate = without(&document, place);
            // What is not there cannot be left out; a candidate has to be shorter, or there would be no end.
            let shorter = candidate.text().len() < document.text().len();
            if shorter && can_be_spelled(&candidate) && fails(candidate.clone()).await {
                smaller = Some(candidate);
                break;
            }
        }
        match smaller {
            Some(smaller) => document = smaller,
            None => return document,
        }
    }
}

/// Whether there is something in all braces that are written.
fn can_be_spelled(document: &Document) -> bool {
    let mut empty = document.operations.is_empty() || document.sets().any(Vec::is_empty);
    document.each(&mut |selection| {
        empty |= matches!(selection.what, What::Inline { .. }) && selection.selections.is_empty();
    });
    !empty
}

fn count_steps(document: &Document) -> usize {
    let mut steps = document.operations.len();
    document.each(&mut |selection| steps += steps_of(selection));
    steps
}

/// The selection itself, its own selections in its place, its alias, its arguments and its directives.
fn steps_of(selection: &Selection) -> usize {
    let own = match &selection.what {
        What::Field { arguments, .. } => 1 + arguments.len(),
        What::Inline { .. } => 1,
        What::Spread { .. } => 0,
    };
    1 + own + selection.directives.len()
}

/// The document without one thing, and without the fragments and variables that nothing uses then.
fn without(document: &Document, place: usize) -> Document {
    let mut document = document.clone();
    let mut place = Some(place);
    let operations = document.operations.len();
    if let Some(operation) = take(&mut place, operations) {
        document.operations.remove(operation);
    }
    for operation in &mut document.operations {
        cut(&mut operation.selections, &mut place);
    }
    for fragment in &mut document.fragments {
        cut(&mut fragment.selections, &mut place);
    }
    drop_unused(&mut document);
    document
}

/// Which of `steps` is meant, if it is one of them; then nothing is left to do.
fn take(place: &mut Option<usize>, steps: usize) -> Option<usize> {
    match *place {
        Some(step) if step < steps => place.take(),
        Some(step) => {
            *place = Some(step - steps);
            None
        }
        None => None,
    }
}

fn cut(set: &mut Vec<Selection>, place: &mut Option<usize>) {
    let mut index = 0;
    while index < set.len() {
        let steps = steps_of(&set[index]);
        match take(place, steps) {
            Some(0) => {
                set.remove(index);
                return;
            }
            Some(step) => {
                let directives = set[index].directives.len();
                if step <= directives {
                    set[index].directives.remove(step - 1);
                    return;
                }
                match &mut set[index].what {
                    What::Field { alias, .. } if step == directives + 1 => *alias = None,
                    What::Field { arguments, .. } => drop(arguments.remove(step - directives - 2)),
                    _ => {
                        let inner = std::mem::take(&mut set[index].selections);
                        set.splice(index..=index, inner);
                    }
                }
                return;
            }
            None => cut(&mut set[index].selections, place),
        }
        if place.is_none() {
            return;
        }
        index += 1;
    }
}

fn drop_unused(document: &mut Document) {
    loop {
        let mut spread = Vec::new();
        document.each(&mut |selection| {
            if let What::Spread { fragment } = &selection.what {
                spread.push(fragment.clone());
            }
        });
        let before = document.fragments.len();
        document.fragments.retain(|fragment| spread.contains(&fragment.name));
        if document.fragments.len() == before {
            break;
        }
    }
    let text = document.text();
    for operation in &mut document.operations {
        // Its declaration is one mention.
        operation.variables.retain(|variable| mentions(&text, &variable.name) > 1);
    }
    let declared: Vec<_> = document.operations.iter().flat_map(|operation| &operation.variables).collect();
    document.values.retain(|(name, _)| declared.iter().any(|variable| variable.name == *name));
}

fn mentions(text: &str, variable: &str) -> usize {
    let whole = |rest: &&str| !rest.starts_with(|next: char| next.is_ascii_digit());
    text.split(&format!("${variable}")).skip(1).filter(whole).count()
}
