//! Variables: given, left to their defaults, absent or null.

use async_graphql::{Name, Value};
use async_graphql_value::Value as RawValue;

use super::{Generator, Variable, pick};

impl Generator<'_> {
    /// The value where a `ty` is expected that may be null: as it is, or by a variable. An absent variable leaves the
    /// argument out.
    pub(super) fn optional(&mut self, ty: &str, value: Value) -> RawValue {
        if self.plain || self.rng.u32(..10) < 6 {
            return value.into_value();
        }
        match self.rng.u32(..12) {
            0..4 => self.given(ty, value),
            4..6 => self.given(&format!("{ty}!"), value),
            6..8 => self.declare(ty, Some(value), None),
            8 => self.declare(&format!("{ty}!"), Some(value), None),
            9 => self.declare(ty, None, None),
            10 => self.declare(ty, Some(value), Some(Value::Null)),
            _ => self.known(ty).unwrap_or(value.into_value()),
        }
    }

    /// The value where a `ty` is expected that may not be null.
    ///
    /// A variable that may be null and has a default may stand there, but is not set to null: nothing says how the error
    /// that follows is worded.
    pub(super) fn required(&mut self, ty: &str, value: Value) -> RawValue {
        if self.plain || self.rng.u32(..10) < 6 {
            return value.into_value();
        }
        let ty_required = format!("{ty}!");
        match self.rng.u32(..500) {
            0..300 => self.given(&ty_required, value),
            300..375 => self.declare(&ty_required, Some(value), None),
            375..425 => {
                let variable = self.declare(ty, Some(value), None);
                self.variables.last_mut().expect("it was declared").may_be_null = false;
                variable
            }
            425 => self.declare(&ty_required, None, None),
            426 => self.declare(&ty_required, Some(value), Some(Value::Null)),
            _ => self.known(&ty_required).unwrap_or(value.into_value()),
        }
    }

    /// Whether `@skip` or `@include` holds.
    pub(super) fn condition(&mut self) -> RawValue {
        let value = self.rng.bool();
        self.required("Boolean", Value::Boolean(value))
    }

    fn given(&mut self, ty: &str, value: Value) -> RawValue {
        self.declare(ty, None, Some(value))
    }

    /// A variable of the type that there is already.
    fn known(&mut self, ty: &str) -> Option<RawValue> {
        let known: Vec<_> = self.variables.iter().filter(|variable| variable.ty == ty).collect();
        (!known.is_empty()).then(|| RawValue::Variable(Name::new(&pick(&mut self.rng, &known).name)))
    }

    fn declare(&mut self, ty: &str, default: Option<Value>, value: Option<Value>) -> RawValue {
        let name = format!("v{}", self.variables.len());
        self.variables.push(Variable { name: name.clone(), ty: ty.to_owned(), default, may_be_null: true });
        self.values.extend(value.map(|value| (name.clone(), value)));
        RawValue::Variable(Name::new(name))
    }
}
