//! The text of a statement, made once for a plan, and the parameters that each request fills in.
//!
//! While a statement is built, a value that is not known yet is a [`Slot`]; what is written of it is a placeholder. Numbers
//! that belong to the plan (a page's limit) are written into the text, so that the database plans for them.

use std::fmt::Write;
use std::sync::Arc;

use sea_orm::sea_query::{
    Expr, PostgresQueryBuilder, QueryBuilder, SelectStatement, SqlWriter, SqliteQueryBuilder, Value,
};
use sea_orm::{DbBackend, Iterable as _, Values};

use crate::access::Role;

/// A value that a request fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// The keys of all parents: a list, or one key where the text is for one.
    Keys,
    /// A list of what stands beside the keys, one value each: its place among such lists.
    Beside(u8),
    /// A value that the arguments of some field gave: its place among all of the plan.
    Given(u16),
    /// A list of the projects in which the caller has at least this role.
    Projects(Role),
    /// The caller's name.
    Caller,
}

/// A statement's text, and what its placeholders stand for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub(crate) sql: Arc<str>,
    pub(crate) parameters: Vec<Parameter>,
}

/// What one placeholder stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Parameter {
    Slot(Slot),
    /// A value that belongs to the plan.
    Fixed(Value),
}

/// SeaQuery carries a slot as a character that stands for nothing in Unicode (a private-use plane); no value of ours is a
/// character.
const FIRST: u32 = 0x10_0000;
const KEYS: u32 = FIRST + 0xFFFD;
const BESIDE: u32 = FIRST + 0xFF00;
const PROJECTS: u32 = FIRST + 0xFEF0;
const CALLER: u32 = FIRST + 0xFEFF;

impl Slot {
    /// The slot as an expression.
    pub(crate) fn expr(self) -> Expr {
        let code = match self {
            Self::Keys => KEYS,
            Self::Beside(place) => BESIDE + u32::from(place),
            Self::Given(place) => FIRST + u32::from(place),
            Self::Projects(role) => PROJECTS + role as u32,
            Self::Caller => CALLER,
        };
        Expr::val(Value::Char(char::from_u32(code)))
    }

    fn of(value: &Value) -> Option<Self> {
        let Value::Char(Some(character)) = value else { return None };
        match u32::from(*character).checked_sub(FIRST)? {
            code if code == KEYS - FIRST => Some(Self::Keys),
            code if code >= BESIDE - FIRST => u8::try_from(code - (BESIDE - FIRST)).ok().map(Self::Beside),
            code if code == CALLER - FIRST => Some(Self::Caller),
            code if code >= PROJECTS - FIRST => {
                Role::iter().nth((code - (PROJECTS - FIRST)) as usize).map(Self::Projects)
            }
            code => u16::try_from(code).ok().map(Self::Given),
        }
    }
}

/// The most slots of one plan, so that their numbers are characters.
pub(crate) const MOST_SLOTS: usize = (PROJECTS - FIRST) as usize;

impl Text {
    /// Writes the statement in the words of the database.
    pub(crate) fn of(statement: &SelectStatement, backend: DbBackend) -> Self {
        let mut writer = TextWriter { numbered: backend == DbBackend::Postgres, ..TextWriter::default() };
        match backend {
            DbBackend::Postgres => statement.build_collect_any_into(&PostgresQueryBuilder, &mut writer),
            _ => statement.build_collect_any_into(&SqliteQueryBuilder, &mut writer),
        }
        Self { sql: writer.sql.into(), parameters: writer.parameters }
    }

    /// The parameters, with `fill` in the place of the slots.
    pub(crate) fn values(&self, fill: &mut dyn FnMut(Slot) -> Value) -> Values {
        let mut value = |parameter: &Parameter| match parameter {
            Parameter::Slot(slot) => fill(*slot),
            Parameter::Fixed(value) => value.clone(),
        };
        Values(self.parameters.iter().map(&mut value).collect())
    }
}

#[derive(Default)]
struct TextWriter {
    sql: String,
    parameters: Vec<Parameter>,
    numbered: bool,
}

impl TextWriter {
    fn push(&mut self, parameter: Parameter) {
        // A list of keys may be long: where parameters have numbers, each slot is sent once.
        let known = self.numbered.then(|| self.parameters.iter().position(|known| *known == parameter)).flatten();
        let number = known.map_or(self.parameters.len(), |place| place) + 1;
        if known.is_none() {
            self.parameters.push(parameter);
        }
        // Writing to a string does not fail.
        let _ = if self.numbered { write!(self.sql, "${number}") } else { self.sql.write_str("?") };
    }
}

impl SqlWriter for TextWriter {
    fn push_param<T: QueryBuilder>(&mut self, value: Value, builder: &T) {
        match value {
            Value::Int(_) | Value::BigInt(_) | Value::BigUnsigned(_) | Value::Bool(_) => {
                let _ = builder.write_value(&mut self.sql, &value);
            }
            value => {
                let slot = Slot::of(&value);
                self.push(slot.map_or(Parameter::Fixed(value), Parameter::Slot));
            }
        }
    }

    fn as_writer(&mut self) -> &mut dyn Write {
        self
    }
}

impl Write for TextWriter {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.sql.write_str(text)
    }
}

impl std::fmt::Display for TextWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sql)
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{ExprTrait as _, Query};

    use super::*;

    #[test]
    fn slots_become_placeholders_and_numbers_become_text() {
        let statement = Query::select()
            .column("a")
            .from("t")
            .and_where(Expr::col("b").eq(Slot::Given(7).expr()))
            .and_where(Expr::col("c").eq("fixed"))
            .and_where(Expr::col("d").eq(Slot::Beside(1).expr()))
            .and_where(Expr::col("e").eq(Slot::Given(7).expr()))
            .limit(5)
            .take();
        let slots =
            [Parameter::Slot(Slot::Given(7)), Parameter::Fixed("fixed".into()), Parameter::Slot(Slot::Beside(1))];
        let text = Text::of(&statement, DbBackend::Postgres);
        assert_eq!(&*text.sql, r#"SELECT "a" FROM "t" WHERE "b" = $1 AND "c" = $2 AND "d" = $3 AND "e" = $1 LIMIT 5"#);
        assert_eq!(text.parameters, slots);
        let text = Text::of(&statement, DbBackend::Sqlite);
        assert_eq!(&*text.sql, r#"SELECT "a" FROM "t" WHERE "b" = ? AND "c" = ? AND "d" = ? AND "e" = ? LIMIT 5"#);
        assert_eq!(text.parameters.len(), 4);
        assert_eq!(text.parameters[..3], slots);
    }

    #[test]
    fn every_slot_is_told_apart() {
        for slot in [
            Slot::Keys,
            Slot::Beside(0),
            Slot::Beside(9),
            Slot::Given(0),
            Slot::Given(0xFEEF),
            Slot::Projects(Role::Viewer),
            Slot::Projects(Role::Owner),
            Slot::Caller,
        ] {
            let statement = Query::select().expr(slot.expr()).take();
            assert_eq!(Text::of(&statement, DbBackend::Sqlite).parameters, [Parameter::Slot(slot)]);
        }
    }
}
