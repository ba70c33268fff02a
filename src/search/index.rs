//! The full-text indexes as each database spells a question to them: FTS5's tables on SQLite, the tables of words on
//! PostgreSQL. The second place, after [`crate::database::dialect`], in which the SQL of reads differs.
//!
//! **Invariant:** what is spliced into FTS5's and `tsquery`'s own languages are a query's words, in quotes; they hold
//! letters and digits only. All of it travels as parameters. Only `reads` uses it.

use sea_orm::DbBackend;
use sea_orm::sea_query::extension::postgres::PgExpr;
use sea_orm::sea_query::extension::sqlite::SqliteExpr;
use sea_orm::sea_query::{Condition, Expr, ExprTrait as _, Func, Query as Sql, SelectStatement};

use super::query::{Query, Term};
use super::reads::Kind;

/// The index over one kind of rows.
#[derive(Clone, Copy)]
pub(super) struct Index {
    sqlite: bool,
    names: &'static Names,
}

/// What belongs to the table of a kind.
struct Names {
    /// The table itself.
    table: &'static str,
    /// FTS5's table, on SQLite.
    text: &'static str,
    /// The number that FTS5 knows a row by.
    rows: &'static str,
    /// The column that names the row there.
    key: &'static str,
    /// What FTS5 keeps of the lengths of the texts.
    lengths: &'static str,
    /// The table of words, on PostgreSQL.
    words: &'static str,
}

static FEATURES: Names = Names {
    table: "features",
    text: "features_text",
    rows: "features_text_rows",
    key: "feature_id",
    lengths: "features_text_docsize",
    words: "features_words",
};

static PROJECTS: Names = Names {
    table: "projects",
    text: "projects_text",
    rows: "projects_text_rows",
    key: "project_id",
    lengths: "projects_text_docsize",
    words: "projects_words",
};

impl Index {
    pub(super) fn of(kind: Kind, backend: DbBackend) -> Self {
        let names = match kind {
            Kind::Feature => &FEATURES,
            Kind::Project => &PROJECTS,
        };
        Self { sqlite: backend == DbBackend::Sqlite, names }
    }

    /// Leaves of the rows that the statement reads those that the query finds.
    pub(super) fn restrict(self, statement: &mut SelectStatement, query: &Query) {
        let id = Expr::col((self.names.table, "id"));
        if self.sqlite {
            statement.inner_join(self.names.rows, id.equals((self.names.rows, self.names.key)));
            let mut found = all_of(query.terms());
            if !query.excluded().is_empty() {
                found = format!("({found}) NOT ({})", any_of(query.excluded()));
            }
            statement.and_where(self.matches(found));
            return;
        }
        statement.inner_join(self.names.words, id.equals((self.names.words, "id")));
        let lexemes = Expr::col((self.names.words, "lexemes"));
        statement.and_where(PgExpr::matches(lexemes, Expr::val(tsquery(query)).cast_as("tsquery")));
        // The lexemes do not know where they stand.
        for phrase in query.terms().iter().filter(|term| term.words().len() > 1) {
            statement.cond_where(self.has(phrase));
        }
        for phrase in query.excluded().iter().filter(|term| term.words().len() > 1) {
            statement.cond_where(self.has(phrase).not());
        }
    }

    /// The name consists of these words.
    pub(super) fn name_is(self, whole: &Term) -> Expr {
        if self.sqlite {
            let length = i32::try_from(whole.words().len()).unwrap_or(i32::MAX);
            let starts = self.matches(format!("name : ^ {}", phrase(whole, false)));
            return starts.and(self.name_length().eq(length));
        }
        self.words("name").eq(part(whole, false))
    }

    /// The name begins with these words.
    pub(super) fn name_starts_with(self, whole: &Term) -> Expr {
        if self.sqlite {
            return self.matches(format!("name : ^ {}", phrase(whole, whole.is_prefix())));
        }
        Func::cust("starts_with").arg(self.words("name")).arg(part(whole, whole.is_prefix())).into()
    }

    /// These words stand in the name, one after the other.
    pub(super) fn name_has(self, whole: &Term) -> Expr {
        if self.sqlite {
            return self.matches(format!("name : {}", phrase(whole, whole.is_prefix())));
        }
        self.stands_in("name", whole)
    }

