//! Compiles what is selected of a connection: rows, edges, cursors, the count and the page's place.

use async_graphql::parser::types::SelectionSet;

use super::{Find, Load, Node, Planner, Wants};
use crate::batch::BatchError;
use crate::batch::listing::Listing;
use crate::batch::page::Page;
use crate::batch::projection::{ConnectionPart, EdgePart, PageInfoPart, Part, Projected, Projection};
use crate::batch::row::Kind;
use crate::batch::search::Search;
use crate::batch::selection::Selected;

/// What a cursor is made of.
pub(crate) enum Cursor {
    /// Cells of a row, for the order with this signature.
    Row { signature: String, cells: Vec<(usize, Kind)> },
    /// A hit's rank and id.
    Hit,
}

/// The rows of a connection: how it is sorted, and what its nodes are.
#[derive(Clone, Copy)]
pub(super) enum Nodes<'p> {
    Objects { node: Node, page: &'p Page },
    Hits { level: usize, search: &'static Search },
}

impl Nodes<'_> {
    fn connection_name(self) -> String {
        match self {
            Self::Objects { node, .. } => format!("{}Connection", node.object.fields.name),
            Self::Hits { .. } => "SearchConnection".to_owned(),
        }
    }

    fn edge_name(self) -> String {
        match self {
            Self::Objects { node, .. } => format!("{}Edge", node.object.fields.name),
            Self::Hits { .. } => "SearchEdge".to_owned(),
        }
    }
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
        let nodes = Nodes::Objects { node, page: &page };
        let parts = self.project_connection_parts(nodes, &mut wants, selected);
        if let Find::Connection { wants: known, .. } | Find::More { wants: known, .. } =
            &mut self.plan.levels[level].loads[load].find
        {
            // Another field may share the load, or what is selected below lead back to it: all of them want their part.
            known.merge(wants);
        }
        Projected::Connection { load, parts }
    }

    /// What is selected of a connection with these nodes.
    pub(super) fn project_connection_parts(
        &mut self,
        nodes: Nodes<'_>,
        wants: &mut Wants,
        selected: &Selected<'d>,
    ) -> Vec<Part<ConnectionPart>> {
        let name = nodes.connection_name();
        let mut parts = Vec::new();
        for selected in self.collect(selected.selection_sets(), &[&name]) {
            let part = match selected.field().node.name.node.as_str() {
                "nodes" => {
                    wants.rows = true;
                    ConnectionPart::Nodes(self.project_nodes(nodes, selected.selection_sets()))
                }
                "edges" => {
                    wants.rows = true;
                    ConnectionPart::Edges(self.project_edges(nodes, &selected))
                }
                "totalCount" => {
                    wants.total = true;
                    ConnectionPart::TotalCount
                }
                "pageInfo" => ConnectionPart::PageInfo(self.project_page_info(nodes, wants, &selected)),
                "__typename" => ConnectionPart::TypeName(name.clone()),
                _ => continue,
            };
            parts.push(Part::new(&selected, false, part));
        }
        parts
    }

    fn project_edges(&mut self, nodes: Nodes<'_>, selected: &Selected<'d>) -> Vec<Part<EdgePart>> {
        let name = nodes.edge_name();
        let collected = self.collect(selected.selection_sets(), &[&name]);
        let parts = collected.iter().filter_map(|selected| {
            let part = match selected.field().node.name.node.as_str() {
                "node" => EdgePart::Node(self.project_nodes(nodes, selected.selection_sets())),
                "cursor" => EdgePart::Cursor(self.cursor(nodes)),
                "__typename" => EdgePart::TypeName(name.clone()),
                _ => return None,
            };
            Some(Part::new(selected, false, part))
        });
        parts.collect()
    }

    fn project_page_info(
        &mut self,
        nodes: Nodes<'_>,
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
                    (true, PageInfoPart::StartCursor(self.cursor(nodes)))
                }
                "endCursor" => {
                    wants.rows = true;
                    (true, PageInfoPart::EndCursor(self.cursor(nodes)))
                }
                "__typename" => (false, PageInfoPart::TypeName),
                _ => continue,
            };
            parts.push(Part::new(&selected, nullable, part));
        }
        parts
    }

    fn project_nodes(&mut self, nodes: Nodes<'_>, sets: impl Iterator<Item = &'d SelectionSet>) -> Projection {
        match nodes {
            Nodes::Objects { node, .. } => self.project_object(node, sets),
            Nodes::Hits { level, search } => self.project_hit(level, search, sets),
        }
    }

    /// What the cursor of a row in a listing is made of.
    pub(super) fn listed_cursor(&mut self, level: usize, listing: &'static Listing) -> Cursor {
        let cells = listing.order.iter().map(|column| (self.cell(level, column), column.kind)).collect();
        Cursor::Row { signature: listing.signature.to_owned(), cells }
    }

    /// What a cursor of the nodes is made of.
    fn cursor(&mut self, nodes: Nodes<'_>) -> Cursor {
        let Nodes::Objects { node, page } = nodes else { return Cursor::Hit };
        let signature = page.ordering.signature(node.object);
        let terms = page.ordering.terms.iter();
        let cells = terms.map(|term| (self.cell(node.level, term.column), term.column.kind)).collect();
        Cursor::Row { signature, cells }
    }
}
