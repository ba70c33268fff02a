//! Compiles what is selected of JSON that is at hand, and of what ordinary code computes.

use super::fill::Binder;
use super::{Find, Keys, Load, Planner};
use crate::batch::BatchError;
use crate::batch::projection::{Part, Projected, ShapePart};
use crate::batch::selection::Selected;
use crate::batch::shape::{Computed, Shape};

/// The most fields of one operation that ordinary code computes: each costs statements of its own.
const MOST_COMPUTED: usize = 20;

impl<'d> Planner<'_, 'd> {
    pub(super) fn project_shape(&mut self, shape: &'static Shape, selected: &Selected<'d>) -> Vec<Part<ShapePart>> {
        let parts = self.collect(selected.selection_sets(), &[shape.name]).into_iter().filter_map(|selected| {
            if selected.field().node.name.node == "__typename" {
                return Some(Part::new(&selected, false, ShapePart::TypeName(shape.name)));
            }
            let field = shape.field(&selected.field().node.name.node)?;
            Some(Part::new(&selected, field.nullable, ShapePart::Value(field.name)))
        });
        parts.collect()
    }

    pub(super) fn project_computed(
        &mut self,
        name: &'static str,
        level: usize,
        computed: &'static Computed,
        selected: &Selected<'d>,
    ) -> Result<Projected, BatchError> {
        let known = self.plan.levels[level].loads.iter().filter(|load| matches!(load.find, Find::Computed { .. }));
        if known.count() == MOST_COMPUTED {
            return Err(BatchError::TooManyComputed { most: MOST_COMPUTED });
        }
        let asked = self.bind(Binder::Computed, selected)?.into_asked()?;
        let below = self.plan.add_hits();
        let load = Load::new(name, Keys::None, Find::Computed { computed, asked }, below);
        let load = self.plan.levels[level].add_load(load);
        Ok(Projected::Computed { load, parts: self.project_shape((computed.shape)(), selected) })
    }
}