    /// Every term of the query stands in the name.
    pub(super) fn name_has_all(self, query: &Query) -> Expr {
        if self.sqlite {
            return self.matches(format!("name : ({})", all_of(query.terms())));
        }
        joined(query.terms().iter().map(|term| self.stands_in("name", term)), Expr::and)
    }

    /// One of the query's `terms` or more stands in the name.
    pub(super) fn name_has_any(self, query: &Query, terms: &[Term]) -> Expr {
        if self.sqlite {
            // A term alone may stand in far more rows than the query finds.
            return self.matches(format!("{} AND (name : ({}))", all_of(query.terms()), any_of(terms)));
        }
        joined(terms.iter().map(|term| self.stands_in("name", term)), Expr::or)
    }

    /// These words stand in the description, one after the other.
    pub(super) fn description_has(self, whole: &Term) -> Expr {
        if self.sqlite {
            return self.matches(format!("description : {}", phrase(whole, whole.is_prefix())));
        }
        self.stands_in("description", whole)
    }

    /// How many words the name has.
    pub(super) fn name_length(self) -> Expr {
        if !self.sqlite {
            return self.words("name_length");
        }
        // FTS5 keeps the lengths of a row's texts as variable integers, the name's first, of which the first byte tells all
        // up to 127; a name of 255 characters has at most 128 words.
        let digit = |place: u8| format!("instr('123456789ABCDEF', substr(hex(sz), {place}, 1))");
        let length = Expr::cust(format!("min(16 * {} + {}, 128)", digit(1), digit(2)));
        let row = Expr::col((self.names.lengths, "id")).equals((self.names.rows, "row"));
        let lengths = Sql::select().expr(length).from(self.names.lengths).and_where(row).take();
        Expr::SubQuery(None, Box::new(lengths.into()))
    }

    /// FTS5 finds the row with this expression. The list is made once for the statement, from the index alone.
    fn matches(self, expression: String) -> Expr {
        let found = SqliteExpr::matches(Expr::col((self.names.text, self.names.text)), expression);
        let rows = Sql::select().column("rowid").from(self.names.text).and_where(found).take();
        Expr::col((self.names.rows, "row")).in_subquery(rows)
    }

    fn has(self, phrase: &Term) -> Condition {
        Condition::any().add(self.stands_in("name", phrase)).add(self.stands_in("description", phrase))
    }

    fn stands_in(self, column: &'static str, term: &Term) -> Expr {
        let place = Func::cust("strpos").arg(self.words(column)).arg(part(term, term.is_prefix()));
        Expr::expr(place).gt(Expr::cust("0"))
    }

    fn words(self, column: &'static str) -> Expr {
        Expr::col((self.names.words, column))
    }
}

/// The conditions as one. There is at least one.
fn joined(conditions: impl Iterator<Item = Expr>, join: fn(Expr, Expr) -> Expr) -> Expr {
    conditions.reduce(join).unwrap_or_else(|| Expr::cust("TRUE"))
}

/// FTS5: `"grid lay" *`.
fn phrase(term: &Term, is_prefix: bool) -> String {
    format!("\"{}\"{}", term.words().join(" "), if is_prefix { " *" } else { "" })
}

fn all_of(terms: &[Term]) -> String {
    terms.iter().map(|term| phrase(term, term.is_prefix())).collect::<Vec<_>>().join(" AND ")
}

fn any_of(terms: &[Term]) -> String {
    terms.iter().map(|term| phrase(term, term.is_prefix())).collect::<Vec<_>>().join(" OR ")
}

/// PostgreSQL: what such words are in the table of words, where each has a space before and after it.
fn part(term: &Term, is_prefix: bool) -> String {
    let mut part = format!(" {} ", term.words().join("  "));
    if is_prefix {
        part.pop();
    }
    part
}

/// PostgreSQL: `'grid' & 'lay':* & !'flex'`. A phrase is its words here.
fn tsquery(query: &Query) -> String {
    let mut lexemes = Vec::new();
    for term in query.terms() {
        let last = term.words().len() - 1;
        lexemes.extend(term.words().iter().enumerate().map(|(index, word)| {
            let star = if term.is_prefix() && index == last { ":*" } else { "" };
            format!("'{word}'{star}")
        }));
    }
    for term in query.excluded().iter().filter(|term| term.words().len() == 1) {
        let star = if term.is_prefix() { ":*" } else { "" };
        lexemes.push(format!("!'{}'{star}", term.words()[0]));
    }
    lexemes.join(" & ")
}
