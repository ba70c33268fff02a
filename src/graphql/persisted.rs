//! Documents that are named instead of sent: trusted ones, which a manifest lists, and those that clients register under
//! their hash (Apollo's automatic persisted queries).
//!
//! **Invariants:** what is registered is bounded, and only a document that was found right is; a trusted document is run
//! whatever else is refused, and where only trusted ones are run, nothing else is.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::ServerError;
use moka::sync::Cache;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::errors::refusal;
use super::request::Request;
use crate::code::Code;

/// Documents that were written together with a client, by their ids.
#[derive(Clone, Debug, Default)]
pub struct TrustedDocuments {
    by_id: HashMap<String, Arc<str>>,
    /// Whether nothing else is run.
    pub only: bool,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is none that is known.
    #[error(
        "it is neither a JSON object of documents by their ids (Relay, GraphQL Code Generator) nor Apollo's manifest: {0}"
    )]
    Unknown(#[from] serde_json::Error),
    /// Two documents have one id.
    #[error("the id {0:?} is that of two documents")]
    Ambiguous(String),
}

/// What the tools of clients write.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    /// Apollo's (`generate-persisted-query-manifest`).
    Apollo { operations: Vec<ApolloOperation> },
    /// The Relay compiler's and GraphQL Code Generator's client preset's: texts by ids.
    Texts(HashMap<String, String>),
}

#[derive(Deserialize)]
struct ApolloOperation {
    id: String,
    body: String,
}

impl TrustedDocuments {
    /// Adds the documents of a manifest: a JSON object of texts by their ids, as the Relay compiler (`persistConfig`) and
    /// GraphQL Code Generator (`persistedDocuments`) write it, or Apollo's.
    ///
    /// # Errors
    /// Where it is none of these, or gives a known id to another text.
    pub fn add_manifest(&mut self, manifest: &str) -> Result<(), ManifestError> {
        let documents = match serde_json::from_str(manifest)? {
            Manifest::Texts(texts) => texts.into_iter().collect(),
            Manifest::Apollo { operations } => {
                operations.into_iter().map(|operation| (operation.id, operation.body)).collect::<Vec<_>>()
            }
        };
        for (id, text) in documents {
            let text: Arc<str> = text.into();
            match self.by_id.get(&id) {
                Some(known) if *known != text => return Err(ManifestError::Ambiguous(id)),
                _ => self.by_id.insert(id, text),
            };
        }
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// All of them, by their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_id.iter().map(|(id, text)| (&**id, &**text))
    }
}

/// The most text that is kept of what clients register.
const REGISTERED_BYTES: u64 = 8 * 1024 * 1024;

/// Finds the text of a request's document.
#[derive(Clone)]
pub(super) struct PersistedDocuments {
    trusted: Arc<TrustedDocuments>,
    registered: Cache<String, Arc<str>>,
}

/// The text of a request's document.
pub(super) struct Found<'r> {
    text: Text<'r>,
    pub(super) is_trusted: bool,
    /// The hash under which it is to be registered once it was found right.
    register: Option<&'r str>,
}

enum Text<'r> {
    Sent(&'r str),
    Kept(Arc<str>),
}

impl Found<'_> {
    pub(super) fn text(&self) -> &str {
        match &self.text {
            Text::Sent(text) => text,
            Text::Kept(text) => text,
        }
    }
}

impl PersistedDocuments {
    pub(super) fn new(trusted: TrustedDocuments) -> Self {
        let weigh = |_: &String, text: &Arc<str>| u32::try_from(text.len() + 128).unwrap_or(u32::MAX);
        let registered = Cache::builder().max_capacity(REGISTERED_BYTES).weigher(weigh).build();
        Self { trusted: Arc::new(trusted), registered }
    }

    /// The text of the request's document.
    ///
    /// # Errors
    /// Where it is not known, is not the one that its hash says, or is not trusted and has to be.
    pub(super) fn find<'r>(&self, request: &'r Request) -> Result<Found<'r>, ServerError> {
        let named = request.document_id.as_deref().or(request.sha256.as_deref());
        if let Some(text) = named.and_then(|name| self.trusted.by_id.get(name))
            && request.query.as_ref().is_none_or(|query| **query == **text)
        {
            return Ok(Found { text: Text::Kept(Arc::clone(text)), is_trusted: true, register: None });
        }
        if self.trusted.only {
            let message = "only trusted documents are run here: send the id of one";
            return Err(refusal(Code::DocumentNotTrusted, message, None));
        }
        match (&request.query, &request.sha256) {
            (Some(query), None) => Ok(Found { text: Text::Sent(query), is_trusted: false, register: None }),
            (Some(query), Some(hash)) => {
                if hex(&Sha256::digest(query.as_bytes())) != *hash {
                    return Err(refusal(
                        Code::BadRequest,
                        "`extensions.persistedQuery.sha256Hash` is not that of `query`",
                        None,
                    ));
                }
                Ok(Found { text: Text::Sent(query), is_trusted: false, register: Some(hash) })
            }
            (None, Some(hash)) => match self.registered.get(hash) {
                Some(text) => Ok(Found { text: Text::Kept(text), is_trusted: false, register: None }),
                // Clients look for this text.
                None => Err(refusal(Code::PersistedQueryNotFound, "PersistedQueryNotFound", None)),
            },
            (None, None) => Err(refusal(Code::PersistedQueryNotFound, "there is no trusted document of this id", None)),
        }
    }

    /// Registers a document that was found right, if its request asks for it.
    pub(super) fn register(&self, found: &Found<'_>) {
        if let Some(hash) = found.register {
            self.registered.insert(hash.to_owned(), found.text().into());
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_of_the_usual_tools_are_read() {
        let mut trusted = TrustedDocuments::default();
        trusted.add_manifest(r#"{ "d41d8cd98f00b204e9800998ecf8427e": "query A { a }" }"#).unwrap();
        let apollo = r#"{ "format": "apollo-persisted-query-manifest", "version": 1,
            "operations": [{ "id": "x", "name": "B", "type": "query", "body": "query B { b }" }] }"#;
        trusted.add_manifest(apollo).unwrap();
        assert_eq!(trusted.len(), 2);
        // The same again is no fault, another text under a known id is.
        trusted.add_manifest(apollo).unwrap();
        let error = trusted.add_manifest(r#"{ "x": "{ c }" }"#).unwrap_err();
        assert_eq!(error.to_string(), "the id \"x\" is that of two documents");
        for wrong in ["", "[]", r#"{ "x": 1 }"#, r#"{ "operations": [{ "id": "x" }] }"#] {
            assert!(trusted.add_manifest(wrong).is_err(), "{wrong}");
        }
    }
}
