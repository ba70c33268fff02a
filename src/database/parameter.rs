//! The value of a statement's parameter, in PostgreSQL's binary format.

use std::error::Error;
use std::fmt;

use bytes::BytesMut;
use sea_orm::Value;
use sea_orm::sea_query::{ArrayType, OptionEnum};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// A value, and what kind the server is told that it is: that of sqlx, so that a statement means the same to both.
pub(super) struct Parameter<'v>(pub(super) &'v Value);

type Written = Result<IsNull, Box<dyn Error + Sync + Send>>;

impl Parameter<'_> {
    /// What the server is told of it. What is of no kind that a read has is left to the server, and refused when it is sent.
    pub(super) fn kind(&self) -> Type {
        match self.0 {
            Value::Bool(_) => Type::BOOL,
            Value::SmallInt(_) => Type::INT2,
            Value::Int(_) => Type::INT4,
            Value::BigInt(_) | Value::Unsigned(_) | Value::BigUnsigned(_) => Type::INT8,
            Value::Float(_) => Type::FLOAT4,
            Value::Double(_) => Type::FLOAT8,
            Value::String(_) | Value::Enum(_) | Value::Char(_) => Type::TEXT,
            Value::Bytes(_) => Type::BYTEA,
            Value::Json(_) => Type::JSONB,
            Value::ChronoDateTimeUtc(_) => Type::TIMESTAMPTZ,
            Value::Uuid(_) => Type::UUID,
            Value::Array(kind, _) => match kind {
                ArrayType::Bool => Type::BOOL_ARRAY,
                ArrayType::Int => Type::INT4_ARRAY,
                ArrayType::BigInt => Type::INT8_ARRAY,
                ArrayType::Double => Type::FLOAT8_ARRAY,
                ArrayType::String => Type::TEXT_ARRAY,
                ArrayType::ChronoDateTimeUtc => Type::TIMESTAMPTZ_ARRAY,
                ArrayType::Uuid => Type::UUID_ARRAY,
                _ => Type::UNKNOWN,
            },
            _ => Type::UNKNOWN,
        }
    }
}

/// Whatever is told of a parameter: its kind, and no more.
impl fmt::Debug for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind())
    }
}

impl ToSql for Parameter<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Written {
        match self.0 {
            Value::Bool(value) => value.to_sql(kind, out),
            Value::SmallInt(value) => value.to_sql(kind, out),
            Value::Int(value) => value.to_sql(kind, out),
            Value::BigInt(value) => value.to_sql(kind, out),
            Value::Unsigned(value) => value.map(i64::from).to_sql(kind, out),
            Value::BigUnsigned(value) => value.map(i64::try_from).transpose()?.to_sql(kind, out),
            Value::Float(value) => value.to_sql(kind, out),
            Value::Double(value) => value.to_sql(kind, out),
            Value::String(value) => value.as_deref().to_sql(kind, out),
            Value::Enum(OptionEnum::Some(value)) => value.value.as_ref().to_sql(kind, out),
            Value::Char(value) => value.map(|value| value.to_string()).to_sql(kind, out),
            Value::Bytes(value) => value.as_deref().to_sql(kind, out),
            Value::Json(value) => value.as_deref().to_sql(kind, out),
            Value::ChronoDateTimeUtc(value) => value.to_sql(kind, out),
            Value::Uuid(value) => value.to_sql(kind, out),
            Value::Enum(OptionEnum::None(_)) | Value::Array(_, None) => Ok(IsNull::Yes),
            Value::Array(_, Some(values)) => values.iter().map(Parameter).collect::<Vec<_>>().to_sql(kind, out),
            _ => Err("a value is of no kind that a read takes".into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Each statement was prepared for the kinds of its values.
        true
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_told_no_value() {
        let list = Value::Array(ArrayType::String, Some(Box::new(vec!["secret".into()])));
        for value in ["secret".into(), list, Value::Bytes(Some(b"secret".to_vec()))] {
            let told = format!("{:?} {:?}", Parameter(&value), [Parameter(&value)]);
            assert!(!told.contains("secret") && !told.contains("115"), "{told}");
        }
    }
}
