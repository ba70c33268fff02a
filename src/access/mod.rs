//! Who asks. Every read and every write gets a [`Caller`], so that roles can decide in one place.
//!
//! **Invariant:** a statement that reads rows starts from a function that was handed the caller.

/// Who a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    id: String,
    kind: ActorKind,
}

/// What kind of actor someone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    /// A human being.
    Person,
    /// A program that acts on its own judgement.
    Agent,
    /// A program that does one job: CI, an importer.
    Service,
}

impl Caller {
    /// Whoever sits at the machine: sees and may do everything. The only caller until identities exist.
    #[must_use]
    pub fn local_owner() -> Self {
        Self { id: "local-owner".to_owned(), kind: ActorKind::Person }
    }

    /// The actor's id, as the audit shows it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What kind of actor it is.
    #[must_use]
    pub fn kind(&self) -> ActorKind {
        self.kind
    }
}
