//! Reads the text of a schema.
//!
//! **Invariant:** what was read names only types that it declares, and declares nothing twice; so half of a file is refused
//! instead of being compared.

use std::collections::{BTreeMap, BTreeSet};

use apollo_parser::cst::{self, CstNode};
use apollo_parser::{Parser, SyntaxNode};

use super::sdl::{Definition, Directive, Field, Input, Sdl, SdlError, Type};
use super::values::{deprecation_of, write_value};

/// What every GraphQL server has, whether its text says so or not.
const SPECIFIED_SCALARS: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];
const SPECIFIED_DIRECTIVES: [&str; 5] = ["skip", "include", "deprecated", "specifiedBy", "oneOf"];

/// Reads a schema; see [`Sdl::read`].
pub(super) fn read_sdl(text: &str) -> Result<Sdl, SdlError> {
    let tree = Parser::new(text).parse();
    if let Some(error) = tree.errors().next() {
        return Err(wrong(text, error.index(), error.message()));
    }
    let mut reader = Reader { text, sdl: Sdl::default(), used: BTreeMap::new() };
    // What is extended may be declared further down.
    let (extensions, definitions): (Vec<_>, Vec<_>) =
        tree.document().definitions().partition(cst::Definition::is_extension_definition);
    for definition in definitions.into_iter().chain(extensions) {
        reader.add(&definition)?;
    }
    reader.finish()
}

/// A schema that is being read.
struct Reader<'t> {
    text: &'t str,
    sdl: Sdl,
    /// The names of types that were used, each with the first place.
    used: BTreeMap<String, usize>,
}

