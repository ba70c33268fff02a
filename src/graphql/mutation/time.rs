//! Points in time in inputs.

use std::borrow::Cow;

use async_graphql::registry::Registry;
use async_graphql::{InputType, InputValueError, InputValueResult, Value};

use crate::batch::register_date_time;

/// A point in time as it was written: the rules read it, so that what is wrong with it is told among the other mistakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Time(String);

impl Time {
    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl InputType for Time {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("DateTime")
    }

    fn create_type_info(registry: &mut Registry) -> String {
        register_date_time(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value.unwrap_or_default() {
            Value::String(text) => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
