//! What can be asked of one column: the operators, which kinds of columns have them, and their SQL.

use async_graphql::Value as GraphQlValue;
use chrono::{DateTime, Datelike as _, Utc};
use sea_orm::DbBackend;
use sea_orm::sea_query::{ArrayType, Expr, ExprTrait as _, Value};

use crate::batch::row::{Cell, Kind};
use crate::clock::whole_microseconds;
use crate::database::dialect;

/// An operator as clients write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    In,
    Gt,
    Gte,
    Lt,
    Lte,
    Contains,
    StartsWith,
    IsNull,
}

/// A comparison of a column with one value, where nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    Eq,
    /// The value is a list.
    In,
    Gt,
    Gte,
    Lt,
    Lte,
    Contains,
    /// From the first of two values on, and before the second.
    Between,
    /// Whether there is no value; takes none.
    IsNull(bool),
    /// Holds for no row; takes no value.
    Never,
}

impl Operator {
    pub(super) const ALL: &[Self] =
        &[Self::Eq, Self::In, Self::Gt, Self::Gte, Self::Lt, Self::Lte, Self::Contains, Self::StartsWith, Self::IsNull];

    /// The operators of a kind of column, in the order in which they are bound.
    pub(super) fn of(kind: Kind) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |operator| match (kind, operator) {
            (_, Self::Eq | Self::In) | (Kind::Text, _) => true,
            (Kind::Id(_) | Kind::AnyId(_) | Kind::Key, _) | (_, Self::Contains | Self::StartsWith) => false,
            (Kind::Enum, operator) => *operator == Self::IsNull,
            (Kind::Int | Kind::Long | Kind::Float | Kind::Time, _) => true,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::In => "in",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::IsNull => "isNull",
        }
    }

    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Eq => "It equals this.",
            Self::In => "It equals one of these, at most 1000; nothing equals one of none.",
            Self::Gt => "It is greater than this.",
            Self::Gte => "It is greater than this, or equal.",
            Self::Lt => "It is less than this.",
            Self::Lte => "It is less than this, or equal.",
            Self::Contains => "This stands somewhere in it, as it is: no character means anything else.",
            Self::StartsWith => "It begins with this, as it is.",
            Self::IsNull => {
                "Whether there is nothing: `true` for the rows without a value, `false` for those with one."
            }
        }
    }

    /// The test that the operator makes of a value, and what it compares with: what the column can hold, so that a time
    /// has whole microseconds. `in` and `isNull` have no value of their own; who reads them makes their test.
    pub(super) fn test(self, cell: Cell) -> (Test, Vec<Cell>) {
        let test = match self {
            Self::Eq => Test::Eq,
            Self::In => Test::In,
            Self::Gt => Test::Gt,
            Self::Gte => Test::Gte,
            Self::Lt => Test::Lt,
            Self::Lte => Test::Lte,
            Self::Contains => Test::Contains,
            Self::StartsWith => return starts_with(cell),
            Self::IsNull => return (Test::IsNull(true), Vec::new()),
        };
        match cell {
            Cell::Time(time) if !may_equal(&cell) => {
                let before = vec![Cell::Time(whole_microseconds(time))];
                match test {
                    Test::Gt | Test::Gte => (Test::Gt, before),
                    Test::Lt | Test::Lte => (Test::Lte, before),
                    _ => (Test::Never, Vec::new()),
                }
            }
            cell => (test, vec![cell]),
        }
    }
}

impl Test {
    /// The comparison of `tested` with the next values.
    pub(super) fn condition(
        self,
        tested: Expr,
        is_id: bool,
        backend: DbBackend,
        parameter: &mut dyn FnMut() -> Expr,
    ) -> Expr {
        match self {
            Self::Eq => tested.eq(parameter()),
            Self::In => dialect::is_one_of(backend, tested, parameter(), is_id),
            Self::Gt => tested.gt(parameter()),
            Self::Gte => tested.gte(parameter()),
            Self::Lt => tested.lt(parameter()),
            Self::Lte => tested.lte(parameter()),
            Self::Contains => dialect::contains(backend, tested, parameter()),
            Self::Between => {
                let from = tested.clone().gte(parameter());
                from.and(tested.lt(parameter()))
            }
            Self::IsNull(true) => tested.is_null(),
            Self::IsNull(false) => tested.is_not_null(),
            Self::Never => Expr::cust("FALSE"),
        }
    }

    /// Whether zero stands the comparison with a number, or with the numbers of a list.
    pub(super) fn holds_for_zero(self, value: Option<&Value>) -> bool {
        let zero = |value: &Value| *value == Value::Int(Some(0));
        let number = match value {
            Some(Value::Int(Some(number))) => *number,
            Some(Value::Array(_, Some(list))) => return self == Self::In && list.iter().any(zero),
            _ => return self == Self::IsNull(false),
        };
        match self {
            Self::Eq => number == 0,
            Self::Gt => 0 > number,
            Self::Gte => 0 >= number,
            Self::Lt => 0 < number,
            Self::Lte => 0 <= number,
            Self::In | Self::Contains | Self::Between | Self::IsNull(_) | Self::Never => false,
        }
    }
}

impl Kind {
    pub(super) fn is_id(self) -> bool {
        matches!(self, Self::Id(_) | Self::AnyId(_) | Self::Key)
    }

