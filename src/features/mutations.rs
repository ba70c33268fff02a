//! What clients can let happen to features.

use async_graphql::{ID, InputObject, MaybeUndefined};
use uuid::Uuid;

use super::graphql::{Feature, FeatureStatus};
use super::rules::{FeatureValues, Priority};
use super::writes::{ChangeFeatureStatus, CreateFeature, DeleteFeature, RestoreFeature, UpdateFeature};
use crate::encryption::SecretText;
use crate::graphql::mutation::{BulkMode, Checks, MOST_ITEMS, Mutation, ParseChange, bulk, mutations, payload};
use crate::write_transaction::items::{Changes, Place};

mutations! {
    FeatureMutations {
        /// Makes a feature. Its name must be new in the project, where deleted features keep theirs.
        create_feature(CreateFeatureInput) -> FeaturePayload;

        /// Changes what a feature says of itself. What is left out is left alone, and null clears a description or notes.
        update_feature(UpdateFeatureInput) -> FeaturePayload;

        /// Says how far the work on a feature has come. Not every status can follow every other: `COMPLETED` can only be followed by
        /// `IN_PROGRESS`, and comes only after it.
        change_feature_status(ChangeFeatureStatusInput) -> FeaturePayload;

        /// Deletes a feature: it is hidden, with its tests and deployments, until it is restored.
        delete_feature(DeleteFeatureInput) -> FeaturePayload;

        /// Shows a feature again that was deleted, with its tests and deployments.
        restore_feature(RestoreFeatureInput) -> FeaturePayload;

        /// Makes up to 1,000 features.
        create_features(CreateFeaturesInput) -> FeaturesPayload;

        /// Changes what up to 1,000 features say of themselves, each in its own way.
        update_features(UpdateFeaturesInput) -> FeaturesPayload;

        /// Gives up to 1,000 features priorities, each its own.
        update_feature_priorities(UpdateFeaturePrioritiesInput) -> FeaturesPayload;

        /// Deletes up to 1,000 features.
        delete_features(DeleteFeaturesInput) -> FeaturesPayload;
    }
}

payload! {
    /// What became of a mutation of one feature.
    FeaturePayload {
        /// The feature as it is now: null where it was deleted, or nothing was written. Where another version was expected, the
        /// feature as it is.
        feature: Feature
    }
}

payload! {
    /// What became of a mutation of many features.
    FeaturesPayload,
    /// What became of one of many features.
    FeatureResult {
        /// The feature as it is now: null where it was deleted, or this item was not carried out. Where another version was
        /// expected, the feature as it is.
        feature: Feature
    }
}

/// A feature to be made.
#[derive(InputObject)]
pub(crate) struct CreateFeatureInput {
    /// The project that it belongs to.
    project_id: ID,
    /// The name, new in the project: 1 to 255 characters.
    name: String,
    /// What the feature is about.
    description: Option<String>,
    /// How much it matters: 1 (least) to 13 (most).
    #[graphql(default = 5)]
    priority: i32,
    /// How far the work has come.
    #[graphql(default_with = "FeatureStatus::NotStarted")]
    status: FeatureStatus,
    /// What only those may read who maintain or own the project; stored encrypted. Only they may write it.
    confidential_notes: Option<String>,
}

impl ParseChange for CreateFeatureInput {
    type Change = CreateFeature;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<CreateFeature> {
        let project = checks.id(&place.at("projectId"), "project", &self.project_id);
        let name = checks.text(&place.at("name"), self.name);
        let description = checks.optional_text(&place.at("description"), self.description);
        let priority = checks.value(&place.at("priority"), Priority::try_from(i64::from(self.priority)));
        let notes = checks.optional_text(&place.at("confidentialNotes"), self.confidential_notes);
        let values =
            FeatureValues { name: name?, description: description?, priority: priority?, status: self.status.into() };
        let confidential_notes = notes?.map(SecretText::from);
        Some(CreateFeature { id: Uuid::now_v7(), project: project?, values, confidential_notes })
    }
}

/// What is to be changed of a feature.
#[derive(InputObject)]
pub(crate) struct UpdateFeatureInput {
    /// The feature.
    id: ID,
    /// The version that the feature must have; any, if it is left out.
    expected_version: Option<i32>,
    /// Another name, new in the project: 1 to 255 characters.
    name: MaybeUndefined<String>,
    /// Another description; null for none.
    description: MaybeUndefined<String>,
    /// Another priority: 1 (least) to 13 (most).
    priority: MaybeUndefined<i32>,
    /// Other notes for those alone who maintain or own the project; null for none. Only they may write them.
    confidential_notes: MaybeUndefined<String>,
}

