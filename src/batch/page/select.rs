//! How a page is selected, and how it is told what lies beyond it.

use sea_orm::sea_query::{Expr, ExprTrait as _, SelectStatement};

use super::Page;
use crate::batch::order::{Ordering, Place};
use crate::batch::plan::Wants;

impl Page {
    /// The page's rows and no other, of the rows of `list`, in the direction in which it is read.
    pub(crate) fn select(&self, mut list: SelectStatement, limit: u64) -> SelectStatement {
        let bounds = [
            self.after.as_ref().map(|after| self.ordering.after(after)),
            self.before.as_ref().map(|before| self.ordering.reversed().after(before)),
        ];
        for bound in bounds.into_iter().flatten() {
            list.and_where(bound.unwrap_or_else(|| Expr::cust("FALSE")));
        }
        self.direction().apply(&mut list, |sorted| sorted);
        list.limit(limit).take()
    }

    /// The order in which the page is read.
    pub(crate) fn direction(&self) -> Ordering {
        if self.backward { self.ordering.reversed() } else { self.ordering.clone() }
    }

    /// Whether the page can bring rows, or tell whether there are any.
    pub(crate) fn needs_rows(&self, wants: Wants) -> bool {
        let edges = self.edges(wants);
        (edges.limit > 0 && (wants.rows || wants.has_next || wants.has_previous)) || edges.flags().any()
    }

    /// What has to be asked to tell what lies beyond the page.
    pub(crate) fn edges(&self, wants: Wants) -> Edges<'_> {
        let previous = self.after.as_deref().filter(|_| wants.has_previous);
        let next = self.before.as_deref().filter(|_| wants.has_next);
        let one_more = if self.backward { wants.has_previous } else { wants.has_next };
        Edges {
            previous: previous.map(|cursor| Bound { cursor, after: false }),
            next: next.map(|cursor| Bound { cursor, after: true }),
            limit: u64::from(self.size) + u64::from(one_more),
        }
    }
}

/// What tells whether there are rows before and after a page.
pub(crate) struct Edges<'p> {
    /// A cursor at which, or beyond which, the previous page would end.
    previous: Option<Bound<'p>>,
    /// A cursor at which, or beyond which, the next page would begin.
    next: Option<Bound<'p>>,
    /// How many rows to read: one more than the page has tells the rest.
    pub(crate) limit: u64,
}

struct Bound<'p> {
    cursor: &'p Place,
    /// Whether the rows at the cursor and after it are meant, or those at it and before it.
    after: bool,
}

/// Which words about what lies beyond a page an answer carries for each key.
#[derive(Clone, Copy, Default)]
pub(crate) struct Flags {
    pub(crate) previous: bool,
    pub(crate) next: bool,
}

impl Flags {
    /// Whether the answer says something of a key that has no rows.
    pub(crate) fn any(self) -> bool {
        self.previous || self.next
    }
}

impl Edges<'_> {
    /// Which of the two the answer says of each key.
    pub(crate) fn flags(&self) -> Flags {
        Flags { previous: self.previous.is_some(), next: self.next.is_some() }
    }

    /// What says whether rows precede the page, and whether rows follow it.
    pub(crate) fn conditions(&self, list: impl Fn() -> SelectStatement, page: &Page) -> [Option<Expr>; 2] {
        [&self.previous, &self.next].map(|bound| bound.as_ref().map(|bound| bound.has_rows(&list, page)))
    }
}

impl Bound<'_> {
    /// Whether the list has a row at the cursor or beyond it.
    fn has_rows(&self, list: &impl Fn() -> SelectStatement, page: &Page) -> Expr {
        let beyond =
            if self.after { page.ordering.after(self.cursor) } else { page.ordering.reversed().after(self.cursor) };
        let at = page.ordering.at(self.cursor);
        let exists = |condition| Expr::exists(list().expr(Expr::cust("1")).and_where(condition).take());
        match beyond {
            Some(beyond) => exists(beyond).or(exists(at)),
            None => exists(at),
        }
    }
}
