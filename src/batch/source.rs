//! The document that a plan is made from: its fragments, and the variables of one request.
//!
//! Whatever the plan decides by a variable is noted, so that the plan serves another request only if it would decide the
//! same.

use std::cell::RefCell;
use std::collections::HashMap;

use async_graphql::parser::types::{Directive, FragmentDefinition};
use async_graphql::{InputType as _, Name, Positioned, Value, Variables};
use async_graphql_value::Value as RawValue;

use super::arguments::put_in;

/// A document's fragments, and the variables of one request.
pub(crate) struct Source<'d> {
    pub(crate) fragments: &'d HashMap<Name, Positioned<FragmentDefinition>>,
    pub(crate) variables: &'d Variables,
    conditions: RefCell<Vec<Condition>>,
}

/// A variable that `@skip` or `@include` asks for, and what it was.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    variable: Name,
    value: bool,
}

impl Condition {
    /// Whether it is the same for these variables.
    pub(crate) fn holds(&self, variables: &Variables) -> bool {
        truth(variables.get(&self.variable)) == self.value
    }
}

impl<'d> Source<'d> {
    pub(crate) fn new(fragments: &'d HashMap<Name, Positioned<FragmentDefinition>>, variables: &'d Variables) -> Self {
        Self { fragments, variables, conditions: RefCell::default() }
    }

    /// Whether a selection with these directives is left out.
    pub(crate) fn is_skipped(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().any(|directive| {
            let leaves_out = match directive.node.name.node.as_str() {
                "skip" => true,
                "include" => false,
                _ => return false,
            };
            directive.node.get_argument("if").is_some_and(|condition| self.decide(&condition.node) == leaves_out)
        })
    }

    fn decide(&self, condition: &RawValue) -> bool {
        let RawValue::Variable(name) = condition else {
            return truth(put_in(condition, self.variables).as_ref());
        };
        let value = truth(self.variables.get(name));
        let condition = Condition { variable: name.clone(), value };
        let mut conditions = self.conditions.borrow_mut();
        if !conditions.contains(&condition) {
            conditions.push(condition);
        }
        value
    }

    /// What was decided by variables.
    pub(crate) fn into_conditions(self) -> Vec<Condition> {
        self.conditions.into_inner()
    }
}

/// Validation has made sure that it is a truth value.
fn truth(value: Option<&Value>) -> bool {
    bool::parse(value.cloned()).unwrap_or_default()
}
