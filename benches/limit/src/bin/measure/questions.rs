//! The four questions: their documents, and the requests that ask them, each with ids of its own.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use limit::json;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::data::Size;
use crate::load::{self, Request};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Question {
    Point,
    Nested,
    Wide,
    Flat,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answerer {
    /// Throughline.
    Ours,
    /// The handler of one statement.
    Limit,
    /// The handler of several.
    Split,
}

/// The most requests that a question is asked by.
const MOST_REQUESTS: u64 = 500;

impl Question {
    pub(crate) const ALL: [Self; 4] = [Self::Point, Self::Nested, Self::Wide, Self::Flat];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Nested => "nested",
            Self::Wide => "wide",
            Self::Flat => "flat",
        }
    }

    fn document(self) -> &'static str {
        match self {
            Self::Point => include_str!("../../../../queries/point.graphql"),
            Self::Nested => include_str!("../../../../queries/nested.graphql"),
            Self::Wide => include_str!("../../../../queries/wide.graphql"),
            Self::Flat => include_str!("../../../../queries/flat.graphql"),
        }
    }

    /// Who can answer it.
    pub(crate) fn answerers(self) -> &'static [Answerer] {
        match self {
            Self::Point | Self::Flat => &[Answerer::Limit, Answerer::Ours],
            Self::Nested | Self::Wide => &[Answerer::Limit, Answerer::Split, Answerer::Ours],
        }
    }

    /// The rows that an answer returns, of all levels.
    pub(crate) fn rows(self) -> u64 {
        match self {
            Self::Point => 2,
            Self::Nested => 1 + 50 + 50 * 5 + 50,
            Self::Wide => 20 + 20 * 20 + 20 * 20 * 5,
            Self::Flat => 1000,
        }
    }

    /// The rows that it is asked about: each by its number and its id, all over the table.
    fn keys(self, size: Size) -> Vec<Uuid> {
        let (kind, count) = match self {
            Self::Point => (Kind::Feature, size.features()),
            Self::Nested => (Kind::Project, size.projects),
            // Lists begin after a row, so that a whole page has to follow it.
            Self::Wide => (Kind::Project, size.projects - 20),
            Self::Flat => (Kind::Feature, size.features() - 1000),
        };
        if count == 0 {
            return vec![Uuid::nil()];
        }
        let step = (count / MOST_REQUESTS).max(1);
        (0..count).step_by(usize::try_from(step).unwrap_or(1)).map(|number| kind.id(number)).collect()
    }
}

/// Which table a row is of.
#[derive(Clone, Copy)]
enum Kind {
    Project,
    Feature,
}

impl Kind {
    /// The id that `benches/data` gives the row of this number.
    fn id(self, number: u64) -> Uuid {
        let salt = match self {
            Self::Project => 1,
            Self::Feature => 2,
        };
        let time = 1_767_225_600_000 + u128::from(number);
        let first = u128::from(number * 40503 % 4096);
        let last = u128::from(number * 2_654_435_761 % (1 << 48));
        Uuid::from_u128(time << 80 | 7 << 76 | first << 64 | 8 << 60 | salt << 48 | last)
    }

    fn text(self, id: Uuid) -> String {
        let prefix = match self {
            Self::Project => "project",
            Self::Feature => "feature",
        };
        let digits = json::base_32(id.into_bytes());
        format!("{prefix}_{}", digits.iter().map(|digit| char::from(*digit)).collect::<String>())
    }
}

