//! Compiles what is selected of a connection: rows, edges, cursors, the count and the page's place.

use super::{Find, Load, Node, Planner, Wants};
use crate::batch::BatchError;
use crate::batch::page::Page;
use crate::batch::projection::{ConnectionPart, EdgePart, PageInfoPart, Part, Projected};
use crate::batch::row::Kind;
use crate::batch::selection::Selected;

/// Where a row holds the values of its cursor.
pub(crate) struct Cursor {
    pub(crate) signature: String,
    pub(crate) cells: Vec<(usize, Kind)>,
}

impl<'d> Planner<'_, 'd> {
    /// What is selected of the connection that `load` brings for the rows of `level`.
    pub(super) fn project_connection(&mut self, level: usize, load: usize, selected: &Selected<'d>) -> Projected {
        let Load { find: Find::Connection { page, .. } | Find::More { page, .. }, level: below, .. } =
            &self.plan.levels[level].loads[load]
        else {
            return Projected::Failed(BatchError::Broken("a connection's load is none"));
        };
        let (page, below, mut wants) = (page.clone(), *below, Wants::default());
        let Some(object) = self.plan.levels[below].object else {
            return Projected::Failed(BatchError::Broken("a connection's level has no objects"));
        };
        let node = Node { level: below, object };
        let parts = self.project_connection_parts(node, &page, &mut wants, selected);
        if let Find::Connection { wants: known, .. } | Find::More { wants: known, .. } =
            &mut self.plan.levels[level].loads[load].find
        {
            // Another field may share the load, or what is selected below lead back to it: all of them want their part.
            known.merge(wants);
        }
        Projected::Connection { load, parts }
    }

    /// What is selected of a connection whose rows are those of `node`.
    fn project_connection_parts(
        &mut self,
        node: Node,
        page: &Page,
        wants: &mut Wants,
        selected: &Selected<'d>,
    ) -> Vec<Part<ConnectionPart>> {
        let name = format!("{}Connection", node.object.fields.name);
        let mut parts = Vec::new();
        for selected in self.collect(selected.selection_sets(), &[&name]) {
            let part = match selected.field().node.name.node.as_str() {
                "nodes" => {
                    wants.rows = true;
                    ConnectionPart::Nodes(self.project_object(node, selected.selection_sets()))
                }
                "edges" => {
                    wants.rows = true;
                    ConnectionPart::Edges(self.project_edges(node, page, &selected))
                }
                "totalCount" => {
                    wants.total = true;
                    ConnectionPart::TotalCount
                }
                "pageInfo" => ConnectionPart::PageInfo(self.project_page_info(node, page, wants, &selected)),
                "__typename" => ConnectionPart::TypeName(name.clone()),
                _ => continue,
            };
            parts.push(Part::new(&selected, false, part));
        }
        parts
    }

    fn project_edges(&mut self, node: Node, page: &Page, selected: &Selected<'d>) -> Vec<Part<EdgePart>> {
        let name = format!("{}Edge", node.object.fields.name);
        let collected = self.collect(selected.selection_sets(), &[&name]);
        let parts = collected.iter().filter_map(|selected| {
            let part = match selected.field().node.name.node.as_str() {
                "node" => EdgePart::Node(self.project_object(node, selected.selection_sets())),
                "cursor" => EdgePart::Cursor(self.cursor(node, page)),
                "__typename" => EdgePart::TypeName(name.clone()),
                _ => return None,
            };
            Some(Part::new(selected, false, part))
        });
        parts.collect()
    }

    fn project_page_info(
        &mut self,
        node: Node,
        page: &Page,
        wants: &mut Wants,
        selected: &Selected<'d>,
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
                    (true, PageInfoPart::StartCursor(self.cursor(node, page)))
                }
                "endCursor" => {
                    wants.rows = true;
                    (true, PageInfoPart::EndCursor(self.cursor(node, page)))
                }
                "__typename" => (false, PageInfoPart::TypeName),
                _ => continue,
            };
            parts.push(Part::new(&selected, nullable, part));
        }
        parts
    }

    /// What a cursor of the level's rows is made of.
    fn cursor(&mut self, node: Node, page: &Page) -> Cursor {
        let signature = page.ordering.signature(node.object);
        let cells =
            page.ordering.terms.iter().map(|term| (self.cell(node.level, term.column), term.column.kind)).collect();
        Cursor { signature, cells }
    }
}
