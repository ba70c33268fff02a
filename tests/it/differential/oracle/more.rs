//! Lists that go on, each from a cursor of its own.

use async_graphql::{Error, Value};
use uuid::Uuid;

use super::connection::Connection;
use super::filter::check;
use super::id;
use super::inputs::MorePage;
use super::objects::Maybe;
use super::page::{Listed, PageArguments, Term, page, read_cursor, refuse, size};
use super::spec::{Spec, SpecList};

/// An answer for each page: null where there is no parent, an error where the page names none.
pub(super) type MorePages<R> = Result<SpecList<Maybe<Spec<Connection<R>>>>, Error>;

/// The `pages` of what `rows` has for their parents.
pub(super) fn more_pages<R: Listed>(
    prefix: &str,
    pages: &[MorePage],
    first: Option<i64>,
    order: &[Term],
    filter: Option<&Value>,
    rows: impl Fn(Uuid) -> Option<Vec<R>>,
) -> MorePages<R> {
    size("first", first)?;
    if let Some(filter) = filter {
        check(R::TYPE, filter, "filter")?;
    }
    if pages.len() > 1000 {
        return Err(refuse("INVALID_ARGUMENT", format!("pages must have at most 1000 items, has {}", pages.len())));
    }
    let answer = |(index, asked): (usize, &MorePage)| {
        let (_, parent) = id::read(&format!("pages[{index}].parent"), &asked.parent, &[prefix])?;
        read_cursor::<R>(&format!("pages[{index}].after"), Some(&asked.after), order)?;
        let Some(rows) = rows(parent) else { return Ok(None) };
        let arguments = PageArguments {
            first,
            after: Some(asked.after.clone()),
            filter: filter.cloned(),
            ..PageArguments::default()
        };
        Ok(Some(Spec(Connection(page(rows, order, &arguments)?))))
    };
    Ok(SpecList(pages.iter().enumerate().map(|page| answer(page).transpose()).collect()))
}
