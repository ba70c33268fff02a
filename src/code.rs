//! The codes that an error of an answer can carry, as `extensions.code`: the one list. Whatever answers uses it, and it
//! uses nothing.

/// What a client can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The body is not a request.
    BadRequest,
    /// The path is unknown.
    NotFound,
    /// The path is known, the method is not.
    MethodNotAllowed,
    /// The body is too large.
    PayloadTooLarge,
    /// The body is not said to be JSON.
    UnsupportedMediaType,
    /// The document is not GraphQL.
    ParseFailed,
    /// The document does not fit the schema.
    ValidationFailed,
    /// The document goes beyond a limit, which `extensions.limit` names.
    LimitExceeded,
    /// The operation asks for more objects than one may.
    QueryTooComplex,
    /// The caller has asked for more than it may in a minute; `extensions.retryAfter` tells in how many seconds it can be sent again.
    RateLimited,
    /// No document has this hash or id: send its text once.
    PersistedQueryNotFound,
    /// Only trusted documents are run, and this is none.
    DocumentNotTrusted,
    /// The schema does not answer questions about itself.
    IntrospectionDisabled,
    /// It is not known who sends the request, or not any more.
    Unauthenticated,
    /// The caller may not do this.
    Forbidden,
    /// A page of another site has sent the request.
    CrossSiteRequest,
    /// The server is not asked under this name.
    HostNotAllowed,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The request took too long; a write may have been carried out or not.
    RequestTimeout,
    /// An argument's value is outside of what it may be.
    InvalidArgument,
    /// An id is malformed, or names another type than is asked for.
    InvalidId,
    /// A cursor is malformed, or comes from another ordering.
    InvalidCursor,
    /// What the field holds is encrypted under a key that the server does not have; whoever runs it can set the key.
    EncryptionKeyMissing,
    /// What the field held was erased together with its key: nobody can read it any more.
    SecretErased,
    /// What the field holds is not what was written: it was changed outside of Throughline.
    SecretUnreadable,
    /// Other writers were in the way for too long; nothing was written, and trying again can help.
    WriteConflict,
    /// A statement ran for longer than it may and was stopped; what it would have written was not.
    StatementTimeout,
    /// Somebody else held a lock for longer than a statement waits; nothing was written, and trying again can help.
    LockTimeout,
    /// Every connection was in use for longer than a request waits for one; trying later can help.
    PoolTimeout,
    /// The database cannot be reached, or went away; trying later can help.
    DatabaseUnavailable,
    /// Whether a token is right cannot be told, since its issuer's keys cannot be had; trying later can help.
    IssuerUnavailable,
    /// A fault of ours; the log has the rest under the request's id.
    Internal,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 32] = [
        Self::BadRequest,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::ParseFailed,
        Self::ValidationFailed,
        Self::LimitExceeded,
        Self::QueryTooComplex,
        Self::RateLimited,
        Self::PersistedQueryNotFound,
        Self::DocumentNotTrusted,
        Self::IntrospectionDisabled,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::CrossSiteRequest,
        Self::HostNotAllowed,
        Self::BodyTimeout,
        Self::RequestTimeout,
        Self::InvalidArgument,
        Self::InvalidId,
        Self::InvalidCursor,
        Self::EncryptionKeyMissing,
        Self::SecretErased,
        Self::SecretUnreadable,
        Self::WriteConflict,
        Self::StatementTimeout,
        Self::LockTimeout,
        Self::PoolTimeout,
        Self::DatabaseUnavailable,
        Self::IssuerUnavailable,
        Self::Internal,
    ];

    /// The code as clients see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::ParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::ValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::QueryTooComplex => "QUERY_TOO_COMPLEX",
            Self::RateLimited => "RATE_LIMITED",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::DocumentNotTrusted => "DOCUMENT_NOT_TRUSTED",
            Self::IntrospectionDisabled => "INTROSPECTION_DISABLED",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::CrossSiteRequest => "CROSS_SITE_REQUEST",
            Self::HostNotAllowed => "HOST_NOT_ALLOWED",
            Self::BodyTimeout => "BODY_TIMEOUT",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::InvalidId => "INVALID_ID",
            Self::InvalidCursor => "INVALID_CURSOR",
            Self::EncryptionKeyMissing => "ENCRYPTION_KEY_MISSING",
            Self::SecretErased => "SECRET_ERASED",
            Self::SecretUnreadable => "SECRET_UNREADABLE",
            Self::WriteConflict => "WRITE_CONFLICT",
            Self::StatementTimeout => "STATEMENT_TIMEOUT",
            Self::LockTimeout => "LOCK_TIMEOUT",
            Self::PoolTimeout => "POOL_TIMEOUT",
            Self::DatabaseUnavailable => "DATABASE_UNAVAILABLE",
            Self::IssuerUnavailable => "ISSUER_UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }

    /// Whether it is our fault, or the database's, and not the caller's.
    #[must_use]
    pub fn is_ours(self) -> bool {
        matches!(
            self,
            Self::RequestTimeout
                | Self::WriteConflict
                | Self::StatementTimeout
                | Self::LockTimeout
                | Self::PoolTimeout
                | Self::DatabaseUnavailable
                | Self::IssuerUnavailable
                | Self::Internal
        )
    }

    /// The whole text of an error that has the same one wherever it is met. What is ours, not the caller's, says nothing of how
    /// we work inside.
    #[must_use]
    pub fn constant_message(self) -> Option<&'static str> {
        match self {
            Self::MethodNotAllowed => Some("only a query may be sent this way; send a mutation with POST"),
            Self::IntrospectionDisabled => Some("the schema does not answer questions about itself here"),
            Self::Unauthenticated => {
                Some("the credential has ended, or lets you do less than before; say again who you are")
            }
            Self::RequestTimeout => {
                Some("the request took too long and was ended; a write may have been carried out or not")
            }
            Self::WriteConflict => Some("other writers were in the way; try again"),
            Self::StatementTimeout => Some("a statement took too long and was stopped; ask for less, or try again"),
            Self::LockTimeout => Some("somebody else held a lock for too long; try again"),
            Self::PoolTimeout => Some("no connection to the database was free in time; try again later"),
            Self::DatabaseUnavailable => Some("the database cannot be reached; try again later"),
            Self::Internal => Some("internal error"),
            _ => None,
        }
    }
}
