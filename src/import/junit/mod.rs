//! Reads test reports as JUnit XML: what pytest, cargo-nextest, Surefire, Gradle, Vitest, go-junit-report,
//! `GoogleTest`, Node.js and others write, no two of them quite the same.
//!
//! A `testcase` becomes a test: its `classname` names the feature (where that is missing or empty, the enclosing
//! `testsuite` does), its `name` the test. `failure` or `error` in it mean failed, `skipped` means skipped, a `status` of
//! `notrun` or `disabled` (`GoogleTest`, `CTest`) means skipped, and nothing of that means passed; `flakyFailure` and the
//! like tell of a test that passed or failed in the end, and that is what counts. Output and properties are passed over.
//! An element that is none of these is refused, since it might say how a test went.
//!
//! A feature that is not there yet gets the least priority, since a report does not say how much it matters, and is in
//! progress, since someone tests it and nobody has said that it is done. One that is there is left as it is.

mod case;
mod xml;

use std::collections::HashMap;

use entity::feature::FeatureStatus;

use self::case::Case;
use self::xml::{Piece, Tag, Xml};
use super::batch::{Batch, FeatureRecord, Outbox};
use super::error::ParseError;
use super::first_seen::FirstSeen;
use super::input::Input;
use super::source::Format;
use crate::features::drafts::Existing;
use crate::features::rules::{FeatureName, FeatureValues, Priority};
use crate::projects::rules::ProjectName;
use crate::test_cases::rules::TestValues;

/// Reads a report about `project`; no tag and no stretch of text has more than `max_element_bytes`.
pub(super) fn read(
    input: Input,
    project: &ProjectName,
    max_element_bytes: usize,
    outbox: &Outbox,
) -> Result<(), ParseError> {
    let mut xml = Xml::new(input, max_element_bytes);
    let mut report = Report {
        project,
        open: Vec::new(),
        case: None,
        root_seen: false,
        seen: FirstSeen::default(),
        batch: Batch::new(Format::JUnit),
        in_batch: HashMap::new(),
    };
    loop {
        let (line, piece) = xml.next()?;
        match piece {
            Piece::Open(tag) => report.open(&tag, line)?,
            Piece::Text(text) => report.text(&text, line)?,
            Piece::Close => report.close()?,
            Piece::End => {
                report.end(line)?;
                return outbox.send(&mut report.batch, xml.consumed());
            }
        }
        if report.batch.is_full() {
            report.in_batch.clear();
            outbox.send(&mut report.batch, xml.consumed())?;
        }
    }
}

/// An element that has begun and not ended.
struct Open {
    name: String,
    line: u64,
    element: Element,
}

enum Element {
    /// `testsuites`, or a `testsuite` with its name.
    Suite(Option<String>),
    /// `testcase`.
    Case,
    /// `failure`, `error` or `skipped` of a test case.
    Outcome,
    /// Something that is passed over, with all that is in it.
    PassedOver,
}

/// Elements nested deeper than this are no report.
const DEEPEST: usize = 100;

struct Report<'p> {
    project: &'p ProjectName,
    open: Vec<Open>,
    case: Option<Case>,
    root_seen: bool,
    seen: FirstSeen,
    batch: Batch,
    /// Where in the batch a feature stands.
    in_batch: HashMap<FeatureName, usize>,
}

