//! One `testcase` on its way to a test.

use entity::test_case::TestStatus;

use super::xml::Tag;
use crate::features::rules::FeatureName;
use crate::import::error::ParseError;
use crate::test_cases::rules::{DurationError, DurationMs, TestName, TestValues};
use crate::text::FreeText;

/// A test case whose element has begun.
pub(super) struct Case {
    line: u64,
    feature: FeatureName,
    name: TestName,
    duration_ms: Option<DurationMs>,
    status: TestStatus,
    message: Message,
    /// The `failure`, `error` or `skipped` that is open: its attribute `message` and its text.
    outcome: Option<(String, Message)>,
}

impl Case {
    /// `suite` is the name of the innermost test suite that has one.
    pub(super) fn begin(tag: &Tag, suite: Option<&str>, line: u64) -> Result<Self, ParseError> {
        let missing = |field| ParseError::refused_field(line, tag.field(field), "is missing");
        let class = tag.attribute("classname", line)?.filter(|class| !class.is_empty());
        let (field, feature) = match (class, suite) {
            (Some(class), _) => ("testcase.classname", class),
            (None, Some(suite)) => ("testsuite.name", suite.to_owned()),
            (None, None) => {
                let reason = "is missing or empty, and no <testsuite> around has a name that could stand for it";
                return Err(ParseError::refused_field(line, "testcase.classname", reason));
            }
        };
        let feature = FeatureName::try_from(feature).map_err(|error| ParseError::refused_field(line, field, error))?;
        let name = tag.attribute("name", line)?.ok_or_else(|| missing("name"))?;
        let name =
            TestName::try_from(name).map_err(|error| ParseError::refused_field(line, tag.field("name"), error))?;
        let duration_ms = match tag.attribute("time", line)? {
            Some(text) => {
                Some(parse_seconds(&text).map_err(|error| ParseError::refused_field(line, tag.field("time"), error))?)
            }
            None => None,
        };
        let status = match tag.attribute("status", line)?.as_deref() {
            Some("notrun" | "disabled") => TestStatus::Skipped,
            _ => TestStatus::Passed,
        };
        Ok(Self { line, feature, name, duration_ms, status, message: Message::default(), outcome: None })
    }

    /// A test that failed and was skipped, by two elements, has failed.
    pub(super) fn begin_outcome(&mut self, skipped: bool, message: Option<String>) {
        if !skipped {
            self.status = TestStatus::Failed;
        } else if self.status != TestStatus::Failed {
            self.status = TestStatus::Skipped;
        }
        self.outcome = Some((message.unwrap_or_default(), Message::default()));
    }

    pub(super) fn outcome_text(&mut self, text: &str) {
        if let Some((_, message)) = &mut self.outcome {
            message.push(text);
        }
    }

    /// The message comes first, unless the text begins with it as well.
    pub(super) fn end_outcome(&mut self) {
        let Some((attribute, text)) = self.outcome.take() else { return };
        let body = text.text.trim();
        let attribute = attribute.trim();
        let parts = if body.starts_with(attribute) { ["", body] } else { [attribute, body] };
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            if !self.message.text.is_empty() {
                self.message.push("\n");
            }
            self.message.push(part);
        }
        self.message.cut |= text.cut;
    }

    /// The line in which the element begins, the feature, and the test.
    pub(super) fn finish(self) -> Result<(u64, FeatureName, TestValues), ParseError> {
        let Self { line, feature, name, duration_ms, status, message, outcome: _ } = self;
        let message = match message.into_text() {
            Some(text) => {
                Some(FreeText::try_from(text).map_err(|error| ParseError::refused_field(line, "message", error))?)
            }
            None => None,
        };
        Ok((line, feature, TestValues { name, status, duration_ms, message }))
    }
}

/// Text of which no more than [`MOST_MESSAGE_BYTES`] are kept.
#[derive(Default)]
struct Message {
    text: String,
    cut: bool,
}

/// A report may hold a log of megabytes for each failure; its beginning tells what went wrong.
const MOST_MESSAGE_BYTES: usize = 64 * 1024;
const CUT: &str = "\n[cut after 64 KiB]";

impl Message {
    fn push(&mut self, text: &str) {
        let room = MOST_MESSAGE_BYTES - self.text.len();
        let kept = text.floor_char_boundary(room);
        self.text.push_str(&text[..kept]);
        self.cut |= kept < text.len();
    }

    fn into_text(mut self) -> Option<String> {
        if self.cut {
            self.text.push_str(CUT);
        }
        Some(self.text).filter(|text| !text.is_empty())
    }
}

/// Why a `time` was refused.
#[derive(Debug, thiserror::Error)]
enum TimeError {
    #[error("must be a number of seconds, is {0:?}")]
    NoNumber(String),
    #[error("must not be negative, is {0:?}")]
    Negative(String),
    #[error(transparent)]
    Duration(#[from] DurationError),
}

/// `0.0125` or, as Surefire writes it, `1,234.5`; in whole milliseconds, halves away from zero.
fn parse_seconds(text: &str) -> Result<DurationMs, TimeError> {
    let shown = || text.chars().take(40).collect::<String>();
    let no_number = || TimeError::NoNumber(shown());
    let digits = without_thousands(text.trim_ascii()).ok_or_else(no_number)?;
    let seconds: f64 = digits.parse().map_err(|_| no_number())?;
    if !seconds.is_finite() {
        return Err(no_number());
    }
    if seconds < 0.0 {
        return Err(TimeError::Negative(shown()));
    }
    #[expect(clippy::cast_possible_truncation, reason = "a cast stops at the greatest number, which the rule refuses")]
    let milliseconds = (seconds * 1000.0).round() as i64;
    Ok(DurationMs::try_from(milliseconds)?)
}

/// The number without commas; nothing where a comma does not part thousands, as in a German `1,5`.
fn without_thousands(text: &str) -> Option<String> {
    if !text.contains(',') {
        return Some(text.to_owned());
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let proper = (1..=3).contains(&first.len())
        && digits(first)
        && groups.all(|group| group.len() == 3 && digits(group))
        && digits(fraction);
    proper.then(|| text.replace(',', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_seconds() {
        let read = |text: &str| parse_seconds(text).map(DurationMs::get);
        for (text, milliseconds) in
            [("0", 0), ("0.", 0), ("0.0004", 0), ("0.0005", 1), ("1.5", 1500), ("1,234.5", 1_234_500), (" 2 ", 2000)]
        {
            assert_eq!(read(text).unwrap(), milliseconds, "{text:?}");
        }
        for (text, reason) in [
            ("", r#"must be a number of seconds, is """#),
            ("fast", r#"must be a number of seconds, is "fast""#),
            ("NaN", r#"must be a number of seconds, is "NaN""#),
            ("inf", r#"must be a number of seconds, is "inf""#),
            ("1,5", r#"must be a number of seconds, is "1,5""#),
            ("1,2345", r#"must be a number of seconds, is "1,2345""#),
            ("1.234,5", r#"must be a number of seconds, is "1.234,5""#),
            ("-0.5", r#"must not be negative, is "-0.5""#),
            ("1e300", "must be 0 to 2147483647 milliseconds, is 9223372036854775807"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), reason);
        }
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        let mut message = Message::default();
        message.push(&"ä".repeat(MOST_MESSAGE_BYTES / 2 - 1));
        message.push("a€");
        let text = message.into_text().unwrap();
        assert!(text.ends_with("äa\n[cut after 64 KiB]"), "{}", &text[text.len() - 40..]);
        assert_eq!(Message::default().into_text(), None);
    }
}