    /// The type of a list of cells of this kind.
    pub(super) fn array_type(self) -> ArrayType {
        match self {
            Self::Id(_) | Self::AnyId(_) | Self::Key => ArrayType::Uuid,
            Self::Text | Self::Enum => ArrayType::String,
            Self::Int => ArrayType::Int,
            Self::Long => ArrayType::BigInt,
            Self::Float => ArrayType::Double,
            Self::Time => ArrayType::ChronoDateTimeUtc,
        }
    }

    /// Reads a value to compare a column of this kind with, or says what it must be. Ids are read elsewhere, since they
    /// have an error of their own.
    pub(super) fn read_value(self, value: &GraphQlValue, folded: bool) -> Result<Cell, &'static str> {
        match (self, value) {
            (Self::Text, GraphQlValue::String(text)) if text.contains('\0') => {
                Err("must not hold the character U+0000")
            }
            (Self::Text, GraphQlValue::String(text)) if folded => Ok(Cell::Text(text.to_ascii_lowercase())),
            (Self::Text, GraphQlValue::String(text)) => Ok(Cell::Text(text.clone())),
            (Self::Text, _) => Err("must be text"),
            (Self::Enum, GraphQlValue::Enum(name)) => Ok(Cell::Text(name.to_ascii_lowercase())),
            // A variable has its value's name as text.
            (Self::Enum, GraphQlValue::String(name)) if !name.contains('\0') => {
                Ok(Cell::Text(name.to_ascii_lowercase()))
            }
            (Self::Enum, _) => Err("must be a value of the enum"),
            (Self::Int, GraphQlValue::Number(number)) => {
                let number = number.as_i64().and_then(|number| i32::try_from(number).ok());
                number.map(Cell::Int).ok_or("must be a whole number of 32 bits")
            }
            (Self::Int, _) => Err("must be a whole number of 32 bits"),
            (Self::Long, GraphQlValue::Number(number)) => {
                number.as_i64().map(Cell::Long).ok_or("must be a whole number of 64 bits")
            }
            (Self::Long, _) => Err("must be a whole number of 64 bits"),
            (Self::Float, GraphQlValue::Number(number)) => number.as_f64().map(Cell::Float).ok_or("must be a number"),
            (Self::Float, _) => Err("must be a number"),
            (Self::Time, GraphQlValue::String(text)) => {
                let time = DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc));
                let time = time.filter(|time| (1..=9999).contains(&time.year()));
                time.map(Cell::Time).ok_or("must be a time as RFC 3339 has it, of the years 1 to 9999 in UTC")
            }
            (Self::Time, _) => Err("must be a time as RFC 3339 has it, of the years 1 to 9999 in UTC"),
            (Self::Id(_) | Self::AnyId(_) | Self::Key, _) => Err("must be an id"),
        }
    }
}

/// Whether a list of cells may hold this one: a column's times have whole microseconds.
pub(super) fn may_equal(cell: &Cell) -> bool {
    !matches!(cell, Cell::Time(time) if whole_microseconds(*time) != *time)
}

/// A prefix as a range, which an index can serve on both databases.
fn starts_with(cell: Cell) -> (Test, Vec<Cell>) {
    let end = match &cell {
        Cell::Text(prefix) => successor(prefix),
        _ => None,
    };
    match end {
        Some(end) => (Test::Between, vec![cell, Cell::Text(end)]),
        None => (Test::Gte, vec![cell]),
    }
}

/// The smallest text, by code point, that is greater than every text that begins with `prefix`; there is none where all
/// characters are the greatest one.
fn successor(prefix: &str) -> Option<String> {
    let kept = prefix.trim_end_matches(char::MAX);
    let last = kept.chars().next_back()?;
    // A range of characters steps over the surrogates, which are none.
    let next = (last..=char::MAX).nth(1)?;
    let mut end = kept[..kept.len() - last.len_utf8()].to_owned();
    end.push(next);
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_prefix() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("az", Some("a{")),
            ("a\u{10ffff}", Some("b")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("\u{10ffff}\u{10ffff}", None),
            ("", None),
            ("\u{7f}", Some("\u{80}")),
            ("\u{ffff}", Some("\u{10000}")),
        ] {
            assert_eq!(successor(prefix).as_deref(), end, "{prefix:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_range_is_a_prefix(prefix in "\\PC{0,3}", rest in "\\PC{0,3}", other in "\\PC{0,4}") {
            let within = |text: &str| text >= prefix.as_str() && successor(&prefix).is_none_or(|end| text < end.as_str());
            assert!(within(&format!("{prefix}{rest}")));
            assert_eq!(within(&other), other.starts_with(&prefix));
        }
    }

    #[test]
    fn a_time_between_microseconds_is_on_one_side() {
        let between: DateTime<Utc> = "2026-01-01T00:00:00.000001500Z".parse().unwrap();
        let before: DateTime<Utc> = "2026-01-01T00:00:00.000001Z".parse().unwrap();
        let test = |operator: Operator| operator.test(Cell::Time(between));
        assert_eq!(test(Operator::Gte), (Test::Gt, vec![Cell::Time(before)]));
        assert_eq!(test(Operator::Lt), (Test::Lte, vec![Cell::Time(before)]));
        assert_eq!(test(Operator::Eq), (Test::Never, Vec::new()));
        assert!(!may_equal(&Cell::Time(between)) && may_equal(&Cell::Time(before)));
    }
}