/// The requests of a question to everybody who can answer it, in the same order; the answers are compared on the way.
pub(crate) fn prepare(
    question: Question,
    size: Size,
    addresses: &HashMap<Answerer, String>,
) -> anyhow::Result<HashMap<Answerer, Vec<Request>>> {
    let ours = addresses.get(&Answerer::Ours).context("Throughline was not started")?;
    let keys = question.keys(size);
    let cursors = match question {
        Question::Point | Question::Nested => HashMap::new(),
        Question::Wide => cursors(ours, Kind::Project, &keys)?,
        Question::Flat => cursors(ours, Kind::Feature, &keys)?,
    };
    let mut requests: HashMap<Answerer, Vec<Request>> = HashMap::new();
    for key in keys {
        let variables = match question {
            Question::Point => json!({ "id": Kind::Feature.text(key) }),
            Question::Nested => json!({ "id": Kind::Project.text(key) }),
            Question::Wide | Question::Flat => json!({ "after": cursors.get(&key) }),
        };
        let mut expected: Option<Vec<u8>> = None;
        for answerer in question.answerers() {
            let bytes = match answerer {
                Answerer::Ours => graphql(question.document(), &variables),
                Answerer::Limit => get(&format!("/{}/{key}", question.name())),
                Answerer::Split => get(&format!("/split/{}/{key}", question.name())),
            };
            let address = addresses.get(answerer).context("a server was not started")?;
            let answer = load::ask(address, &bytes)?;
            let same = expected.get_or_insert_with(|| answer.clone());
            compare(same, &answer).with_context(|| format!("{answerer:?} answers {question:?} of {key} otherwise"))?;
            let answer_length = Some(answer.len());
            requests.entry(*answerer).or_default().push(Request { bytes, answer_length });
        }
    }
    Ok(requests)
}

/// Answers must be the same bytes, but for spaces and the order in which JSON may put things.
fn compare(expected: &[u8], answer: &[u8]) -> anyhow::Result<()> {
    if expected == answer {
        return Ok(());
    }
    let (a, b): (Value, Value) = (serde_json::from_slice(expected)?, serde_json::from_slice(answer)?);
    let cut = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]).into_owned();
    ensure!(a == b, "expected:\n{}\nfound:\n{}", cut(expected), cut(answer));
    Ok(())
}

/// The cursors of rows, as the server gives them; the row before the first one has none.
fn cursors(address: &str, kind: Kind, keys: &[Uuid]) -> anyhow::Result<HashMap<Uuid, String>> {
    let (list, ids) = match kind {
        Kind::Project => ("projects", "first: 1"),
        Kind::Feature => ("features", "first: 1"),
    };
    // A cursor is an order's signature and the row's values, so one of the list makes those of all its rows.
    let request = graphql(&format!("{{ {list}({ids}) {{ edges {{ cursor node {{ id }} }} }} }}"), &json!({}));
    let answer: Value = serde_json::from_slice(&load::ask(address, &request)?)?;
    let edge = &answer["data"][list]["edges"][0];
    let (cursor, id) = (edge["cursor"].as_str(), edge["node"]["id"].as_str());
    let (cursor, id) = cursor.zip(id).with_context(|| format!("no cursor in {answer}"))?;
    let first = kind.id(0);
    ensure!(id == kind.text(first), "the first of {list} is {id}, not {}", kind.text(first));
    let text = decode_base_64(cursor).context("a cursor is not base 64")?;
    let text = String::from_utf8(text)?;
    ensure!(text.contains(&first.to_string()), "a cursor does not hold its row's id: {text}");
    let cursor = |id: &Uuid| encode_base_64(text.replace(&first.to_string(), &id.to_string()).as_bytes());
    Ok(keys.iter().filter(|id| !id.is_nil()).map(|id| (*id, cursor(id))).collect())
}

const BASE_64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn decode_base_64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for byte in text.bytes() {
        bits = bits << 6 | u32::try_from(BASE_64.iter().position(|digit| *digit == byte)?).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 255).ok()?);
        }
    }
    Some(bytes)
}

fn encode_base_64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for piece in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, place| bits << 8 | usize::from(*piece.get(place).unwrap_or(&0)));
        for place in 0..=piece.len() {
            text.push(char::from(BASE_64[bits >> (18 - 6 * place) & 63]));
        }
    }
    text
}

/// A GraphQL request over HTTP.
fn graphql(document: &str, variables: &Value) -> Vec<u8> {
    let body = json!({ "query": document, "variables": variables }).to_string();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}
