//! Events as clients see them.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use entity::event::{Column, Entity};

use super::{Aggregate, KINDS, Topic, place, reads};
use crate::audit::graphql::ActorKind;
use crate::batch::{Declared, Direction, Entries, Fields, Object, RootField, Shape, Table};
use crate::{deployments, features, projects, test_cases};

/// Stands for the object type `Event` in payloads.
pub struct Event;

impl Declared for Event {
    fn object() -> &'static Object {
        object()
    }
}

/// The object type `Event`.
pub fn object() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| declare(reads::table()));
    &OBJECT
}

/// Events in the order in which followers read them.
pub fn changes() -> &'static Object {
    static OBJECT: LazyLock<Object> = LazyLock::new(|| {
        let listing = place::listing().narrowed_by(Topic::arguments(), |given| Ok(Topic::read(given)?.filter()));
        declare(reads::settled()).listed(listing)
    });
    &OBJECT
}

/// What the query root says of events.
pub fn root_fields() -> Vec<RootField> {
    vec![
        RootField::connection(
            "events",
            "All that ever happened, also to what is deleted. Ask for one object's events by `aggregateId`.",
            object,
        ),
        RootField::connection(
            "changes",
            "All that happened, in one order for all readers: nothing ever appears before a cursor of it. Its cursors are those of \
             the subscription `changes`, so that what is read here goes on there. An event is here once no older \
             transaction runs any more, mostly at once.",
            changes,
        ),
    ]
}

/// Gives an object type the connection `history`.
#[must_use]
pub fn with_history(fields: Fields) -> Fields {
    fields.connection_in_order(
        "history",
        "All that happened to it, from its first version on unless another order is asked for.",
        (Entity, Column::AggregateId),
        object,
        &[("VERSION", Direction::Asc)],
    )
}

fn event_field() -> &'static Shape {
    static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
        Shape::of("EventField", "A field that an event gave a value.")
            .leaf::<String>("name", "The field, as the API calls it.")
            .json("value", "The value that it has since; null where it has none.")
    });
    &SHAPE
}

fn declare(table: Table) -> Object {
    let column = reads::column;
    Fields::of("Event", "Something that happened to an object. It is never changed and never deleted.")
        .leaf::<String>("type", "What happened: `feature.change_status`.", column(Column::EventType))
        .reference(
            "aggregateId",
            "The object that it happened to, which may be deleted by now.",
            (Entity, Column::AggregateId),
            (Entity, Column::AggregateType),
            KINDS,
        )
        .ordered_leaf::<i32>(
            "version",
            "The object's version since; the first is 1, and there are no gaps. As an order it is one for the events of one \
             object.",
            column(Column::Version),
            "VERSION",
        )
        .entries(
            "changes",
            "The fields that were given a value.",
            column(Column::Payload),
            (Entries::Pairs { name: "name", value: "value" }, event_field),
        )
        .cursor(
            "cursor",
            "Its place among all events, from which `changes` goes on.",
            place::listing(),
        )
        .id_of(
            "projectId",
            "The project that it happened in, which may be deleted by now.",
            (Entity, Column::ProjectId),
            <entity::project::Entity as Aggregate>::KIND,
        )
        .one_or_null(
            "project",
            "The project that it happened in, as it is now; null where that is deleted.",
            (Entity, Column::ProjectId),
            projects::graphql::object,
        )
        .one_or_null(
            "feature",
            "The feature that it happened to, as it is now; null where that is deleted, or it happened to something else.",
            (Entity, Column::AggregateId),
            features::graphql::object,
        )
        .one_or_null(
            "testCase",
            "The test case that it happened to, as it is now; null where that is deleted, or it happened to something else.",
            (Entity, Column::AggregateId),
            test_cases::graphql::object,
        )
        .one_or_null(
            "deployment",
            "The deployment that it happened to, as it is now; null where that is deleted, or it happened to something else.",
            (Entity, Column::AggregateId),
            deployments::graphql::object,
        )
        .leaf::<String>("actorId", "Who did it.", column(Column::ActorId))
        .leaf::<ActorKind>("actorKind", "What kind of actor that is.", column(Column::ActorKind))
        .leaf::<String>("requestId", "The request that did it, as the log names it.", column(Column::RequestId))
        .leaf::<DateTime<Utc>>("createdAt", "When it happened.", column(Column::CreatedAt))
        .order_by_id("CREATED_AT", "When it happened.")
        .stored_in(table)
}
