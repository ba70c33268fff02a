//! Compiles what is selected of the query root, or of one object that an ordinary resolver returns.

use async_graphql::parser::types::SelectionSet;

use super::fill::Binder;
use super::{Find, Given, Keys, Load, Node, Planner, Wants};
use crate::batch::BatchError;
use crate::batch::arguments::RawArguments;
use crate::batch::object::{FieldKind, Object};
use crate::batch::projection::{Part, Projected, Projection};
use crate::batch::root::{Root, RootField, RootKind};
use crate::batch::selection::Selected;
use crate::batch::subscription::SubscriptionField;

/// The query root's level.
const ROOT: usize = 0;

impl<'d> Planner<'_, 'd> {
    /// All that an operation selects.
    pub(crate) fn plan_operation(&mut self, root: &'static Root, set: &'d SelectionSet) {
        let selected = self.collect([set], &["Query"]);
        let parts = selected.iter().filter_map(|selected| {
            let (nullable, value) = match selected.field().node.name.node.as_str() {
                "__typename" => (false, Projected::TypeName("Query")),
                "__schema" => (false, Projected::Introspection),
                "__type" => (true, Projected::Introspection),
                name => {
                    let field = root.fields.iter().find(|field| field.name == name)?;
                    let value = self.project_root(root, field, selected).unwrap_or_else(Projected::Failed);
                    (field.nullable(), value)
                }
            };
            Some(Part::new(selected, nullable, value))
        });
        let parts = parts.collect();
        self.plan.projection = Projection { parts };
    }

    /// Where the key of a planned object is given.
    pub(crate) const OBJECT_GIVEN: usize = 0;

    /// What `sets` select of one object, whose key is given first, when the plan is run.
    pub(crate) fn plan_object(
        &mut self,
        object: &'static Object,
        sets: impl IntoIterator<Item = &'d SelectionSet>,
    ) -> Projected {
        self.filled.given.push(Given::default());
        self.project_given("object", (Self::OBJECT_GIVEN, 0), object, sets)
    }

    /// The one field that a subscription selects, if it is so: its rows' keys are given first, when the plan is run.
    pub(crate) fn plan_subscription(
        &mut self,
        fields: &[&'static SubscriptionField],
        set: &'d SelectionSet,
    ) -> Option<(&'static SubscriptionField, &'d RawArguments)> {
        let selected = self.collect([set], &["Subscription"]);
        let [selected] = &selected[..] else { return None };
        let name = selected.field().node.name.node.as_str();
        let field = *fields.iter().find(|field| field.name == name)?;
        self.filled.given.push(Given::default());
        let object = (field.object)();
        let below = self.plan.add_level(object, None, true);
        let keys = Keys::Given { given: Self::OBJECT_GIVEN, object: 0 };
        let load =
            self.plan.levels[ROOT].add_load(Load::new(field.name, keys, Find::One { from_visible: true }, below));
        let node = Node { level: below, object };
        let projection = match &field.part {
            Some(part) => self.project(node, part, selected.selection_sets(), &[part.name]),
            None => self.project_object(node, selected.selection_sets()),
        };
        let part = Part::new(selected, false, Projected::One { load, projection });
        self.plan.projection = Projection { parts: vec![part] };
        Some((field, &selected.field().node.arguments))
    }

    fn project_root(
        &mut self,
        root: &'static Root,
        field: &'static RootField,
        selected: &Selected<'d>,
    ) -> Result<Projected, BatchError> {
        Ok(match &field.kind {
            RootKind::Object(target) => self.project_found(field.name, Binder::Id(target()), selected)?,
            RootKind::Node => self.project_found(field.name, Binder::AnyId(root), selected)?,
            RootKind::Nodes => {
                let (given, objects) = self.bind(Binder::AnyIds(root), selected)?.into_keys()?;
                let objects = objects.iter().enumerate();
                let objects = objects.map(|(place, object)| {
                    self.project_given(field.name, (given, place), object, selected.selection_sets())
                });
                Projected::Nodes { given, objects: objects.collect() }
            }
            RootKind::More { parent, connection } => {
                self.project_more_pages(field.name, parent(), connection, selected)?
            }
            RootKind::Groups(groups) => self.project_groups((ROOT, field.name), Keys::None, None, groups(), selected),
            RootKind::Computed(computed) => self.project_computed(field.name, ROOT, computed, selected)?,
            RootKind::Search(search) => self.project_search(ROOT, search(), selected)?,
            RootKind::Connection(target) => {
                let page = self.bind(Binder::Page(target(), &[]), selected)?.into_page()?;
                let below = self.plan.add_level(target(), None, false);
                let find = Find::Connection { by: None, page, wants: Wants::default() };
                let load = Load::new(field.name, Keys::None, find, below);
                let load = self.plan.levels[ROOT].add_load(load);
                self.project_connection(ROOT, load, selected)
            }
        })
    }

    /// Pages of lists that go on, one load for each form of a cursor.
    fn project_more_pages(
        &mut self,
        name: &'static str,
        parent: &'static Object,
        connection: &'static str,
        selected: &Selected<'d>,
    ) -> Result<Projected, BatchError> {
        let Some(FieldKind::Connection { by, target, .. }) = parent.fields.field(connection).map(|field| &field.kind)
        else {
            return Err(BatchError::Broken("the field whose pages go on is no connection"));
        };
        let binder = Binder::MorePages { parent, target: target() };
        let (given, page, patterns) = self.bind(binder, selected)?.into_more_pages()?;
        let loads = patterns.iter().enumerate().map(|(place, pattern)| {
            let below = self.plan.add_level(target(), None, false);
            let page = page.clone().after_beside(pattern);
            let find = Find::More { by, page, wants: Wants::default(), parent };
            let load = Load::new(name, Keys::Given { given, object: place }, find, below);
            let load = self.plan.levels[ROOT].add_load(load);
            self.project_connection(ROOT, load, selected)
        });
        Ok(Projected::Pages { given, connections: loads.collect() })
    }

    /// The object whose id the arguments name.
    fn project_found(
        &mut self,
        name: &'static str,
        binder: Binder,
        selected: &Selected<'d>,
    ) -> Result<Projected, BatchError> {
        let (given, objects) = self.bind(binder, selected)?.into_keys()?;
        let object = objects.first().ok_or(BatchError::Broken("an id names no object type"))?;
        Ok(self.project_given(name, (given, 0), object, selected.selection_sets()))
    }

    fn project_given(
        &mut self,
        name: &'static str,
        (given, place): (usize, usize),
        object: &'static Object,
        sets: impl IntoIterator<Item = &'d SelectionSet>,
    ) -> Projected {
        let below = self.plan.add_level(object, None, true);
        let keys = Keys::Given { given, object: place };
        let load = Load::new(name, keys, Find::One { from_visible: false }, below);
        let load = self.plan.levels[ROOT].add_load(load);
        let node = Node { level: below, object };
        Projected::One { load, projection: self.project_object(node, sets) }
    }
}
