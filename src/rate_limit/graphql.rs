//! `rateLimit`: what a client has left.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value as Json, json};

use super::{METER, Standing, whole_seconds};
use crate::access::Caller;
use crate::batch::{Arguments, BatchError, Compute, Computed, RootField, Shape};
use crate::clock;
use crate::database::Database;

/// What the query root says of budgets.
pub fn root_fields() -> Vec<RootField> {
    let field = Computed { shape: rate_limit, is_list: false, arguments: Vec::new(), compute: &Left };
    let description = "What you have left of what you may ask for in a minute; null where there is no limit.";
    vec![RootField::computed("rateLimit", description, field)]
}

fn rate_limit() -> &'static Shape {
    static SHAPE: LazyLock<Shape> = LazyLock::new(|| {
        Shape::of(
            "RateLimit",
            "A budget of points for each minute. An operation costs as many as it asks for objects, and one at the least.",
        )
        .leaf::<i32>("limit", "The points of a minute.")
        .leaf::<i32>("remaining", "The points that are left after this operation.")
        .leaf::<DateTime<Utc>>("resetAt", "When all points are there again, if no more are spent; they come back evenly.")
        .leaf::<i32>("cost", "The points that this operation costs.")
    });
    &SHAPE
}

/// Computes it.
struct Left;

impl Compute for Left {
    fn compute<'f>(
        &'f self,
        _: &'f Database,
        _: &'f Caller,
        _: &'f Arguments,
    ) -> BoxFuture<'f, Result<Json, BatchError>> {
        async {
            // Without HTTP nobody measures.
            let meter = METER.try_with(Clone::clone).ok().flatten();
            Ok(meter.map_or(Json::Null, |meter| to_json(&meter.standing())))
        }
        .boxed()
    }
}

fn to_json(standing: &Standing) -> Json {
    let full_after = whole_seconds(standing.full_after);
    let reset_at = clock::now() + chrono::TimeDelta::seconds(i64::try_from(full_after).unwrap_or_default());
    json!({
        "limit": standing.limit,
        "remaining": standing.remaining,
        "resetAt": reset_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "cost": standing.cost,
    })
}
