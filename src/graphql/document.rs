//! Documents that were parsed and checked, kept for the requests to come.
//!
//! **Invariants:** a document is kept only once async-graphql has found nothing wrong with it; what is kept is bounded, at
//! most some two thousand documents, and what nobody asks for goes first.

use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use async_graphql::{Name, ServerError};
use moka::sync::Cache;

use super::errors::extensions;
use super::limits::{self, Limits};
use crate::batch::{ObjectPlans, Plans};
use crate::code::Code;

/// A parsed document.
pub(super) struct Document {
    pub(super) executable: ExecutableDocument,
    /// How each of its operations is read, in the order of the document.
    plans: Vec<KeptPlans>,
}

/// The plans of an operation: of a query, or of what a mutation's payloads select.
#[derive(Default)]
pub(super) struct KeptPlans {
    pub(super) query: Plans,
    pub(super) payloads: Arc<ObjectPlans>,
}

/// One operation of a document.
pub(super) struct Operation<'d> {
    pub(super) name: Option<&'d Name>,
    pub(super) definition: &'d OperationDefinition,
    /// How it is read.
    pub(super) plans: &'d KeptPlans,
}

/// Documents by their text.
#[derive(Clone)]
pub(super) struct Documents(Cache<String, Arc<Document>>);

/// The sum of what documents weigh that are kept: each its text, and what any document takes besides.
const KEPT_WEIGHT: u64 = 8 * 1024 * 1024;
const EACH_WEIGHT: usize = 4096;

impl Documents {
    pub(super) fn new() -> Self {
        let weigh = |text: &String, _: &Arc<Document>| u32::try_from(text.len() + EACH_WEIGHT).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(KEPT_WEIGHT).weigher(weigh).build())
    }

    /// The document with this text, if it was kept.
    pub(super) fn find(&self, text: &str) -> Option<Arc<Document>> {
        self.0.get(text)
    }

    /// Keeps a document that was found to be right.
    pub(super) fn keep(&self, text: &str, document: &Arc<Document>) {
        self.0.insert(text.to_owned(), Arc::clone(document));
    }
}

impl Document {
    /// Parses a document.
    ///
    /// # Errors
    /// Where it is not GraphQL.
    pub(super) fn parse(text: &str) -> Result<Self, ServerError> {
        let executable = async_graphql::parser::parse_query(text).map_err(|error| {
            let mut error = ServerError::from(error);
            error.message = describe_parse_error(&error.message);
            extensions(&mut error).set("code", Code::ParseFailed.as_str());
            error
        })?;
        let plans = executable.operations.iter().map(|_| KeptPlans::default()).collect();
        Ok(Self { executable, plans })
    }

    /// Parses a document that may be anybody's.
    ///
    /// # Errors
    /// Where it is not GraphQL, or beyond a limit.
    pub(super) fn parse_within(text: &str, limits: &Limits) -> Result<Self, ServerError> {
        limits::check_text(text, limits)?;
        let document = Self::parse(text)?;
        limits::check_document(&document.executable, limits)?;
        Ok(document)
    }

    /// The operation that is asked for; where none can be told, execution says so.
    pub(super) fn operation(&self, name: Option<&str>) -> Option<Operation<'_>> {
        let alone = self.plans.len() == 1;
        let mut operations = self.executable.operations.iter().zip(&self.plans);
        let asked_for = |known: Option<&Name>| match name {
            Some(name) => known.is_some_and(|known| known == name),
            None => alone,
        };
        let found = operations.find(|((known, _), _)| asked_for(*known));
        found.map(|((name, definition), plans)| Operation { name, definition: &definition.node, plans })
    }
}

/// What the parser expected. The rest of its message quotes the line, which an answer must not repeat: it may be as long
/// as the request, and hold what does not belong into a log.
fn describe_parse_error(message: &str) -> String {
    match message.rsplit_once("\n  = ").or_else(|| message.rsplit_once(" = ")) {
        Some((_, expected)) => format!("the document is not GraphQL: {}", expected.trim()),
        None => "the document is not GraphQL".to_owned(),
    }
}
