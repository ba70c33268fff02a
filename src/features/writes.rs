//! What can happen to a feature.

use entity::{feature, project};
use uuid::Uuid;

use super::rules::{FeatureName, FeatureValues, Priority, check_transition};
use crate::access::{Needs, Role};
use crate::database::DatabaseError;
use crate::database::row_set::{CellType, RowSet};
use crate::encryption::{SEEN_BY, SecretText};
use crate::events::Aggregate as _;
use crate::text::FreeText;
use crate::write_transaction::items::{Change, Place, Target, check_parent, find, restore, seal};
use crate::write_transaction::{Refusal, Session, UserError, UserErrorCode};

/// Makes a feature.
#[derive(Clone, Debug)]
pub struct CreateFeature {
    /// The id that it will have.
    pub id: Uuid,
    /// The project that it belongs to.
    pub project: Uuid,
    /// What it says of itself.
    pub values: FeatureValues,
    /// What it says to those alone who maintain or own the project.
    pub confidential_notes: Option<SecretText>,
}

impl Change for CreateFeature {
    const NAME: &'static str = "feature.create";
    const NEEDS: Needs = Needs::Role(Role::Contributor);

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        let with_notes = items.iter().filter(|item| item.confidential_notes.is_some());
        session.load_data_keys(with_notes.map(|item| item.project)).await?;
        if session.relies_on_constraints() {
            return Ok(());
        }
        session.load::<project::Entity>(items.iter().map(|item| item.project).collect()).await?;
        let wanted = named(items.iter().map(|item| (item.project, &item.values.name)));
        session.load_where::<feature::Entity>(wanted).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let mut errors = Vec::new();
        errors.extend(check_parent::<project::Entity>(session, self.project, &place.at("projectId")));
        errors.extend(check_name(session, self.project, &self.values.name, None, place));
        Refusal::of_any(errors)?;
        let blank = feature::Model { id: self.id, project_id: self.project, ..feature::Entity::blank() };
        let mut row = self.values.put_into(&blank);
        if let Some(notes) = &self.confidential_notes {
            set_notes(session, &mut row, Some(notes), place)?;
        }
        Ok(session.create::<feature::Entity>(&row)?)
    }
}

/// Changes what a feature says of itself. What is nothing is left alone.
#[derive(Clone, Debug)]
pub struct UpdateFeature {
    /// The feature.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
    /// Another name.
    pub name: Option<FeatureName>,
    /// Another description, or none.
    pub description: Option<Option<FreeText>>,
    /// Another priority.
    pub priority: Option<Priority>,
    /// Other confidential notes, or none.
    pub confidential_notes: Option<Option<SecretText>>,
}

impl Change for UpdateFeature {
    const NAME: &'static str = "feature.update";
    const NEEDS: Needs = Needs::Role(Role::Contributor);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load::<feature::Entity>(items.iter().map(|item| item.id).collect()).await?;
        let with_notes = items.iter().filter(|item| matches!(item.confidential_notes, Some(Some(_))));
        let projects = with_notes.filter_map(|item| Some(session.get::<feature::Entity>(item.id)?.project_id));
        let projects: Vec<Uuid> = projects.collect();
        session.load_data_keys(projects).await?;
        if session.relies_on_constraints() {
            return Ok(());
        }
        let renamed = items
            .iter()
            .filter_map(|item| Some((session.get::<feature::Entity>(item.id)?.project_id, item.name.as_ref()?)));
        let wanted = named(renamed);
        session.load_where::<feature::Entity>(wanted).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let mut row = find::<feature::Entity>(session, self.id, self.expected_version, place)?;
        if let Some(name) = &self.name {
            Refusal::of_any(check_name(session, row.project_id, name, Some(self.id), place).into_iter().collect())?;
            name.as_str().clone_into(&mut row.name);
        }
        if let Some(description) = &self.description {
            row.description = description.as_ref().map(|text| text.as_str().to_owned());
        }
        if let Some(priority) = self.priority {
            row.priority = priority.get();
        }
        if let Some(notes) = &self.confidential_notes {
            set_notes(session, &mut row, notes.as_ref(), place)?;
        }
        session.update::<feature::Entity>("update", &row)?;
        Ok(self.id)
    }
}

/// Says how far the work has come; what may follow what, the rules tell.
#[derive(Clone, Debug)]
pub struct ChangeFeatureStatus {
    /// The feature.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
    /// The status from now on.
    pub status: feature::FeatureStatus,
}

impl Change for ChangeFeatureStatus {
    const NAME: &'static str = "feature.change_status";
    const NEEDS: Needs = Needs::Role(Role::Contributor);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load::<feature::Entity>(items.iter().map(|item| item.id).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let row = find::<feature::Entity>(session, self.id, self.expected_version, place)?;
        check_transition(row.status, self.status)
            .map_err(|error| place.at("status").error(UserErrorCode::InvalidTransition, error.to_string()))?;
        session.update::<feature::Entity>("change_status", &feature::Model { status: self.status, ..row })?;
        Ok(self.id)
    }
}

/// Hides a feature, with its tests and deployments, until it is restored.
#[derive(Clone, Debug)]
pub struct DeleteFeature {
    /// The feature.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

impl Change for DeleteFeature {
    const NAME: &'static str = "feature.delete";
    const NEEDS: Needs = Needs::Role(Role::Maintainer);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load::<feature::Entity>(items.iter().map(|item| item.id).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        find::<feature::Entity>(session, self.id, self.expected_version, place)?;
        session.mark::<feature::Entity>("delete", self.id)?;
        Ok(self.id)
    }
}

/// Shows a feature again that was deleted.
#[derive(Clone, Debug)]
pub struct RestoreFeature {
    /// The feature.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

impl Change for RestoreFeature {
    const NAME: &'static str = "feature.restore";
    const NEEDS: Needs = Needs::Role(Role::Maintainer);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load::<feature::Entity>(items.iter().map(|item| item.id).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        restore::<feature::Entity>(session, self.id, self.expected_version, place)
    }
}

/// Encrypts a feature's confidential notes. Who may not read them may not write them.
fn set_notes(
    session: &mut Session<'_>,
    row: &mut feature::Model,
    notes: Option<&SecretText>,
    place: &Place,
) -> Result<(), UserError> {
    let place = place.at("confidentialNotes");
    if session.role_in(row.project_id).is_none_or(|role| role < SEEN_BY) {
        return Err(place.error(UserErrorCode::Forbidden, Needs::Role(SEEN_BY).missing()));
    }
    let seal = |notes| seal(session, row.project_id, row.confidential_notes.as_deref(), notes, &place);
    row.confidential_notes = notes.map(seal).transpose()?;
    Ok(())
}

/// The features that have these names in these projects, to be looked up.
fn named<'n>(names: impl Iterator<Item = (Uuid, &'n FeatureName)>) -> RowSet {
    let mut wanted = RowSet::new(vec![("project_id", CellType::Id), ("name", CellType::Text)]);
    names.for_each(|(project, name)| wanted.push([project.into(), name.as_str().into()]));
    wanted
}

/// That another feature of the project has the name. A deleted one has it still.
fn check_name(
    session: &Session<'_>,
    project: Uuid,
    name: &FeatureName,
    own: Option<Uuid>,
    place: &Place,
) -> Option<UserError> {
    let other = session.named::<feature::Entity>(project, name.as_str())?;
    if own == Some(other.id) {
        return None;
    }
    let message = if other.deleted_at.is_some() {
        "a deleted feature of the project has this name; restore it, or take another name"
    } else {
        "another feature of the project has this name"
    };
    Some(place.at("name").error(UserErrorCode::NameTaken, message))
}
