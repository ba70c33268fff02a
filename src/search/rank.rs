//! How well a hit fits: a number of thousandths that follows from where the terms of the query stand in the hit's name and
//! description.
//!
//! **Invariant:** it depends on the row and the query alone, and is an integer in the database, so that both databases give
//! the same one and a cursor compares exactly. (`bm25` and `ts_rank` depend on the corpus or on the database.)

use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait as _};

use super::index::Index;
use super::query::Query;

/// The name is what was typed.
const NAME_IS: i32 = 1000;
/// The name begins with what was typed; up to 99 more for closeness, as in the next three.
const NAME_STARTS: i32 = 800;
/// What was typed stands in the name in one piece.
const NAME_HAS_WHOLE: i32 = 700;
/// All terms stand in the name, apart.
const NAME_HAS_ALL: i32 = 600;
/// Some terms stand in the name; up to 200 more for their share of the terms.
const NAME_HAS_SOME: i32 = 300;
/// What was typed stands in the description in one piece.
const DESCRIPTION_HAS_WHOLE: i32 = 200;
/// None of this.
const LEAST: i32 = 100;

/// The score of a row that the query finds.
pub(super) fn score(index: Index, query: &Query) -> Expr {
    let (terms, whole) = (query.terms(), query.whole());
    let close = || closeness(index, query);
    let mut case = CaseStatement::new();
    if let Some(whole) = &whole {
        case = case.case(index.name_is(whole), number(NAME_IS));
        case = case.case(index.name_starts_with(whole), number(NAME_STARTS).add(close()));
        case = case.case(index.name_has(whole), number(NAME_HAS_WHOLE).add(close()));
    }
    let is_one = whole.is_some() && terms.len() == 1;
    if !is_one {
        case = case.case(index.name_has_all(query), number(NAME_HAS_ALL).add(close()));
        let step = i32::try_from(terms.len()).map_or(0, |terms| 200 / terms);
        let shares = terms.iter().map(|term| {
            let has = index.name_has_any(query, std::slice::from_ref(term));
            Expr::Case(Box::new(CaseStatement::new().case(has, number(step)).finally(number(0))))
        });
        let some = shares.fold(number(NAME_HAS_SOME), Expr::add).add(close());
        case = case.case(index.name_has_any(query, terms), some);
    }
    match &whole {
        Some(whole) => case.case(index.description_has(whole), number(DESCRIPTION_HAS_WHOLE)).finally(number(LEAST)),
        None => case.finally(number(LEAST)),
    }
    .into()
}

/// Up to 99 for how great a part of the name as many words are as were typed.
fn closeness(index: Index, query: &Query) -> Expr {
    let typed = query.terms().iter().map(|term| term.words().len()).sum::<usize>();
    let typed = i32::try_from(typed).unwrap_or(i32::MAX / 99);
    let length = || index.name_length();
    CaseStatement::new().case(length().lte(number(typed)), number(99)).finally(number(99 * typed).div(length())).into()
}

/// A number of ours, as a part of the statement's text: nobody types it.
fn number(number: i32) -> Expr {
    Expr::cust(number.to_string())
}

/// The rank that clients see.
pub(super) fn of_score(score: i32) -> f64 {
    f64::from(score) / 1000.0
}

/// The score of a rank that a client gives back, whatever it is.
#[expect(clippy::cast_possible_truncation, reason = "what is no rank becomes the nearest score")]
pub(super) fn score_of(rank: f64) -> i32 {
    (rank * 1000.0).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_comes_back_as_its_score() {
        assert!((0..=NAME_IS).all(|score| score_of(of_score(score)) == score));
        assert_eq!((score_of(f64::NAN), score_of(f64::INFINITY), score_of(-1e300)), (0, i32::MAX, i32::MIN));
    }
}