impl Report<'_> {
    fn open(&mut self, tag: &Tag, line: u64) -> Result<(), ParseError> {
        let name = tag.name();
        let element = match (self.open.last().map(|open| &open.element), name) {
            (None, _) if self.root_seen => {
                return Err(ParseError::refused(line, format!("<{name}> begins a second report in the same file")));
            }
            (None | Some(Element::Suite(_)), "testsuites") => Element::Suite(None),
            (None | Some(Element::Suite(_)), "testsuite") => Element::Suite(tag.attribute("name", line)?),
            (None, _) => {
                let reason = format!("<{name}> begins no JUnit report; <testsuites> or <testsuite> does");
                return Err(ParseError::refused(line, reason));
            }
            (Some(Element::Suite(_)), "testcase") => {
                let suite = self.open.iter().rev().find_map(|open| match &open.element {
                    Element::Suite(name) => name.as_deref().filter(|name| !name.is_empty()),
                    _ => None,
                });
                self.case = Some(Case::begin(tag, suite, line)?);
                Element::Case
            }
            (Some(Element::Suite(_) | Element::Case), "properties" | "system-out" | "system-err")
            | (Some(Element::Case), "flakyFailure" | "flakyError" | "rerunFailure" | "rerunError")
            | (Some(Element::PassedOver), _) => Element::PassedOver,
            (Some(Element::Case), "failure" | "error" | "skipped") => {
                if let Some(case) = &mut self.case {
                    case.begin_outcome(name == "skipped", tag.attribute("message", line)?);
                }
                Element::Outcome
            }
            (Some(_), _) => {
                let inside = self.open.last().map_or("", |open| &open.name);
                let reason = format!("<{name}> is not known inside <{inside}>, so it cannot be said what it means");
                return Err(ParseError::refused(line, reason));
            }
        };
        if self.open.len() == DEEPEST {
            return Err(ParseError::refused(line, format!("elements are nested more than {DEEPEST} deep")));
        }
        self.root_seen = true;
        self.open.push(Open { name: name.to_owned(), line, element });
        Ok(())
    }

    fn text(&mut self, text: &str, line: u64) -> Result<(), ParseError> {
        match self.open.last().map(|open| &open.element) {
            Some(Element::Outcome) => {
                if let Some(case) = &mut self.case {
                    case.outcome_text(text);
                }
                Ok(())
            }
            Some(Element::PassedOver) => Ok(()),
            _ if text.trim_ascii().is_empty() => Ok(()),
            Some(Element::Suite(_) | Element::Case) | None => {
                let start: String = text.trim_ascii().chars().take(40).collect();
                Err(ParseError::refused(line, format!("there is text where only elements may stand: {start:?}")))
            }
        }
    }

    /// The reader has seen to it that the end belongs to what is open.
    fn close(&mut self) -> Result<(), ParseError> {
        match self.open.pop().map(|open| open.element) {
            Some(Element::Case) => match self.case.take() {
                Some(case) => self.add(case),
                None => Ok(()),
            },
            Some(Element::Outcome) => {
                if let Some(case) = &mut self.case {
                    case.end_outcome();
                }
                Ok(())
            }
            Some(Element::Suite(_) | Element::PassedOver) | None => Ok(()),
        }
    }

    fn end(&self, line: u64) -> Result<(), ParseError> {
        match self.open.last() {
            Some(Open { name, line: begun, .. }) => {
                let reason = format!("the file ends inside <{name}>, which begins in line {begun}");
                Err(ParseError::refused(line, reason))
            }
            None if !self.root_seen => Err(ParseError::refused(line, "the file holds no report")),
            None => Ok(()),
        }
    }

    fn add(&mut self, case: Case) -> Result<(), ParseError> {
        let (line, feature, values) = case.finish()?;
        if let Some(first) = self.seen.note(&(&feature, &values.name), line) {
            let reason = format!("{:?} of {feature:?} stands in line {first} already", values.name);
            return Err(ParseError::refused_field(line, "testcase.name", reason));
        }
        self.batch.tests += 1;
        self.batch.text_bytes +=
            values.name.as_str().len() + values.message.as_ref().map_or(0, |text| text.as_str().len());
        self.record_of(feature).push(values);
        Ok(())
    }

    fn record_of(&mut self, name: FeatureName) -> &mut Vec<TestValues> {
        let index = *self.in_batch.entry(name.clone()).or_insert_with(|| {
            self.batch.features.push(FeatureRecord {
                project: self.project.clone(),
                values: FeatureValues {
                    name,
                    description: None,
                    priority: Priority::LEAST,
                    status: FeatureStatus::InProgress,
                },
                existing: Existing::Leave,
                tests: Vec::new(),
                deployments: Vec::new(),
            });
            self.batch.features.len() - 1
        });
        &mut self.batch.features[index].tests
    }
}
