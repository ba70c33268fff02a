//! What a query may ask of the schema itself: async-graphql answers that at once, without a pause in which a timeout could end
//! it, and lists of types lead to lists of fields and from there to types again.
//!
//! Counted are the fields that an answer has, at most: what stands directly below `__schema { types }` by what there is in
//! all, what is reached from a type to another by the longest list of its kind.

use async_graphql::ServerError;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, Selection, SelectionSet};
use async_graphql::registry::{MetaType, Registry};

use crate::code::Code;
use crate::graphql::errors::{extensions, refusal};

/// The most fields: what GraphiQL and code generators ask for has some fifty thousand.
const MOST_FIELDS: u64 = 250_000;
/// The schema's own types and directives, which the registry does not tell of.
const OWN_TYPES: u64 = 14;
const DIRECTIVES: u64 = 6;

/// How long the lists are that the schema tells of itself.
#[derive(Clone, Debug, Default)]
pub(in crate::graphql) struct SchemaSize {
    types: u64,
    /// The fields, or input fields, of a type.
    fields: Length,
    arguments: Length,
    enum_values: Length,
    /// The types of a union or interface, or the interfaces of a type.
    members: Length,
}

/// How long a list is that there are many of.
#[derive(Clone, Copy, Debug, Default)]
struct Length {
    total: u64,
    of: u64,
    longest: u64,
}

impl Length {
    fn add(&mut self, length: usize) {
        self.total += length as u64;
        self.of += 1;
        self.longest = self.longest.max(length as u64);
    }

    /// The length on average, where all lists are told, and else that of the longest one.
    fn at(self, is_direct: bool) -> u64 {
        if is_direct { self.total.div_ceil(self.of.max(1)) } else { self.longest }
    }
}

impl SchemaSize {
    pub(in crate::graphql) fn of(types: &Registry) -> Self {
        let mut size = Self { types: types.types.len() as u64 + OWN_TYPES, ..Self::default() };
        for (name, ty) in &types.types {
            let mut fields = 0;
            match ty {
                MetaType::Object { fields: declared, .. } | MetaType::Interface { fields: declared, .. } => {
                    fields = declared.len();
                    declared.values().for_each(|field| size.arguments.add(field.args.len()));
                }
                MetaType::InputObject { input_fields, .. } => fields = input_fields.len(),
                _ => {}
            }
            size.fields.add(fields);
            size.enum_values.add(if let MetaType::Enum { enum_values, .. } = ty { enum_values.len() } else { 0 });
            let members = match ty {
                MetaType::Union { possible_types, .. } | MetaType::Interface { possible_types, .. } => {
                    possible_types.len()
                }
                _ => types.implements.get(name).map_or(0, async_graphql::indexmap::IndexSet::len),
            };
            size.members.add(members);
        }
        size
    }

    /// Refuses an operation that asks for too much of the schema.
    ///
    /// # Errors
    /// Where it does.
    pub(in crate::graphql) fn check(
        &self,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
    ) -> Result<(), ServerError> {
        let asked = self.fields_of(document, &operation.selection_set.node, Place::Root);
        if asked <= MOST_FIELDS {
            return Ok(());
        }
        let message = format!("the operation asks for {asked} fields of the schema itself, {MOST_FIELDS} are allowed");
        let mut error = refusal(Code::QueryTooComplex, message, None);
        let extensions = extensions(&mut error);
        extensions.set("cost", asked);
        extensions.set("budget", MOST_FIELDS);
        Err(error)
    }

    /// How many fields one object has at most, with those below it. Fields are not merged, since async-graphql answers each.
    fn fields_of(&self, document: &ExecutableDocument, set: &SelectionSet, place: Place) -> u64 {
        let fields = set.items.iter().map(|item| match &item.node {
            Selection::Field(field) => {
                let field = &field.node;
                let Some((length, below)) = self.step(&field.name.node, place) else { return 0 };
                let below = self.fields_of(document, &field.selection_set.node, below);
                length.saturating_mul(below).saturating_add(1)
            }
            Selection::InlineFragment(fragment) => self.fields_of(document, &fragment.node.selection_set.node, place),
            Selection::FragmentSpread(spread) => {
                let fragment = document.fragments.get(&spread.node.fragment_name.node);
                fragment.map_or(0, |fragment| self.fields_of(document, &fragment.node.selection_set.node, place))
            }
        });
        fields.fold(0, u64::saturating_add)
    }

    /// How many objects a field leads to, and where these are; nothing for a field of the query root that is no concern of
    /// this.
    fn step(&self, name: &str, place: Place) -> Option<(u64, Place)> {
        let is_direct = place == Place::Direct;
        Some(match (place, name) {
            (Place::Root, "__schema") => (1, Place::Direct),
            (Place::Root, "__type") => (1, Place::Reached),
            (Place::Root, _) => return None,
            (_, "types") => (self.types, Place::Direct),
            (_, "directives") => (DIRECTIVES, place),
            (_, "fields" | "inputFields") => (self.fields.at(is_direct), place),
            (_, "args") => (self.arguments.at(is_direct), place),
            (_, "enumValues") => (self.enum_values.at(is_direct), place),
            (_, "possibleTypes" | "interfaces") => (self.members.at(is_direct), Place::Reached),
            _ => (1, Place::Reached),
        })
    }
}

/// Where an object of the schema was found.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    /// Among all of its kind.
    Direct,
    /// From another one.
    Reached,
}
