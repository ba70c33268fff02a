//! What can happen to a test case.

use entity::{feature, test_case};
use uuid::Uuid;

use super::rules::{DurationMs, TestName, TestValues};
use crate::access::{Needs, Role};
use crate::database::DatabaseError;
use crate::database::row_set::{CellType, RowSet};
use crate::events::Aggregate as _;
use crate::text::FreeText;
use crate::write_transaction::children::{self, Child};
use crate::write_transaction::items::{Change, Place, Target, check_parent};
use crate::write_transaction::{Refusal, Session, UserError, UserErrorCode};

impl Child for test_case::Entity {
    fn feature(row: &test_case::Model) -> Uuid {
        row.feature_id
    }
}

/// Makes a test case.
#[derive(Clone, Debug)]
pub struct CreateTestCase {
    /// The id that it will have.
    pub id: Uuid,
    /// The feature that it checks.
    pub feature: Uuid,
    /// What it and its latest run say.
    pub values: TestValues,
}

impl Change for CreateTestCase {
    const NAME: &'static str = "test_case.create";
    const NEEDS: Needs = Needs::Role(Role::Contributor);

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        if session.relies_on_parents::<feature::Entity>() {
            return Ok(());
        }
        session.load::<feature::Entity>(items.iter().map(|item| item.feature).collect()).await?;
        let wanted = named(items.iter().map(|item| (item.feature, &item.values.name)));
        session.load_where::<test_case::Entity>(wanted).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let mut errors = Vec::new();
        errors.extend(check_parent::<feature::Entity>(session, self.feature, &place.at("featureId")));
        errors.extend(check_name(session, self.feature, &self.values.name, None, place));
        Refusal::of_any(errors)?;
        let row = self.values.put_into(&test_case::Model {
            id: self.id,
            feature_id: self.feature,
            ..test_case::Entity::blank()
        });
        Ok(session.create::<test_case::Entity>(&row)?)
    }
}

/// Changes what a test case and its latest run say. What is nothing is left alone.
#[derive(Clone, Debug)]
pub struct UpdateTestCase {
    /// The test case.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
    /// Another name.
    pub name: Option<TestName>,
    /// Another result.
    pub status: Option<test_case::TestStatus>,
    /// Another duration, or none.
    pub duration_ms: Option<Option<DurationMs>>,
    /// Another message, or none.
    pub message: Option<Option<FreeText>>,
}

impl Change for UpdateTestCase {
    const NAME: &'static str = "test_case.update";
    const NEEDS: Needs = Needs::Role(Role::Contributor);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        children::load::<test_case::Entity>(session, items.iter().map(|item| item.id).collect()).await?;
        if session.relies_on_constraints() {
            return Ok(());
        }
        let renamed = items
            .iter()
            .filter_map(|item| Some((session.get::<test_case::Entity>(item.id)?.feature_id, item.name.as_ref()?)));
        let wanted = named(renamed);
        session.load_where::<test_case::Entity>(wanted).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let mut row = children::find::<test_case::Entity>(session, self.id, self.expected_version, place)?;
        if let Some(name) = &self.name {
            Refusal::of_any(check_name(session, row.feature_id, name, Some(self.id), place).into_iter().collect())?;
            name.as_str().clone_into(&mut row.name);
        }
        if let Some(status) = self.status {
            row.status = status;
        }
        if let Some(duration_ms) = self.duration_ms {
            row.duration_ms = duration_ms.map(DurationMs::get);
        }
        if let Some(message) = &self.message {
            row.message = message.as_ref().map(|text| text.as_str().to_owned());
        }
        session.update::<test_case::Entity>("update", &row)?;
        Ok(self.id)
    }
}

/// Ends a test case. Its events stay.
#[derive(Clone, Debug)]
pub struct DeleteTestCase {
    /// The test case.
    pub id: Uuid,
    /// The version that it must have.
    pub expected_version: Option<i32>,
}

impl Change for DeleteTestCase {
    const NAME: &'static str = "test_case.delete";
    const NEEDS: Needs = Needs::Role(Role::Maintainer);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Id(self.id))
    }

    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        children::load::<test_case::Entity>(session, items.iter().map(|item| item.id).collect()).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        children::find::<test_case::Entity>(session, self.id, self.expected_version, place)?;
        session.mark::<test_case::Entity>("delete", self.id)?;
        Ok(self.id)
    }
}

/// The test cases that have these names in these features, to be looked up.
fn named<'n>(names: impl Iterator<Item = (Uuid, &'n TestName)>) -> RowSet {
    let mut wanted = RowSet::new(vec![("feature_id", CellType::Id), ("name", CellType::Text)]);
    names.for_each(|(feature, name)| wanted.push([feature.into(), name.as_str().into()]));
    wanted
}

/// That another test case of the feature has the name.
fn check_name(
    session: &Session<'_>,
    feature: Uuid,
    name: &TestName,
    own: Option<Uuid>,
    place: &Place,
) -> Option<UserError> {
    let other = session.named::<test_case::Entity>(feature, name.as_str())?;
    let message = "another test of the feature has this name";
    (own != Some(other.id)).then(|| place.at("name").error(UserErrorCode::NameTaken, message))
}
