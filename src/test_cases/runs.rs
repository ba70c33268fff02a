//! What CI jobs say of test runs: results by the names of tests, whether the tests are known already or not.

use entity::{feature, test_case};
use uuid::Uuid;

use super::drafts::TestDraft;
use crate::access::{Needs, Role};
use crate::database::DatabaseError;
use crate::events::Aggregate as _;
use crate::write_transaction::items::{Change, Place, Target, check_rights, not_found};
use crate::write_transaction::upsert::{lookup, upsert_one};
use crate::write_transaction::{Refusal, Session};

/// Records what a test came to; a test that is not known yet is made. A result that says what the row says changes nothing.
#[derive(Clone, Debug)]
pub struct RecordTestRun(pub TestDraft);

impl Change for RecordTestRun {
    const NAME: &'static str = "test_case.record_run";
    const NEEDS: Needs = Needs::Role(Role::Contributor);

    fn target(&self) -> Option<Target<'_>> {
        Some(Target::Name(self.0.feature.id, self.0.values.name.as_str()))
    }

    /// The features are always looked up: where nothing is written, no constraint tells of one that is hidden.
    async fn prepare(items: &[&Self], session: &mut Session<'_>) -> Result<(), DatabaseError> {
        session.load::<feature::Entity>(items.iter().map(|item| item.0.feature.id).collect()).await?;
        let wanted = lookup(items.iter().map(|item| &item.0));
        session.load_where::<test_case::Entity>(wanted).await
    }

    fn perform(&self, session: &mut Session<'_>, place: &Place) -> Result<Uuid, Refusal> {
        let Self(draft) = self;
        let place = place.at("featureId");
        let Some(feature) = session.get::<feature::Entity>(draft.feature.id) else {
            return Err(not_found::<feature::Entity>(&place).into());
        };
        check_rights::<feature::Entity>(session, feature, &place)?;
        let existing = session.named::<test_case::Entity>(draft.feature.id, draft.values.name.as_str());
        let existing = existing.map(|row| test_case::Entity::stamp(row).id);
        Ok(upsert_one(session, draft, existing, "record_run")?.id)
    }
}
