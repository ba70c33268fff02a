//! Reads delivery records: a feature a line, as JSON, with its tests and deployments.
//!
//! A line is `{"project", "feature": {"key", "name", "description", "priority", "status"}, "tests": [{"name", "status",
//! "duration_ms", "message"}], "deployments": [{"environment", "version", "status", "deployed_at"}]}`. `tests`,
//! `deployments`, `key`, `description`, `duration_ms`, `message` and `deployed_at` may be missing or null (the lists:
//! missing). `key` is whatever the writing tool calls the feature; it is accepted and not stored. `deployed_at` is a date
//! or an RFC 3339 time. A line says all of its feature: what it does not mention of a feature or test is unset, but tests
//! and deployments that it does not mention stay. Blank lines are passed over, and any other field is refused.

use std::collections::HashMap;
use std::fmt::Display;
use std::io::BufRead;

use entity::deployment::DeploymentStatus;
use entity::feature::FeatureStatus;
use entity::test_case::TestStatus;
use serde::{Deserialize, Deserializer, de};

use super::batch::{Batch, FeatureRecord, Outbox};
use super::error::ParseError;
use super::first_seen::FirstSeen;
use super::input::Input;
use super::source::Format;
use crate::deployments::rules::{self as deployment_rules, DeployedAt, DeploymentValues, Environment, Version};
use crate::features::drafts::Existing;
use crate::features::rules::{self as feature_rules, FeatureName, FeatureValues, Priority};
use crate::projects::rules::ProjectName;
use crate::test_cases::rules::{self as test_rules, DurationMs, TestName, TestValues};
use crate::text::FreeText;

/// Reads lines of at most `max_line_bytes` until the end.
pub(super) fn read(mut input: Input, max_line_bytes: usize, outbox: &Outbox) -> Result<(), ParseError> {
    // One byte more, for the line's end.
    input.cap_pieces(max_line_bytes.saturating_add(1));
    let mut batch = Batch::new(Format::Ndjson);
    let mut seen = FirstSeen::default();
    let mut bytes = Vec::new();
    loop {
        input.begin_piece();
        bytes.clear();
        let line = input.line();
        match input.read_until(b'\n', &mut bytes) {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) if input.is_over_cap() => {
                let reason = format!("the line is longer than the {max_line_bytes} bytes that a line may have");
                return Err(ParseError::refused(line, reason));
            }
            Err(error) => return Err(error.into()),
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let record = parse_line(&bytes, line)?;
        if let Some(first) = seen.note(&(&record.project, &record.values.name), line) {
            let (project, feature) = (&record.project, &record.values.name);
            let reason = format!("the feature {feature:?} of the project {project:?} stands in line {first} already");
            return Err(ParseError::refused_field(line, "feature.name", reason));
        }
        batch.tests += record.tests.len();
        batch.deployments += record.deployments.len();
        batch.text_bytes += bytes.len();
        batch.features.push(record);
        if batch.is_full() {
            outbox.send(&mut batch, input.consumed())?;
        }
    }
    outbox.send(&mut batch, input.consumed())
}

fn parse_line(bytes: &[u8], line: u64) -> Result<FeatureRecord, ParseError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let reason = format!("byte {} of the line is not UTF-8", error.valid_up_to() + 1);
        ParseError::refused(line, reason)
    })?;
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed: Line = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        refuse_json(line, Some(path).filter(|path| path != "."), error.inner())
    })?;
    json.end().map_err(|error| refuse_json(line, None, &error))?;
    refuse_doubles(&parsed, line)?;
    Ok(FeatureRecord {
        project: parsed.project,
        values: FeatureValues {
            name: parsed.feature.name,
            description: parsed.feature.description,
            priority: parsed.feature.priority,
            status: parsed.feature.status,
        },
        existing: Existing::Update,
        tests: parsed.tests.into_iter().map(TestValues::from).collect(),
        deployments: parsed.deployments.into_iter().map(DeploymentValues::from).collect(),
    })
}

fn refuse_json(line: u64, field: Option<String>, error: &serde_json::Error) -> ParseError {
    // The parser sees one line only; its line number would mislead.
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let reason = text.strip_suffix(&place).unwrap_or(&text);
    if error.is_data() {
        return ParseError::Refused { line, field, reason: reason.to_owned() };
    }
    let reason = if error.is_eof() {
        format!("the line ends inside its record, as it does where a file was cut off ({reason})")
    } else {
        format!("column {}: is not JSON: {reason}", error.column())
    };
    ParseError::Refused { line, field: field.filter(|_| error.is_eof()), reason }
}

