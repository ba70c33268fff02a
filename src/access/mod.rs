//! Who asks, and what that one may see and do.
//!
//! A [`Caller`] comes with every request and every command; the [`Authenticator`] makes it where a credential is checked, and it never
//! changes. Reads turn
//! it into a [`Sight`], which their statements ask; commands ask it for a [`Role`] in the project that they change.
//!
//! **Invariants:** a statement that reads rows starts from a function that was handed a sight; an event is let happen only where the
//! caller has the command's role. What may not be seen is answered as if it were not there.

mod authenticator;
mod caller;
mod identity;
mod issued;
pub mod jwt;
mod needs;
mod open_sessions;
mod rights;
mod sight;
pub mod token;
mod uses;

pub use authenticator::{Authenticator, Denied, Identified, Unidentified};
pub use caller::{ActorKind, Caller, LOCAL_OWNER, PROGRAM};
pub use entity::project_member::Role;
pub use needs::Needs;
pub use open_sessions::OpenSession;
pub use rights::Rights;
pub use sight::{Sight, View};