impl ParseChange for UpdateFeatureInput {
    type Change = UpdateFeature;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<UpdateFeature> {
        let id = checks.id(&place.at("id"), "feature", &self.id);
        let name = checks.kept_text(&place.at("name"), self.name);
        let description = checks.patched_text(&place.at("description"), self.description);
        let priority = checks.kept(&place.at("priority"), self.priority);
        let priority =
            priority.and_then(|number| checks.value(&place.at("priority"), Priority::try_from(i64::from(number))));
        let notes = checks.patched_text(&place.at("confidentialNotes"), self.confidential_notes);
        let confidential_notes = notes.map(|notes| notes.map(SecretText::from));
        let expected_version = self.expected_version;
        Some(UpdateFeature { id: id?, expected_version, name, description, priority, confidential_notes })
    }
}

/// A feature whose status is to be another.
#[derive(InputObject)]
pub(crate) struct ChangeFeatureStatusInput {
    /// The feature.
    id: ID,
    /// The version that the feature must have; any, if it is left out.
    expected_version: Option<i32>,
    /// How far the work has come.
    status: FeatureStatus,
}

impl ParseChange for ChangeFeatureStatusInput {
    type Change = ChangeFeatureStatus;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<ChangeFeatureStatus> {
        let id = checks.id(&place.at("id"), "feature", &self.id)?;
        Some(ChangeFeatureStatus { id, expected_version: self.expected_version, status: self.status.into() })
    }
}

/// A feature to be deleted.
#[derive(InputObject)]
pub(crate) struct DeleteFeatureInput {
    /// The feature.
    id: ID,
    /// The version that the feature must have; any, if it is left out.
    expected_version: Option<i32>,
}

impl ParseChange for DeleteFeatureInput {
    type Change = DeleteFeature;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<DeleteFeature> {
        let id = checks.id(&place.at("id"), "feature", &self.id)?;
        Some(DeleteFeature { id, expected_version: self.expected_version })
    }
}

/// A feature to be restored.
#[derive(InputObject)]
pub(crate) struct RestoreFeatureInput {
    /// The feature.
    id: ID,
    /// The version that the feature must have; any, if it is left out.
    expected_version: Option<i32>,
}

impl ParseChange for RestoreFeatureInput {
    type Change = RestoreFeature;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<RestoreFeature> {
        let id = checks.id(&place.at("id"), "feature", &self.id)?;
        Some(RestoreFeature { id, expected_version: self.expected_version })
    }
}

/// Features to be made.
#[derive(InputObject)]
pub(crate) struct CreateFeaturesInput {
    /// The features, at most 1,000.
    features: Vec<CreateFeatureInput>,
    /// What one bad feature does to the others.
    #[graphql(default)]
    mode: BulkMode,
}

impl Mutation for CreateFeaturesInput {
    type Command = Changes<CreateFeature>;

    fn into_command(self) -> Self::Command {
        bulk("features", self.features, self.mode.into(), MOST_ITEMS)
    }
}

/// What is to be changed of features.
#[derive(InputObject)]
pub(crate) struct UpdateFeaturesInput {
    /// The features, at most 1,000, each one once.
    features: Vec<UpdateFeatureInput>,
    /// What one bad feature does to the others.
    #[graphql(default)]
    mode: BulkMode,
}

impl Mutation for UpdateFeaturesInput {
    type Command = Changes<UpdateFeature>;

    fn into_command(self) -> Self::Command {
        bulk("features", self.features, self.mode.into(), MOST_ITEMS)
    }
}

/// The priority that a feature is to have.
#[derive(InputObject)]
pub(crate) struct FeaturePriorityInput {
    /// The feature.
    id: ID,
    /// The version that the feature must have; any, if it is left out.
    expected_version: Option<i32>,
    /// How much it matters: 1 (least) to 13 (most).
    priority: i32,
}

impl ParseChange for FeaturePriorityInput {
    type Change = UpdateFeature;

    fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<UpdateFeature> {
        let Self { id, expected_version, priority } = self;
        let (name, description) = (MaybeUndefined::Undefined, MaybeUndefined::Undefined);
        let priority = MaybeUndefined::Value(priority);
        let confidential_notes = MaybeUndefined::Undefined;
        UpdateFeatureInput { id, expected_version, name, description, priority, confidential_notes }
            .parse(checks, place)
    }
}

/// The priorities that features are to have.
#[derive(InputObject)]
pub(crate) struct UpdateFeaturePrioritiesInput {
    /// The features, at most 1,000, each one once.
    features: Vec<FeaturePriorityInput>,
    /// What one bad feature does to the others.
    #[graphql(default)]
    mode: BulkMode,
}

impl Mutation for UpdateFeaturePrioritiesInput {
    type Command = Changes<UpdateFeature>;

    fn into_command(self) -> Self::Command {
        bulk("features", self.features, self.mode.into(), MOST_ITEMS)
    }
}

/// Features to be deleted.
#[derive(InputObject)]
pub(crate) struct DeleteFeaturesInput {
    /// The features, at most 1,000, each one once.
    features: Vec<DeleteFeatureInput>,
    /// What one bad feature does to the others.
    #[graphql(default)]
    mode: BulkMode,
}

impl Mutation for DeleteFeaturesInput {
    type Command = Changes<DeleteFeature>;

    fn into_command(self) -> Self::Command {
        bulk("features", self.features, self.mode.into(), MOST_ITEMS)
    }
}
