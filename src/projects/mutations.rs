//! What clients can let happen to projects.

use async_graphql::{ID, InputObject, MaybeUndefined};
use uuid::Uuid;

use super::graphql::Project;
use super::writes::{CreateProject, DeleteProject, UpdateProject};
use crate::graphql::mutation::{Checks, ParseChange, mutations, payload};
use crate::write_transaction::items::Place;

mutations! {
    ProjectMutations {
        /// Makes a project. Its name must be new.
        create_project(CreateProjectInput) -> ProjectPayload;

        /// Changes what a project says of itself. What is left out is left alone, and null clears a description.
        update_project(UpdateProjectInput) -> ProjectPayload;

        /// Deletes a project with its features, their tests and their deployments, for good. Their events and audit stay.
        delete_project(DeleteProjectInput) -> ProjectPayload;
    }
}

payload! {
    /// What became of a mutation of one project.
    ProjectPayload {
        /// The project as it is now: null where it was deleted, or nothing was written. Where another version was expected, the
        /// project as it is.
        project: Project
    }
}

/// A project to be made.
#[derive(InputObject)]
pub(crate) struct CreateProjectInput {
    /// The name, new among projects: 1 to 255 characters.
    name: String,
    /// What the project is about.
    description: Option<String>,
}

impl ParseChange for CreateProjectInput {
    type Change = CreateProject;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<CreateProject> {
        let name = checks.text(&place.at("name"), self.name);
        let description = checks.optional_text(&place.at("description"), self.description);
        Some(CreateProject { id: Uuid::now_v7(), name: name?, description: description? })
    }
}

/// What is to be changed of a project.
#[derive(InputObject)]
pub(crate) struct UpdateProjectInput {
    /// The project.
    id: ID,
    /// The version that the project must have; any, if it is left out.
    expected_version: Option<i32>,
    /// Another name, new among projects: 1 to 255 characters.
    name: MaybeUndefined<String>,
    /// Another description; null for none.
    description: MaybeUndefined<String>,
}

impl ParseChange for UpdateProjectInput {
    type Change = UpdateProject;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<UpdateProject> {
        let id = checks.id(&place.at("id"), "project", &self.id);
        let name = checks.kept_text(&place.at("name"), self.name);
        let description = checks.patched_text(&place.at("description"), self.description);
        Some(UpdateProject { id: id?, expected_version: self.expected_version, name, description })
    }
}

/// A project to be deleted.
#[derive(InputObject)]
pub(crate) struct DeleteProjectInput {
    /// The project.
    id: ID,
    /// The version that the project must have; any, if it is left out.
    expected_version: Option<i32>,
}

impl ParseChange for DeleteProjectInput {
    type Change = DeleteProject;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<DeleteProject> {
        let id = checks.id(&place.at("id"), "project", &self.id)?;
        Some(DeleteProject { id, expected_version: self.expected_version })
    }
}
