//! Who asks. Every read and every write gets a [`Caller`], so that roles can decide in one place.
//!
//! **Invariant:** a statement that reads rows starts from a function that was handed the caller.

/// Who a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    id: String,
    kind: ActorKind,
    on_behalf_of: Option<String>,
    run_id: Option<String>,
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

impl ActorKind {
    /// The word that the tables hold.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Agent => "agent",
            Self::Service => "service",
        }
    }
}

impl Caller {
    /// Whoever sits at the machine: sees and may do everything. The only caller until identities exist.
    #[must_use]
    pub fn local_owner() -> Self {
        Self { id: "local-owner".to_owned(), kind: ActorKind::Person, on_behalf_of: None, run_id: None }
    }

    /// A part of Throughline that does something by itself.
    #[must_use]
    pub fn service(id: &str) -> Self {
        Self { id: id.to_owned(), kind: ActorKind::Service, on_behalf_of: None, run_id: None }
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

    /// For whom an agent acts.
    #[must_use]
    pub fn on_behalf_of(&self) -> Option<&str> {
        self.on_behalf_of.as_deref()
    }

    /// The agent's run or the CI job.
    #[must_use]
    pub fn run_id(&self) -> Option<&str> {
        self.run_id.as_deref()
    }
}
