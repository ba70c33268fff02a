//! The fields of the query root that look back: `featureAsOf`, `featureDiff` and their like, for any aggregate.

use std::marker::PhantomData;

use async_graphql::ID;
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::Value as Json;
use uuid::Uuid;

use super::{Aggregate, FieldChange, Moment, changes, last_version, state_at, values};
use crate::access::Caller;
use crate::audit::graphql::field_change;
use crate::batch::{Argument, Arguments, BatchError, Compute, Computed, RootField, ShapeRef, id};
use crate::database::Database;

/// A field that gives an aggregate as it was in a version or at a time.
pub fn as_of<A: Aggregate>(name: &'static str, description: &'static str, shape: ShapeRef) -> RootField {
    let arguments = vec![
        Argument::of::<ID>("id", "The object's id; it may be deleted by now."),
        Argument::of::<Option<i32>>("version", "As it was in this version. Give either this or `at`."),
        Argument::of::<Option<DateTime<Utc>>>("at", "As it was at this time. Give either this or `version`."),
    ];
    let compute = const { &AsOf::<A>(PhantomData) };
    RootField::computed(name, description, Computed { shape, is_list: false, arguments, compute })
}

/// A field that tells what is different between two versions of an aggregate.
pub fn diff<A: Aggregate>(name: &'static str, description: &'static str) -> RootField {
    let arguments = vec![
        Argument::of::<ID>("id", "The object's id; it may be deleted by now."),
        Argument::of::<i32>("from", "The version before; 0 for when there was none."),
        Argument::of::<i32>("to", "The version after, which may also be an earlier one."),
    ];
    let compute = const { &Diff::<A>(PhantomData) };
    RootField::computed(name, description, Computed { shape: field_change, is_list: true, arguments, compute })
}

struct AsOf<A>(PhantomData<fn() -> A>);

impl<A: Aggregate> Compute for AsOf<A> {
    fn compute<'f>(
        &'f self,
        database: &'f Database,
        caller: &'f Caller,
        arguments: &'f Arguments,
    ) -> BoxFuture<'f, Result<Json, BatchError>> {
        async move {
            let id = read_id::<A>(arguments)?;
            let moment = match (arguments.get("version")?, arguments.get("at")?) {
                (Some(version), None) => Moment::Version(version),
                (None, Some(time)) => Moment::Time(time),
                _ => return Err(invalid("version", "and at: exactly one of them must be given".to_owned())),
            };
            let state = state_at::<A>(database, caller, id, moment).await?;
            Ok(state.as_ref().map_or(Json::Null, to_json::<A>))
        }
        .boxed()
    }
}

struct Diff<A>(PhantomData<fn() -> A>);

impl<A: Aggregate> Compute for Diff<A> {
    fn compute<'f>(
        &'f self,
        database: &'f Database,
        caller: &'f Caller,
        arguments: &'f Arguments,
    ) -> BoxFuture<'f, Result<Json, BatchError>> {
        async move {
            let id = read_id::<A>(arguments)?;
            let last = last_version(database, caller, id).await?;
            let version = |name| {
                let version: i32 = arguments.get(name)?;
                if (0..=last).contains(&version) {
                    return Ok(version);
                }
                Err(invalid(name, format!("must be a version that there was, 0 to {last}, is {version}")))
            };
            let (from, to) = (version("from")?, version("to")?);
            let state = |version| state_at::<A>(database, caller, id, Moment::Version(version));
            let (before, after) = (state(from).await?, state(to).await?);
            let changes = changes::<A>(before.as_ref(), after.as_ref()).into_iter();
            Ok(changes.map(FieldChange::shown).collect())
        }
        .boxed()
    }
}

fn read_id<A: Aggregate>(arguments: &Arguments) -> Result<Uuid, BatchError> {
    Ok(id::parse("id", &arguments.get::<ID>("id")?, &[A::KIND])?.1)
}

fn invalid(argument: &str, reason: String) -> BatchError {
    BatchError::InvalidArgument { argument: argument.to_owned(), reason }
}

/// A state as its shape shows it.
fn to_json<A: Aggregate>(row: &A::Model) -> Json {
    let stamp = A::stamp(row);
    let time = |time: DateTime<Utc>| Json::from(time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
    let mut state = values::<A>(row);
    state.insert("id".to_owned(), id::format(A::KIND, stamp.id).into());
    state.insert("rowVersion".to_owned(), stamp.version.into());
    state.insert("isDeleted".to_owned(), stamp.deleted_at.is_some().into());
    state.insert("createdAt".to_owned(), time(stamp.created_at));
    state.insert("updatedAt".to_owned(), time(stamp.updated_at));
    Json::Object(state)
}