impl Reader<'_> {
    fn finish(mut self) -> Result<Sdl, SdlError> {
        if self.sdl.roots.is_empty() {
            for (operation, name) in [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")] {
                if self.sdl.types.contains_key(name) {
                    self.sdl.roots.insert(operation, name.to_owned());
                }
            }
        }
        let is_known = |name: &str| self.sdl.types.contains_key(name) || SPECIFIED_SCALARS.contains(&name);
        let unknown = self.used.iter().filter(|(name, _)| !is_known(name)).min_by_key(|(_, at)| **at);
        if let Some((name, at)) = unknown {
            return Err(wrong(self.text, *at, &format!("{name} is named as a type, which is not declared")));
        }
        if self.sdl.roots.contains_key("query") { Ok(self.sdl) } else { Err(SdlError::NoQuery) }
    }

    fn add(&mut self, definition: &cst::Definition) -> Result<(), SdlError> {
        let kind = match definition.kind().trim_end_matches("Definition").trim_end_matches("Extension") {
            "Schema" => return self.add_roots(definition.syntax()),
            "Directive" => return self.add_directive(definition),
            "ScalarType" => "a scalar",
            "ObjectType" => "an object",
            "InterfaceType" => "an interface",
            "UnionType" => "a union",
            "EnumType" => "an enum",
            "InputObjectType" => "an input object",
            _ => return Err(self.wrong(definition.syntax(), "a schema holds no operations and no fragments")),
        };
        self.add_type(definition, kind)
    }

    fn add_roots(&mut self, node: &SyntaxNode) -> Result<(), SdlError> {
        for root in children::<cst::RootOperationTypeDefinition>(node) {
            let operation = self.needed(root.operation_type(), node)?;
            let operation = match (operation.query_token(), operation.mutation_token()) {
                (Some(_), _) => "query",
                (_, Some(_)) => "mutation",
                _ => "subscription",
            };
            let name = self.use_named(root.named_type(), node)?;
            if self.sdl.roots.insert(operation, name).is_some() {
                return Err(self.wrong(root.syntax(), &format!("the {operation} root is named twice")));
            }
        }
        Ok(())
    }

    fn add_type(&mut self, definition: &cst::Definition, kind: &'static str) -> Result<(), SdlError> {
        let node = definition.syntax();
        let place = self.needed(definition.name(), node)?;
        let name = place.text().to_string();
        if SPECIFIED_SCALARS.contains(&name.as_str()) {
            return Ok(());
        }
        let known = self.sdl.types.remove(&name);
        let wrong = |what: &str| Err(self.wrong(place.syntax(), &format!("{name} {what}")));
        let mut ty = match (known, definition.is_extension_definition()) {
            (None, false) => Definition { kind, ..Definition::default() },
            (Some(known), true) if known.kind == kind => known,
            (Some(_), false) => return wrong("is declared twice"),
            (Some(_), true) => return wrong("is extended as a type of another kind"),
            (None, true) => return wrong("is extended, but not declared"),
        };
        let directives = child::<cst::Directives>(node);
        let mut directives = directives.iter().flat_map(cst::Directives::directives);
        ty.is_one_of |= directives.any(|directive| directive.name().is_some_and(|name| name.text() == "oneOf"));
        self.add_names(&mut ty.interfaces, child::<cst::ImplementsInterfaces>(node))?;
        self.add_names(&mut ty.members, child::<cst::UnionMemberTypes>(node))?;
        for field in child::<cst::FieldsDefinition>(node).iter().flat_map(cst::FieldsDefinition::field_definitions) {
            let (name, is) = (self.needed(field.name(), node)?, self.use_type(field.ty(), node)?);
            let arguments = self.read_inputs(child::<cst::ArgumentsDefinition>(field.syntax()))?;
            let deprecation = deprecation_of(field.directives());
            self.insert(&mut ty.fields, &name, Field { ty: is, arguments, deprecation })?;
        }
        let values = child::<cst::EnumValuesDefinition>(node);
        for value in values.iter().flat_map(cst::EnumValuesDefinition::enum_value_definitions) {
            let name = self.needed(value.enum_value().and_then(|value| value.name()), node)?;
            self.insert(&mut ty.values, &name, deprecation_of(value.directives()))?;
        }
        if let Some(inputs) = child::<cst::InputFieldsDefinition>(node) {
            self.add_inputs(&mut ty.inputs, inputs.input_value_definitions())?;
        }
        self.sdl.types.insert(name, ty);
        Ok(())
    }

    fn add_directive(&mut self, definition: &cst::Definition) -> Result<(), SdlError> {
        let cst::Definition::DirectiveDefinition(definition) = definition else { return Ok(()) };
        let name = self.needed(definition.name(), definition.syntax())?;
        if SPECIFIED_DIRECTIVES.contains(&name.text().as_str()) {
            return Ok(());
        }
        let locations = definition.directive_locations();
        let locations = locations.iter().flat_map(cst::DirectiveLocations::directive_locations);
        let directive = Directive {
            arguments: self.read_inputs(definition.arguments_definition())?,
            is_repeatable: definition.repeatable_token().is_some(),
            locations: locations.filter_map(|location| Some(location.text()?.to_string())).collect(),
        };
        let mut directives = std::mem::take(&mut self.sdl.directives);
        self.insert(&mut directives, &name, directive)?;
        self.sdl.directives = directives;
        Ok(())
    }

    fn read_inputs(&mut self, declared: Option<cst::ArgumentsDefinition>) -> Result<BTreeMap<String, Input>, SdlError> {
        let mut inputs = BTreeMap::new();
        if let Some(declared) = declared {
            self.add_inputs(&mut inputs, declared.input_value_definitions())?;
        }
        Ok(inputs)
    }

    fn add_inputs(
        &mut self,
        inputs: &mut BTreeMap<String, Input>,
        declared: impl Iterator<Item = cst::InputValueDefinition>,
    ) -> Result<(), SdlError> {
        for input in declared {
            let (name, ty) = (self.needed(input.name(), input.syntax())?, self.use_type(input.ty(), input.syntax())?);
            let default = input.default_value().and_then(|default| default.value()).map(|value| write_value(&value));
            let deprecation = deprecation_of(input.directives());
            self.insert(inputs, &name, Input { ty, default, deprecation })?;
        }
        Ok(())
    }

    /// Adds the types that a node lists.
    fn add_names(&mut self, names: &mut BTreeSet<String>, list: Option<impl CstNode>) -> Result<(), SdlError> {
        let Some(list) = list else { return Ok(()) };
        for named in children::<cst::NamedType>(list.syntax()) {
            let name = self.use_named(Some(named.clone()), list.syntax())?;
            if names.contains(&name) {
                return Err(self.wrong(named.syntax(), &format!("{name} is named twice")));
            }
            names.insert(name);
        }
        Ok(())
    }

    fn use_type(&mut self, ty: Option<cst::Type>, within: &SyntaxNode) -> Result<Type, SdlError> {
        Ok(match self.needed(ty, within)? {
            cst::Type::NamedType(named) => Type::Named(self.use_named(Some(named), within)?),
            cst::Type::ListType(list) => Type::List(Box::new(self.use_type(list.ty(), within)?)),
            cst::Type::NonNullType(non_null) => {
                let list = non_null.list_type().map(cst::Type::ListType);
                let inside = non_null.named_type().map(cst::Type::NamedType).or(list);
                Type::NonNull(Box::new(self.use_type(inside, within)?))
            }
        })
    }

    /// Remembers that a type is named, and where.
    fn use_named(&mut self, named: Option<cst::NamedType>, within: &SyntaxNode) -> Result<String, SdlError> {
        let place = self.needed(named.and_then(|named| named.name()), within)?;
        let name = place.text().to_string();
        self.used.entry(name.clone()).or_insert(start_of(place.syntax()));
        Ok(name)
    }

    fn insert<T>(&self, all: &mut BTreeMap<String, T>, name: &cst::Name, value: T) -> Result<(), SdlError> {
        let text = name.text().to_string();
        match all.insert(text.clone(), value) {
            None => Ok(()),
            Some(_) => Err(self.wrong(name.syntax(), &format!("{text} is declared twice"))),
        }
    }

    /// What the parser has found, or would have told to be missing.
    fn needed<T>(&self, found: Option<T>, within: &SyntaxNode) -> Result<T, SdlError> {
        found.ok_or_else(|| self.wrong(within, "it is incomplete"))
    }

    fn wrong(&self, node: &SyntaxNode, what: &str) -> SdlError {
        wrong(self.text, start_of(node), what)
    }
}

fn wrong(text: &str, at: usize, what: &str) -> SdlError {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before[line_start..].chars().count() + 1;
    SdlError::Wrong { line: before.matches('\n').count() + 1, column, what: what.to_owned() }
}

fn start_of(node: &SyntaxNode) -> usize {
    node.text_range().start().into()
}

fn child<T: CstNode>(node: &SyntaxNode) -> Option<T> {
    node.children().find_map(T::cast)
}

fn children<T: CstNode>(node: &SyntaxNode) -> impl Iterator<Item = T> {
    node.children().filter_map(T::cast)
}
