//! Steps that are carried out as one.
//!
//! What a step makes has its id before anything is read, so that later steps can name it. So all that the steps need is read
//! before the first of them is carried out: the number of statements depends on the kinds of the steps, not on their number or
//! order.

use std::collections::HashMap;

use entity::{deployment, feature, project, test_case};
use uuid::Uuid;

use crate::access::Needs;
use crate::database::DatabaseError;
use crate::deployments::writes::{CreateDeployment, DeleteDeployment, UpdateDeployment};
use crate::events::Aggregate as _;
use crate::features::rules::FeatureValues;
use crate::features::writes::{ChangeFeatureStatus, CreateFeature, DeleteFeature, RestoreFeature, UpdateFeature};
use crate::projects::writes::{CreateProject, DeleteProject, UpdateProject};
use crate::test_cases::rules::TestValues;
use crate::test_cases::writes::{CreateTestCase, DeleteTestCase, UpdateTestCase};
use crate::write_transaction::items::{Change, Mode, Place};
use crate::write_transaction::{Command, Decision, Refusal, Session, UserError};

/// Steps of a list of changes.
#[derive(Debug)]
pub struct ApplyChanges {
    /// In their order.
    pub steps: Vec<PlacedStep>,
}

/// A step, where it stands, and what it builds on.
#[derive(Debug)]
pub struct PlacedStep {
    /// Where its input stands.
    pub place: Place,
    /// What it lets happen, or what was wrong with it before anything was read.
    pub step: Result<Step, Vec<UserError>>,
    /// The numbers of earlier steps without which it makes no sense.
    pub needs: Vec<usize>,
}

/// Lists the kinds of steps.
macro_rules! steps {
    ($($kind:ident of $table:ident),+ $(,)?) => {
        /// What a step lets happen: what the mutation of this name does.
        #[derive(Clone, Debug)]
        #[expect(missing_docs, reason = "each is what it holds")]
        pub enum Step {
            $($kind($kind),)+
        }

        $(impl From<$kind> for Step {
            fn from(change: $kind) -> Self {
                Self::$kind(change)
            }
        })+

        impl Step {
            /// What it makes or changes: the prefix of its id, and its key.
            pub fn object(&self) -> (&'static str, Uuid) {
                match self {
                    $(Self::$kind(change) => ($table::Entity::KIND, change.id),)+
                }
            }

            fn locks(&self) -> bool {
                match self {
                    $(Self::$kind(_) => $kind::LOCKS,)+
                }
            }

            fn needs(&self) -> Needs {
                match self {
                    $(Self::$kind(_) => $kind::NEEDS,)+
                }
            }

            fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
                match self {
                    $(Self::$kind(change) => change.perform(session, place),)+
                }
            }

            /// Reads what the steps need, kind by kind.
            async fn prepare(steps: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
                $(
                    let changes = steps.iter().filter_map(|step| match step {
                        Self::$kind(change) => Some(change),
                        _ => None,
                    });
                    let changes: Vec<&$kind> = changes.collect();
                    if !changes.is_empty() {
                        $kind::prepare(&changes, session).await?;
                    }
                )+
                Ok(())
            }
        }
    };
}

// In the order in which they are read: the end of a project is first, since it also reads what belongs to features that are known.
steps! {
    DeleteProject of project,
    CreateProject of project,
    UpdateProject of project,
    CreateFeature of feature,
    UpdateFeature of feature,
    ChangeFeatureStatus of feature,
    DeleteFeature of feature,
    RestoreFeature of feature,
    CreateTestCase of test_case,
    UpdateTestCase of test_case,
    DeleteTestCase of test_case,
    CreateDeployment of deployment,
    UpdateDeployment of deployment,
    DeleteDeployment of deployment,
}

impl Command for ApplyChanges {
    fn name(&self) -> &'static str {
        "changes.apply"
    }

    fn length(&self) -> usize {
        self.steps.len()
    }

    fn locks(&self) -> bool {
        self.steps.iter().filter_map(|step| step.step.as_ref().ok()).any(Step::locks)
    }

    async fn decide(&self, session: &mut Session<'_>) -> Result<Decision, Refusal> {
        let mut steps: Vec<&Step> = self.steps.iter().filter_map(|step| step.step.as_ref().ok()).collect();
        let renamed = renamed(&steps);
        steps.extend(&renamed);
        Step::prepare(&steps, session).await?;
        let mut decision = Decision::default();
        for PlacedStep { place, step, needs } in &self.steps {
            let performed = match step {
                Err(errors) => Err(Refusal::Refused(errors.clone())),
                // What is wrong is told where it is wrong.
                Ok(_) if needs.iter().any(|step| decision.ids[*step].is_none()) => Err(Refusal::Refused(Vec::new())),
                Ok(step) => {
                    session.require(step.needs());
                    step.perform(session, place)
                }
            };
            decision.add(performed)?;
            decision.kinds.push(step.as_ref().map_or("", |step| step.object().0));
        }
        decision.settle(session, Mode::Atomic).await
    }
}

/// Steps that are looked up but not carried out: what another step makes is not there to be read, so that nobody would look up
/// the name that an update gives to it, or the key that its notes are encrypted with. What has that name already is what making it under that name would meet.
fn renamed(steps: &[&Step]) -> Vec<Step> {
    let made = steps.iter().filter(|step| matches!(step, Step::CreateFeature(_) | Step::CreateTestCase(_)));
    let made: HashMap<Uuid, &Step> = made.map(|step| (step.object().1, *step)).collect();
    let renamed = steps.iter().filter_map(|step| match (step, made.get(&step.object().1)?) {
        (Step::UpdateFeature(update), Step::CreateFeature(made)) => {
            let notes = update.confidential_notes.clone().flatten();
            if update.name.is_none() && notes.is_none() {
                return None;
            }
            let name = update.name.as_ref().unwrap_or(&made.values.name).clone();
            let values = FeatureValues { name, ..made.values.clone() };
            Some(CreateFeature { values, confidential_notes: notes, ..*made }.into())
        }
        (Step::UpdateTestCase(update), Step::CreateTestCase(made)) => {
            let values = TestValues { name: update.name.clone()?, ..made.values.clone() };
            Some(CreateTestCase { values, ..*made }.into())
        }
        _ => None,
    });
    renamed.collect()
}
