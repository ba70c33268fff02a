//! What can be followed: the fields of the subscription root, and which events each of them is about.

use std::sync::LazyLock;

use async_graphql::ID;
use entity::event::{Column, Entity};
use entity::{feature, project};

use super::graphql::object;
use super::{Aggregate, Position, Topic, place, position_of};
use crate::batch::{Argument, Arguments, BatchError, Fields, SubscriptionField, id};
use crate::features;

/// A field of the subscription root.
pub struct Subscription {
    /// Its declaration.
    pub field: SubscriptionField,
    /// The events that its arguments name.
    pub topic: fn(&Arguments) -> Result<Topic, BatchError>,
    /// Whether of several events of one object that come together only the last one is told.
    pub latest_only: bool,
}

/// The argument with the place from which on to follow.
pub const AFTER: &str = "after";

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Subscription> {
    static ALL: LazyLock<[Subscription; 2]> = LazyLock::new(|| [follow_changes(), follow_features()]);
    ALL.iter()
}

/// Where to follow from, if that is said.
///
/// # Errors
/// Where it is no cursor of `changes`.
pub fn read_after(arguments: &Arguments) -> Result<Option<Position>, BatchError> {
    arguments.get::<Option<String>>(AFTER)?.map(|place| position_of(AFTER, &place)).transpose()
}

fn after() -> Argument {
    Argument::of::<Option<String>>(
        AFTER,
        "The `cursor` of what came last: all that has happened since is sent first. Without it, only what happens from now on \
         is sent.",
    )
}

fn follow_changes() -> Subscription {
    let arguments = std::iter::once(after()).chain(Topic::arguments()).collect();
    let field = SubscriptionField::objects(
        "changes",
        "All that happens, in the order of the list `changes`: each event once, and none left out.",
        object,
        arguments,
    );
    Subscription { field, topic: Topic::read, latest_only: false }
}

fn follow_features() -> Subscription {
    let arguments = vec![Argument::of::<ID>("projectId", "The project whose features are followed."), after()];
    let field = SubscriptionField::objects(
        "featureChanged",
        "The features of a project as they now are, whenever one of them has changed. Of several changes of one feature that \
         come together only the last one is told.",
        object,
        arguments,
    );
    let part = Fields::of("FeatureChange", "A feature that has changed.")
        .cursor("cursor", "The place of the change among all events, from which to go on.", place::listing())
        .reference(
            "featureId",
            "The feature.",
            (Entity, Column::AggregateId),
            (Entity, Column::AggregateType),
            &[<feature::Entity as Aggregate>::KIND],
        )
        .leaf::<i32>(
            "version",
            "The feature's version since this change; it may have a later one by now.",
            super::reads::column(Column::Version),
        )
        .one_or_null(
            "feature",
            "The feature as it is now; null where it is deleted.",
            (Entity, Column::AggregateId),
            features::graphql::object,
        );
    let topic = |arguments: &Arguments| {
        let (_, project) =
            id::parse("projectId", &arguments.get::<ID>("projectId")?, &[<project::Entity as Aggregate>::KIND])?;
        Ok(Topic::of_kind::<feature::Entity>(project))
    };
    Subscription { field: field.showing(part), topic, latest_only: true }
}
