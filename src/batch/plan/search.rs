//! Compiles what is selected of a search: the hits, and the objects behind them.

use async_graphql::parser::types::SelectionSet;

use super::connection::Nodes;
use super::fill::Binder;
use super::{Find, Keys, Load, Node, Planner, Wants};
use crate::batch::BatchError;
use crate::batch::projection::{Part, Projected, Projection};
use crate::batch::search::{HitPart, Search};
use crate::batch::selection::Selected;

impl<'d> Planner<'_, 'd> {
    pub(super) fn project_search(
        &mut self,
        level: usize,
        search: &'static Search,
        selected: &Selected<'d>,
    ) -> Result<Projected, BatchError> {
        let asked = self.bind(Binder::Search(search), selected)?.into_search()?;
        let below = self.plan.add_hits();
        let mut wants = Wants::default();
        let parts = self.project_connection_parts(Nodes::Hits { level: below, search }, &mut wants, selected);
        let load = Load::new("search", Keys::None, Find::Search { search, asked, wants }, below);
        Ok(Projected::Connection { load: self.plan.levels[level].add_load(load), parts })
    }

    /// What `sets` select of a hit, whose loads are those of the hits' `level`.
    pub(super) fn project_hit(
        &mut self,
        level: usize,
        search: &'static Search,
        sets: impl Iterator<Item = &'d SelectionSet>,
    ) -> Projection {
        let parts = self.collect(sets, &["SearchResult"]).into_iter().filter_map(|selected| {
            let value = match selected.field().node.name.node.as_str() {
                "rank" => Projected::Hit(HitPart::Rank),
                "title" => Projected::Hit(HitPart::Title),
                "snippet" => Projected::Hit(HitPart::Snippet),
                "item" => Projected::Found(self.project_found_by_type(level, search, &selected)),
                "__typename" => Projected::TypeName("SearchResult"),
                _ => return None,
            };
            Some(Part::new(&selected, false, value))
        });
        Projection { parts: parts.collect() }
    }

    fn project_found_by_type(
        &mut self,
        level: usize,
        search: &'static Search,
        selected: &Selected<'d>,
    ) -> Vec<(usize, Projection)> {
        let members = search.members.iter().enumerate().map(|(place, member)| {
            let object = (member.object)();
            let load = self.plan.levels[level].loads.iter().position(|load| load.is_of_member(place));
            let load = load.unwrap_or_else(|| {
                let below = self.plan.add_level(object, None, false);
                let load = Load::new("item", Keys::Member(place), Find::One { from_visible: true }, below);
                self.plan.levels[level].add_load(load)
            });
            let node = Node { level: self.plan.levels[level].loads[load].level, object };
            (load, self.project_object(node, selected.selection_sets()))
        });
        members.collect()
    }
}
