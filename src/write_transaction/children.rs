//! Rows that belong to a feature: tests and deployments.
//!
//! **Invariant:** they are as visible as their feature: what belongs to a feature that is hidden cannot be changed, and nothing
//! can be added to it. The slices' `writes` use it.

use entity::feature;
use uuid::Uuid;

use super::items::{self, Place, not_found};
use super::records::Written;
use super::refusal::UserError;
use super::session::Session;
use crate::database::DatabaseError;

/// A table whose rows belong to features.
pub trait Child: Written {
    /// The feature that the row belongs to.
    fn feature(row: &Self::Model) -> Uuid;
}

/// Reads the rows with these ids, and the features that they belong to.
///
/// # Errors
/// When the database does not answer.
pub async fn load<C: Child>(session: &mut Session<'_>, ids: Vec<Uuid>) -> Result<(), DatabaseError> {
    session.load::<C>(ids.clone()).await?;
    // Whether the caller may see them is known once their features are.
    let features = ids.into_iter().filter_map(|id| C::records(&session.tables).get(id)).map(C::feature).collect();
    session.load::<feature::Entity>(features).await
}

/// The row to change: it is there, its feature is not hidden, and it has the version that the caller expects.
///
/// # Errors
/// What is wrong.
pub fn find<C: Child>(
    session: &Session<'_>,
    id: Uuid,
    expected_version: Option<i32>,
    place: &Place,
) -> Result<C::Model, UserError> {
    let feature = session.get::<C>(id).map(C::feature);
    if feature.is_some_and(|feature| session.get::<feature::Entity>(feature).is_none()) {
        return Err(not_found::<C>(&place.at("id")));
    }
    items::find::<C>(session, id, expected_version, place)
}
