//! From a request to a subscription: checked, planned, with a topic and a place to begin at.

use std::sync::Arc;

use async_graphql::ServerError;
use futures_util::StreamExt as _;

use super::{Followed, FollowedKey, Subscription};
use crate::batch::{BatchError, Scope};
use crate::code::Code;
use crate::events::{position_of, subscriptions};
use crate::graphql::charge::pay;
use crate::graphql::document::{Document, Operation};
use crate::graphql::framework::to_be_checked;
use crate::graphql::mutation::WriteContext;
use crate::graphql::schema::{self, ThroughlineSchema};
use crate::graphql::{Api, Request, refusal};
use crate::telemetry::Observed;

impl Api {
    /// Begins a subscription, whose document has the limits that any other has.
    pub(in crate::graphql) async fn subscribe(
        &self,
        (document, operation, text): (&Document, &Operation<'_>, &str),
        asked: &async_graphql::Request,
        (request, context): (&Request, WriteContext),
        observed: &Observed,
    ) -> Result<Subscription, Vec<ServerError>> {
        let fail = |error: ServerError| vec![error];
        check_subscription(&self.schema, document, asked).await?;
        let cost = self.cost(document, operation, asked);
        observed.costs(cost.total);
        let budget = self.settings.limits.cost;
        let cost = cost.check(self.budget(request.meter.as_ref())).map_err(fail)?;
        pay(request, cost)?;
        let Some(place) = self.feeds.place() else {
            let most = self.settings.max_subscriptions;
            let message =
                format!("the server follows {most} subscriptions already, which is the most; try again later");
            return Err(fail(refusal(Code::LimitExceeded, message, None)));
        };
        let WriteContext { database, caller, request_id, limits, key_ring } = context;
        let scope = Scope { backend: database.backend(), caller: Arc::clone(&caller), limits };
        let (definition, variables) = (operation.definition, &asked.variables);
        let asked_for = schema::subscription(&document.executable, definition, variables, &scope).map_err(fail)?;
        let position = operation.definition.selection_set.pos;
        let bad_argument = |error: BatchError| fail(error.to_server_error(position));
        let topic = (asked_for.subscription.topic)(&asked_for.arguments).map_err(bad_argument)?.seen_by(&caller);
        let after = match &request.resume_after {
            Some(place) => Some(position_of("Last-Event-ID", place).map_err(bad_argument)?),
            None => subscriptions::read_after(&asked_for.arguments).map_err(bad_argument)?,
        };
        let name = operation.name.map(|name| &**name);
        let followed = Followed {
            key: FollowedKey::new(caller, text, name, variables, asked_for.after.as_deref()),
            topic,
            latest_only: asked_for.subscription.latest_only,
            plan: asked_for.plan,
            database: self.database.clone(),
            telemetry: self.telemetry.clone(),
            pages: limits,
            key_ring,
            most_errors: self.settings.limits.errors,
            most_at_once: usize::try_from(budget / cost.max(1)).unwrap_or(usize::MAX).max(1),
        };
        let open = (self.telemetry.open_subscription(), place);
        let begun = Subscription::begin(self.feeds.clone(), followed, after, request_id, open).await;
        Ok(begun.map_err(bad_argument)?.paid_with(request.meter.clone(), cost))
    }
}

/// Lets async-graphql check a subscription. It runs none of ours.
async fn check_subscription(
    schema: &ThroughlineSchema,
    document: &Document,
    request: &async_graphql::Request,
) -> Result<(), Vec<ServerError>> {
    let first = schema.execute_stream(to_be_checked(document, request)).next().await;
    first.map(|response| response.errors).filter(|errors| !errors.is_empty()).map_or(Ok(()), Err)
}