/// Within one feature, where the line's fields tell the two places apart.
fn refuse_doubles(parsed: &Line, line: u64) -> Result<(), ParseError> {
    let mut names = HashMap::with_capacity(parsed.tests.len());
    for (index, test) in parsed.tests.iter().enumerate() {
        if let Some(first) = names.insert(&test.name, index) {
            let reason = format!("{:?} is the name of tests[{first}] already", test.name);
            return Err(ParseError::refused_field(line, format!("tests[{index}].name"), reason));
        }
    }
    let mut keys = HashMap::with_capacity(parsed.deployments.len());
    for (index, deployment) in parsed.deployments.iter().enumerate() {
        let key = (&deployment.environment, &deployment.version, deployment.deployed_at);
        if let Some(first) = keys.insert(key, index) {
            let reason = format!("has the environment, version and time of deployments[{first}]");
            return Err(ParseError::refused_field(line, format!("deployments[{index}]"), reason));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(deserialize_with = "text")]
    project: ProjectName,
    feature: Feature,
    #[serde(default)]
    tests: Vec<Test>,
    #[serde(default)]
    deployments: Vec<Deployment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Feature {
    #[serde(default, rename = "key")]
    _key: Option<de::IgnoredAny>,
    #[serde(deserialize_with = "text")]
    name: FeatureName,
    #[serde(default, deserialize_with = "optional_text")]
    description: Option<FreeText>,
    #[serde(deserialize_with = "priority")]
    priority: Priority,
    #[serde(deserialize_with = "feature_status")]
    status: FeatureStatus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Test {
    #[serde(deserialize_with = "text")]
    name: TestName,
    #[serde(deserialize_with = "test_status")]
    status: TestStatus,
    #[serde(default, deserialize_with = "duration_ms")]
    duration_ms: Option<DurationMs>,
    #[serde(default, deserialize_with = "optional_text")]
    message: Option<FreeText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deployment {
    #[serde(deserialize_with = "text")]
    environment: Environment,
    #[serde(deserialize_with = "text")]
    version: Version,
    #[serde(deserialize_with = "deployment_status")]
    status: DeploymentStatus,
    #[serde(default, deserialize_with = "deployed_at")]
    deployed_at: Option<DeployedAt>,
}

impl From<Test> for TestValues {
    fn from(Test { name, status, duration_ms, message }: Test) -> Self {
        Self { name, status, duration_ms, message }
    }
}

impl From<Deployment> for DeploymentValues {
    fn from(Deployment { environment, version, status, deployed_at }: Deployment) -> Self {
        Self { environment, version, status, deployed_at }
    }
}

/// Reads an `S`, which the rules then make a `T` or refuse in their own words.
fn checked<'de, D, S, T, E>(deserializer: D, rule: impl FnOnce(S) -> Result<T, E>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    S: Deserialize<'de>,
    E: Display,
{
    rule(S::deserialize(deserializer)?).map_err(de::Error::custom)
}

fn text<'de, D: Deserializer<'de>, T: TryFrom<String, Error: Display>>(deserializer: D) -> Result<T, D::Error> {
    checked(deserializer, T::try_from)
}

fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<FreeText>, D::Error> {
    checked(deserializer, |text: Option<String>| text.map(FreeText::try_from).transpose())
}

fn priority<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Priority, D::Error> {
    checked(deserializer, |number: i64| Priority::try_from(number))
}

fn feature_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FeatureStatus, D::Error> {
    checked(deserializer, |word: String| feature_rules::parse_status(&word))
}

fn test_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TestStatus, D::Error> {
    checked(deserializer, |word: String| test_rules::parse_status(&word))
}

fn deployment_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DeploymentStatus, D::Error> {
    checked(deserializer, |word: String| deployment_rules::parse_status(&word))
}

fn duration_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DurationMs>, D::Error> {
    checked(deserializer, |number: Option<i64>| number.map(DurationMs::try_from).transpose())
}

fn deployed_at<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DeployedAt>, D::Error> {
    checked(deserializer, |text: Option<String>| text.map(|text| text.parse::<DeployedAt>()).transpose())
}
