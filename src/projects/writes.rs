//! What can happen to a project.

use entity::{deployment, feature, project, project_member, test_case, webhook};
use uuid::Uuid;

use super::rules::ProjectName;
use crate::access::{Needs, Role};
use crate::database::DatabaseError;
use crate::database::row_set::{CellType, RowSet};
use crate::events::Aggregate as _;
use crate::project_members::writes::{join, load_members, members};
use crate::text::FreeText;
use crate::write_transaction::items::{Change, Place, Target, check_allowed, find};
use crate::write_transaction::{Refusal, Session, UserError, UserErrorCode};

/// Makes a project.
#[derive(Clone, Debug)]
pub struct CreateProject {
    /// The id that it will have.
    pub id: Uuid,
    /// Its name.
    pub name: ProjectName,
    /// What it is about.
    pub description: Option<FreeText>,
}

impl Change for CreateProject {
    const NAME: &'static str = "project.create";
    const NEEDS: Needs = Needs::NewProject;

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        let wanted = named(session, items.iter().map(|item| &item.name));
        session.load_where::<project::Entity>(wanted).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        check_allowed(session, place)?;
        check_name(session, &self.name, None, place)?;
        let row = project::Model {
            id: self.id,
            name: self.name.as_str().to_owned(),
            description: self.description.as_ref().map(|text| text.as_str().to_owned()),
            ..project::Entity::blank()
        };
        let id = session.create::<project::Entity>(&row)?;
        if let Some(user) = session.caller().user() {
            join(session, Uuid::now_v7(), id, (user, Role::Owner))?;
        }
        Ok(id)
    }
}

/// Changes what a project says of itself. What is nothing is left alone.
#[derive(Clone, Debug)]
pub struct UpdateProject {
    /// The project.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
    /// Another name.
    pub name: Option<ProjectName>,
    /// Another description, or none.
    pub description: Option<Option<FreeText>>,
}

impl Change for UpdateProject {
    const NAME: &'static str = "project.update";
    const NEEDS: Needs = Needs::Role(Role::Maintainer);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load::<project::Entity>(items.iter().map(|item| item.id).collect()).await?;
        let wanted = named(session, items.iter().filter_map(|item| item.name.as_ref()));
        session.load_where::<project::Entity>(wanted).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let mut row = find::<project::Entity>(session, self.id, self.expected_version, place)?;
        if let Some(name) = &self.name {
            check_name(session, name, Some(self.id), place)?;
            name.as_str().clone_into(&mut row.name);
        }
        if let Some(description) = &self.description {
            row.description = description.as_ref().map(|text| text.as_str().to_owned());
        }
        session.update::<project::Entity>("update", &row)?;
        Ok(self.id)
    }
}

/// Ends a project and all that belongs to it, deleted features too. Their events stay.
#[derive(Clone, Debug)]
pub struct DeleteProject {
    /// The project.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

impl Change for DeleteProject {
    const NAME: &'static str = "project.delete";
    const NEEDS: Needs = Needs::Role(Role::Owner);
    /// Nothing may be added to it between the reading of what it holds and its end.
    const LOCKS: bool = true;

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load::<project::Entity>(items.iter().map(|item| item.id).collect()).await?;
        let projects = RowSet::of_ids("project_id", items.iter().map(|item| item.id));
        load_members(session, items.iter().map(|item| item.id).collect()).await?;
        session.load_where::<webhook::Entity>(RowSet::of_ids("project_id", items.iter().map(|item| item.id))).await?;
        session.load_where::<feature::Entity>(projects).await?;
        let features: Vec<Uuid> = session.rows::<feature::Entity>().map(|feature| feature.id).collect();
        let of_features = || RowSet::of_ids("feature_id", features.iter().copied());
        session.load_where::<test_case::Entity>(of_features()).await?;
        session.load_where::<deployment::Entity>(of_features()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        find::<project::Entity>(session, self.id, self.expected_version, place)?;
        let members = sorted(members(session, self.id).map(|member| member.id));
        members.into_iter().try_for_each(|id| session.mark::<project_member::Entity>("delete", id))?;
        let webhooks = session.rows::<webhook::Entity>().filter(|webhook| webhook.project_id == self.id);
        let webhooks = sorted(webhooks.map(|webhook| webhook.id));
        webhooks.into_iter().try_for_each(|id| session.mark::<webhook::Entity>("delete", id))?;
        let features = session.rows::<feature::Entity>().filter(|feature| feature.project_id == self.id);
        let features = sorted(features.map(|feature| feature.id));
        let is_own = |feature: &Uuid| features.binary_search(feature).is_ok();
        let tests = session.rows::<test_case::Entity>().filter(|test| is_own(&test.feature_id));
        let tests = sorted(tests.map(|test| test.id));
        let deployments = session.rows::<deployment::Entity>().filter(|deployment| is_own(&deployment.feature_id));
        let deployments = sorted(deployments.map(|deployment| deployment.id));
        deployments.into_iter().try_for_each(|id| session.mark::<deployment::Entity>("delete", id))?;
        tests.into_iter().try_for_each(|id| session.mark::<test_case::Entity>("delete", id))?;
        features.into_iter().try_for_each(|id| session.mark::<feature::Entity>("purge", id))?;
        session.mark::<project::Entity>("delete", self.id)?;
        Ok(self.id)
    }
}

fn sorted(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = ids.collect();
    ids.sort_unstable();
    ids
}

/// The projects that have these names, to be looked up.
fn named<'n>(session: &Session<'_>, names: impl Iterator<Item = &'n ProjectName>) -> RowSet {
    let mut wanted = RowSet::new(vec![("name", CellType::Text)]);
    if !session.relies_on_constraints() {
        names.for_each(|name| wanted.push([name.as_str().into()]));
    }
    wanted
}

/// # Errors
/// When another project has the name.
fn check_name(session: &Session<'_>, name: &ProjectName, own: Option<Uuid>, place: &Place) -> Result<(), UserError> {
    match session.named::<project::Entity>(Uuid::nil(), name.as_str()) {
        Some(other) if own != Some(other.id) => {
            Err(place.at("name").error(UserErrorCode::NameTaken, "another project has this name"))
        }
        _ => Ok(()),
    }
}
