//! What an operation costs, and who pays for it.

use async_graphql::ServerError;

use super::document::{Document, Operation};
use super::errors::limited;
use super::limits::cost::Cost;
use super::{Api, Request};
use crate::batch::Query;
use crate::rate_limit::Meter;
use crate::telemetry::Observed;

/// Pays for an operation before anything of it is done. What is explained is read twice, and costs as much, but never more than there is in
/// a minute.
pub(super) fn pay(request: &Request, cost: u64) -> Result<(), Vec<ServerError>> {
    let cost_by =
        |meter: &Meter| if request.tells.explanation { cost.saturating_mul(2).min(meter.limit()) } else { cost };
    let paid = request.meter.as_ref().map(|meter| meter.pay(cost_by(meter))).transpose();
    paid.map(drop).map_err(|by| vec![limited(&by)])
}

impl Api {
    /// What a query costs, within the budget. It is the same whenever a plan serves, but for how long lists of ids are.
    pub(super) fn cost_of_query(
        &self,
        query: &Query,
        (document, operation, asked): (&Document, &Operation<'_>, &async_graphql::Request),
        budget: u64,
        observed: &Observed,
    ) -> Result<u64, ServerError> {
        if let Some(cost) = query.known_cost().filter(|cost| *cost <= budget) {
            observed.costs(cost);
            return Ok(cost);
        }
        let cost = self.cost(document, operation, asked);
        observed.costs(cost.total);
        if !cost.varies {
            query.remember_cost(cost.total);
        }
        cost.check(budget)
    }

    /// The most that an operation may cost: never more than its caller has in a minute, since nobody could wait for that.
    pub(super) fn budget(&self, meter: Option<&Meter>) -> u64 {
        self.settings.limits.cost.min(meter.map_or(u64::MAX, Meter::limit))
    }

    pub(super) fn cost(&self, document: &Document, operation: &Operation<'_>, asked: &async_graphql::Request) -> Cost {
        let Operation { definition, .. } = operation;
        Cost::of(&self.types, &document.executable, definition, &asked.variables, self.settings.pages)
    }
}
