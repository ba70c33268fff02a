//! What a caller may see, as conditions of a statement.
//!
//! **Invariant:** what a statement says depends on a caller's [`View`] alone, so that callers of one view share plans and prepared
//! statements; which projects are theirs are values.

use std::sync::Arc;

use entity::project_member::Role;
use sea_orm::DbBackend;
use sea_orm::sea_query::{Expr, ExprTrait as _};

use super::{Caller, Rights};
use crate::database::dialect;

/// What kinds of conditions a caller's statements have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Whether everything is seen, what is no project's too.
    everything: bool,
    /// What the caller may do in every project.
    everywhere: Option<Role>,
    /// Whether the audit is read.
    audit: bool,
    /// Whether of the audit what the caller's name has done is read.
    own_deeds: bool,
}

/// What a caller may see.
pub struct Sight {
    backend: DbBackend,
    view: View,
    /// The ids of the projects in which the caller has at least a role: a list, as [`dialect::list_keys`] has it.
    projects: Box<dyn Fn(Role) -> Expr + Send + Sync>,
    /// The caller's name.
    name: Expr,
}

impl Sight {
    /// Sees as callers of the view do, whose projects and name are these expressions.
    pub(crate) fn of_view(
        backend: DbBackend,
        view: View,
        projects: impl Fn(Role) -> Expr + Send + Sync + 'static,
        name: Expr,
    ) -> Self {
        Self { backend, view, projects: Box::new(projects), name }
    }

    /// A condition that holds where the caller has this role, or a higher one, in the project with that id; none where the caller has
    /// it everywhere.
    #[must_use]
    pub fn has(&self, role: Role, project: Expr) -> Option<Expr> {
        if self.view.everything {
            return None;
        }
        // What is no project's has none.
        if self.view.everywhere >= Some(role) {
            return Some(project.is_not_null());
        }
        Some(dialect::is_one_of(self.backend, project, (self.projects)(role), true))
    }

    /// A condition that holds where the project with that id is seen; none where all are.
    #[must_use]
    pub fn sees(&self, project: Expr) -> Option<Expr> {
        self.has(Role::Viewer, project)
    }

    /// A condition that holds for the caller's own name.
    #[must_use]
    pub fn is_caller(&self, name: Expr) -> Expr {
        name.eq(self.name.clone())
    }

    /// A condition that holds for what an actor has done if the caller may know of it: an auditor knows all, anybody else what they
    /// did themselves. A credential that is limited knows nothing of that, since its user may have done it where the credential is not
    /// good for anything.
    #[must_use]
    pub fn knows_deeds_of(&self, actor: Expr) -> Option<Expr> {
        match self.view {
            View { audit: true, .. } => None,
            View { own_deeds: true, .. } => Some(self.is_caller(actor)),
            _ => Some(Expr::cust("FALSE")),
        }
    }
}

impl Caller {
    /// What kinds of conditions the caller's statements have.
    #[must_use]
    pub fn view(&self) -> View {
        let Rights { everywhere, own_deeds, .. } = **self.rights();
        View { everything: self.is_admin(), everywhere, audit: self.reads_audit(), own_deeds }
    }

    /// What the caller may see, for a statement that is made for this caller alone.
    #[must_use]
    pub fn sight(&self, backend: DbBackend) -> Sight {
        let rights = Arc::clone(self.rights());
        let list = move |role| {
            let projects: Vec<_> = rights.projects_with(role).collect();
            Expr::val(dialect::list_keys(backend, &projects, &[]))
        };
        Sight::of_view(backend, self.view(), list, Expr::val(self.id()))
    }
}
