//! How clients let a list of changes happen.

use async_graphql::{InputObject, OneofObject, SimpleObject};

use super::writes::{ApplyChanges, PlacedStep, Step};
use crate::batch::{Object, OneNode};
use crate::deployments::mutations::{CreateDeploymentInput, DeleteDeploymentInput, UpdateDeploymentInput};
use crate::features::mutations::{
    ChangeFeatureStatusInput, CreateFeatureInput, DeleteFeatureInput, RestoreFeatureInput, UpdateFeatureInput,
};
use crate::graphql::mutation::{
    Checks, MOST_ITEMS, Mutation, ParseChange as _, Reference, References, UserError, mutations, payload,
};
use crate::projects::mutations::{CreateProjectInput, DeleteProjectInput, UpdateProjectInput};
use crate::test_cases::mutations::{CreateTestCaseInput, DeleteTestCaseInput, UpdateTestCaseInput};
use crate::write_transaction::UserErrorCode;
use crate::write_transaction::items::Place;
use crate::{deployments, features, projects, test_cases};

mutations! {
    ChangeMutations {
        /// Lets up to 1,000 changes happen, in their order, all of them or none. Where an id is asked for, `"$ref:NAME"` stands for the
        /// object of an earlier step of this name, so that one request makes a project with its features, tests and deployments. A
        /// name that a step takes from an object is free for another one only when all is done.
        apply_changes(ApplyChangesInput) -> ApplyChangesPayload;
    }
}

payload! {
    /// What became of a list of changes.
    ApplyChangesPayload with {
        /// What became of each step, in the input's order.
        async fn results(&self) -> Vec<ChangeResult> {
            let nodes = self.0.nodes(type_of).into_iter().enumerate();
            let results = nodes.map(|(number, (node, user_errors))| {
                ChangeResult { node, version: self.0.version(number), user_errors }
            });
            results.collect()
        }
    }
}

/// What became of one step.
#[derive(SimpleObject)]
pub(crate) struct ChangeResult {
    /// The object as it is when all steps are done: null where it was deleted, or nothing was written. Where another version was
    /// expected, the object as it is.
    node: Option<OneNode>,
    /// The version that the object had when all steps were done, to expect in the next command; null where it is gone, or nothing
    /// was written.
    version: Option<i32>,
    /// What is wrong with this step. A step that refers to a wrong one has no mistake for that.
    user_errors: Vec<UserError>,
}

/// The type of the objects whose ids start so.
fn type_of(kind: &str) -> Option<&'static Object> {
    let types = [
        projects::graphql::object(),
        features::graphql::object(),
        test_cases::graphql::object(),
        deployments::graphql::object(),
    ];
    types.into_iter().find(|object| object.table.prefix == kind)
}

/// Changes that are to happen as one.
#[derive(InputObject)]
pub(crate) struct ApplyChangesInput {
    /// The changes in their order, at most 1,000.
    steps: Vec<ChangeStepInput>,
}

/// One of the changes.
#[derive(InputObject)]
pub(crate) struct ChangeStepInput {
    /// What later steps call this one: for them `"$ref:NAME"` is the id of its object. Each name stands once.
    name: Option<String>,
    /// What is to happen.
    change: ChangeInput,
}

/// Lists the kinds of changes by the mutations that do the same.
macro_rules! changes {
    ($($(#[$doc:meta])* $kind:ident($input:ty) = $field:literal),+ $(,)?) => {
        /// What is to happen in a step: what the mutation of the same name does.
        #[derive(OneofObject)]
        pub(crate) enum ChangeInput {
            $($(#[$doc])* $kind($input),)+
        }

        impl ChangeInput {
            fn field(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => $field,)+
                }
            }

            fn parse(self, checks: &mut Checks<'_>, place: &Place) -> Option<Step> {
                match self {
                    $(Self::$kind(input) => input.parse(checks, place).map(Step::from),)+
                }
            }
        }
    };
}

changes! {
    /// Makes a project.
    CreateProject(CreateProjectInput) = "createProject",
    /// Changes what a project says of itself.
    UpdateProject(UpdateProjectInput) = "updateProject",
    /// Deletes a project with all that belongs to it, for good.
    DeleteProject(DeleteProjectInput) = "deleteProject",
    /// Makes a feature.
    CreateFeature(CreateFeatureInput) = "createFeature",
    /// Changes what a feature says of itself.
    UpdateFeature(UpdateFeatureInput) = "updateFeature",
    /// Says how far the work on a feature has come.
    ChangeFeatureStatus(ChangeFeatureStatusInput) = "changeFeatureStatus",
    /// Deletes a feature: it is hidden until it is restored.
    DeleteFeature(DeleteFeatureInput) = "deleteFeature",
    /// Shows a feature again that was deleted.
    RestoreFeature(RestoreFeatureInput) = "restoreFeature",
    /// Makes a test case.
    CreateTestCase(CreateTestCaseInput) = "createTestCase",
    /// Changes what a test case and its latest run say.
    UpdateTestCase(UpdateTestCaseInput) = "updateTestCase",
    /// Deletes a test case, for good.
    DeleteTestCase(DeleteTestCaseInput) = "deleteTestCase",
    /// Records a deployment of a feature.
    CreateDeployment(CreateDeploymentInput) = "createDeployment",
    /// Changes what the record of a deployment says.
    UpdateDeployment(UpdateDeploymentInput) = "updateDeployment",
    /// Deletes the record of a deployment, for good.
    DeleteDeployment(DeleteDeploymentInput) = "deleteDeployment",
}

impl Mutation for ApplyChangesInput {
    type Command = ApplyChanges;

    fn into_command(self) -> ApplyChanges {
        let list = Place::input().at("steps");
        if self.steps.len() > MOST_ITEMS {
            let message = format!("has {} steps; a command may have {MOST_ITEMS}", self.steps.len());
            let error = list.error(UserErrorCode::TooMany, message);
            return ApplyChanges { steps: vec![PlacedStep { place: list, step: Err(vec![error]), needs: Vec::new() }] };
        }
        let mut references = References::new();
        let steps = self.steps.into_iter().enumerate().map(|(number, ChangeStepInput { name, change })| {
            let place = list.at(number);
            let mut checks = Checks::with_references(&references);
            if name.as_ref().is_some_and(|name| references.contains_key(name)) {
                let message = "an earlier step has this name";
                checks.refuse(place.at("name").error(UserErrorCode::Duplicate, message));
            }
            let place = place.at("change").at(change.field());
            let (step, needs) = checks.read_step(|checks| change.parse(checks, &place));
            if let Some(name) = name {
                let object = step.as_ref().ok().map(Step::object);
                references.entry(name).or_insert(Reference { step: number, object });
            }
            PlacedStep { place, step, needs }
        });
        ApplyChanges { steps: steps.collect() }
    }
}
