//! Compiles what is selected of a connection: rows, edges, cursors, the count and the page's place.

use super::{Find, Load, NODE, Planner, Wants};
use crate::batch::BatchError;
use crate::batch::arguments::Arguments;
use crate::batch::object::Object;
use crate::batch::page::Page;
use crate::batch::projection::{ConnectionPart, EdgePart, PageInfoPart, Part, Projected};
use crate::batch::selection::Selected;

/// A root field's list.
pub(crate) struct RootConnection {
    pub(crate) page: Page,
    pub(crate) wants: Wants,
    pub(crate) level: usize,
    pub(crate) parts: Vec<Part<ConnectionPart>>,
}

/// Where a row holds the values of its cursor.
pub(crate) struct Cursor {
    pub(crate) signature: String,
    pub(crate) cells: Vec<usize>,
}

impl<'d> Planner<'d> {
    /// A list that has no parent: a root field's.
    pub(crate) fn project_root_connection(
        &mut self,
        object: &'static Object,
        selected: &Selected<'d>,
    ) -> Result<RootConnection, BatchError> {
        let page = Page::of(&Arguments::of(&selected.field().node, self.request), object, self.limits)?;
        let level = self.add_root(object);
        let mut wants = Wants::default();
        let parts = self.project_connection_parts(level, &page, &mut wants, selected);
        Ok(RootConnection { page, wants, level, parts })
    }

    pub(super) fn project_connection(&mut self, level: usize, load: usize, selected: &Selected<'_>) -> Projected {
        let Load { find: Find::Connection { page, .. }, level: below, .. } = &self.plan.levels[level].loads[load]
        else {
            return Projected::Failed(BatchError::Broken("a connection's load is none"));
        };
        let (page, below, mut wants) = (page.clone(), *below, Wants::default());
        let parts = self.project_connection_parts(below, &page, &mut wants, selected);
        if let Find::Connection { wants: known, .. } = &mut self.plan.levels[level].loads[load].find {
            // Another field may share the load, or what is selected below lead back to it: all of them want their part.
            known.merge(wants);
        }
        Projected::Connection { load, parts }
    }

    /// What is selected of a connection whose rows are those of `level`.
    fn project_connection_parts(
        &mut self,
        level: usize,
        page: &Page,
        wants: &mut Wants,
        selected: &Selected<'_>,
    ) -> Vec<Part<ConnectionPart>> {
        let name = format!("{}Connection", self.plan.levels[level].object.fields.name);
        let mut parts = Vec::new();
        for selected in self.collect(selected.selection_sets(), &[&name]) {
            let part = match selected.field().node.name.node.as_str() {
                "nodes" => {
                    wants.rows = true;
                    ConnectionPart::Nodes(self.project_object(level, selected.selection_sets(), NODE))
                }
                "edges" => {
                    wants.rows = true;
                    ConnectionPart::Edges(self.project_edges(level, page, &selected))
                }
                "totalCount" => {
                    wants.total = true;
                    ConnectionPart::TotalCount
                }
                "pageInfo" => ConnectionPart::PageInfo(self.project_page_info(level, page, wants, &selected)),
                "__typename" => ConnectionPart::TypeName(name.clone()),
                _ => continue,
            };
            parts.push(Part::new(&selected, false, part));
        }
        parts
    }

    fn project_edges(&mut self, level: usize, page: &Page, selected: &Selected<'_>) -> Vec<Part<EdgePart>> {
        let name = format!("{}Edge", self.plan.levels[level].object.fields.name);
        let collected = self.collect(selected.selection_sets(), &[&name]);
        let parts = collected.iter().filter_map(|selected| {
            let part = match selected.field().node.name.node.as_str() {
                "node" => EdgePart::Node(self.project_object(level, selected.selection_sets(), NODE)),
                "cursor" => EdgePart::Cursor(self.cursor(level, page)),
                "__typename" => EdgePart::TypeName(name.clone()),
                _ => return None,
            };
            Some(Part::new(selected, false, part))
        });
        parts.collect()
    }

    fn project_page_info(
        &mut self,
        level: usize,
        page: &Page,
        wants: &mut Wants,
        selected: &Selected<'_>,
    ) -> Vec<Part<PageInfoPart>> {
        let mut parts = Vec::new();
        for selected in self.collect(selected.selection_sets(), &["PageInfo"]) {
            let (nullable, part) = match selected.field().node.name.node.as_str() {
                "hasNextPage" => {
                    wants.has_next = true;
                    (false, PageInfoPart::HasNextPage)
                }
                "hasPreviousPage" => {
                    wants.has_previous = true;
                    (false, PageInfoPart::HasPreviousPage)
                }
                "startCursor" => {
                    wants.rows = true;
                    (true, PageInfoPart::StartCursor(self.cursor(level, page)))
                }
                "endCursor" => {
                    wants.rows = true;
                    (true, PageInfoPart::EndCursor(self.cursor(level, page)))
                }
                "__typename" => (false, PageInfoPart::TypeName),
                _ => continue,
            };
            parts.push(Part::new(&selected, nullable, part));
        }
        parts
    }

    /// What a cursor of the level's rows is made of.
    fn cursor(&mut self, level: usize, page: &Page) -> Cursor {
        let signature = page.ordering.signature(self.plan.levels[level].object);
        let cells = page.ordering.terms.iter().map(|term| self.cell(level, term.column)).collect();
        Cursor { signature, cells }
    }
}
