//! Puts declarations into async-graphql's registry, from which come the SDL, validation and introspection.

use async_graphql::indexmap::{IndexMap, IndexSet};
use async_graphql::registry::{Deprecation, MetaEnumValue, MetaField, MetaInputValue, MetaType, Registry};
use async_graphql::{CacheControl, ID, InputType, OutputType};

use super::arguments::Argument;
use super::filter::register_filter;
use super::groups::Groups;
use super::object::{Field, FieldKind, Fields, Object, ObjectRef};
use super::order::{Direction, Nulls};
use super::page::PageLimits;
use super::plan::MorePage;
use super::search::Search;

/// Puts an object type into the registry, and all that it leads to.
pub(crate) fn register_object(registry: &mut Registry, object: &'static Object) -> String {
    let fields = &object.fields;
    if !registry.types.contains_key(fields.name) {
        // Types lead back to each other; a type that is being put in counts as known.
        registry.types.insert(fields.name.to_owned(), object_type(fields.name, fields.description, []));
        register_node(registry);
        let list = register_fields(registry, fields);
        registry.types.insert(fields.name.to_owned(), object_type(fields.name, fields.description, list));
        registry.add_implements(fields.name, "Node");
        if let Some(MetaType::Interface { possible_types, .. }) = registry.types.get_mut("Node") {
            possible_types.insert(fields.name.to_owned());
        }
    }
    fields.name.to_owned()
}

fn register_fields(registry: &mut Registry, fields: &'static Fields) -> Vec<MetaField> {
    fields.list.iter().map(|field| register_field(registry, field)).collect()
}

fn register_field(registry: &mut Registry, declared: &'static Field) -> MetaField {
    let (ty, arguments) = match &declared.kind {
        FieldKind::Id => (<ID as OutputType>::create_type_info(registry), Vec::new()),
        FieldKind::Leaf { register, .. } => (register(registry), Vec::new()),
        FieldKind::Embedded(part) => {
            let list = register_fields(registry, part);
            registry.types.insert(part.name.to_owned(), object_type(part.name, part.description, list));
            (format!("{}!", part.name), Vec::new())
        }
        FieldKind::One { target, .. } => (format!("{}!", register_object(registry, target())), Vec::new()),
        FieldKind::First { target, equal, .. } => {
            let arguments = equal.iter().map(|equal| register_argument(registry, &equal.argument)).collect();
            (register_object(registry, target()), arguments)
        }
        FieldKind::Groups { groups, .. } => register_groups(registry, groups),
        FieldKind::Connection { target, .. } => {
            (format!("{}!", register_connection(registry, *target)), page_arguments(registry, target()))
        }
    };
    field(declared.name, declared.description, ty, arguments)
}

fn register_argument(registry: &mut Registry, argument: &Argument) -> MetaInputValue {
    input(argument.name, argument.description, (argument.register)(registry))
}

/// Puts the entries of a list of groups into the registry, and what they can be grouped by.
pub(crate) fn register_groups(registry: &mut Registry, groups: &'static Groups) -> (String, Vec<MetaInputValue>) {
    let entry = &groups.entry;
    if !registry.types.contains_key(entry.name) {
        let list = register_fields(registry, entry);
        registry.types.insert(entry.name.to_owned(), object_type(entry.name, entry.description, list));
    }
    let arguments = groups.choice.as_ref().map(|choice| {
        let values = groups.keys().map(|(name, description, _)| {
            // Of a leaf's description the first part is about the value.
            let what = description.split(';').next().unwrap_or(description).trim_end_matches('.');
            enum_value(name, format!("By: {what}."))
        });
        let values = values.map(|value| (value.name.clone(), value)).collect();
        let choice_type = enum_type(choice.name, Some(choice.description.to_owned()), values);
        registry.types.entry(choice.name.to_owned()).or_insert(choice_type);
        let description =
            "What the rows of a group have in common; at least one. The list is ordered by it, nothing first.";
        let group_by = input("groupBy", description, format!("[{}!]!", choice.name));
        vec![group_by, input("filter", "Only rows that fit are counted.", register_filter(registry, (groups.target)()))]
    });
    (format!("[{}!]!", entry.name), arguments.unwrap_or_default())
}

/// The type and the arguments of a field that gives more pages of a connection.
pub(crate) fn register_more_pages(
    registry: &mut Registry,
    parent: &'static Object,
    connection: &str,
) -> (String, Vec<MetaInputValue>) {
    let Some(FieldKind::Connection { target, .. }) = parent.fields.field(connection).map(|field| &field.kind) else {
        return (String::new(), Vec::new());
    };
    let pages = input(
        "pages",
        "Whose lists go on, and where; at most as many as a page may have rows. They are answered in this order.",
        <Vec<MorePage> as InputType>::create_type_info(registry),
    );
    let shared = page_arguments(registry, target());
    let shared = shared.into_iter().filter(|argument| !["after", "last", "before"].contains(&argument.name.as_str()));
    let arguments = std::iter::once(pages).chain(shared).collect();
    (format!("[{}]!", register_connection(registry, *target)), arguments)
}

/// Puts the interface of all object types into the registry.
pub(crate) fn register_node(registry: &mut Registry) -> String {
    let id = field("id", "Names the object; opaque.", <ID as OutputType>::create_type_info(registry), Vec::new());
    registry.types.entry("Node".to_owned()).or_insert_with(|| MetaType::Interface {
        name: "Node".to_owned(),
        description: Some("An object that can be fetched again by its id.".to_owned()),
        fields: by_name([id]),
        possible_types: IndexSet::default(),
        extends: false,
        inaccessible: false,
        tags: Vec::new(),
        keys: None,
        visible: None,
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    });
    "Node".to_owned()
}

/// Puts the scalar of points in time into the registry; the framework's own description is about its code.
pub(crate) fn register_date_time(registry: &mut Registry) -> String {
    registry.types.entry("DateTime".to_owned()).or_insert_with(|| MetaType::Scalar {
        name: "DateTime".to_owned(),
        description: Some("A point in time in UTC, as RFC 3339 has it: `2026-11-23T20:00:00Z`.".to_owned()),
        is_valid: None,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        specified_by_url: Some("https://www.rfc-editor.org/rfc/rfc3339".to_owned()),
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    });
    "DateTime!".to_owned()
}

/// Puts a connection type, its edge type and `PageInfo` into the registry.
pub(crate) fn register_connection(registry: &mut Registry, target: ObjectRef) -> String {
    let node = target().fields.name;
    let connection = format!("{node}Connection");
    if !registry.types.contains_key(&connection) {
        register_connection_of(registry, &connection, &format!("{node}Edge"), node);
        register_object(registry, target());
    }
    connection
}

fn register_connection_of(registry: &mut Registry, connection: &str, edge: &str, node: &str) {
    let int = <i32 as OutputType>::create_type_info(registry);
    let string = <String as OutputType>::create_type_info(registry);
    let boolean = <bool as OutputType>::create_type_info(registry);
    let fields = [
        field("edges", "The page's rows, each with its cursor.", format!("[{edge}!]!"), Vec::new()),
        field("nodes", "The page's rows, for those who need no cursors.", format!("[{node}!]!"), Vec::new()),
        field("totalCount", "How many rows the whole list has.", int, Vec::new()),
        field("pageInfo", "Where the page stands in the list.", "PageInfo!".to_owned(), Vec::new()),
    ];
    let description = format!("A page of a list of `{node}`.");
    registry.types.insert(connection.to_owned(), object_type(connection, &description, fields));
    let fields = [
        field("cursor", "Names the row's place in the list, for `after` and `before`.", string, Vec::new()),
        field("node", "The row.", format!("{node}!"), Vec::new()),
    ];
    let description = format!("A `{node}` in a list, with its place.");
    registry.types.insert(edge.to_owned(), object_type(edge, &description, fields));
    register_page_info(registry, &boolean);
}

/// The type and the arguments of a field that searches.
pub(crate) fn register_search(registry: &mut Registry, search: &'static Search) -> (String, Vec<MetaInputValue>) {
    let int = <Option<i32> as InputType>::create_type_info(registry);
    let string = <Option<String> as InputType>::create_type_info(registry);
    let float = <f64 as OutputType>::create_type_info(registry);
    let names = search.members.iter().map(|member| register_object(registry, (member.object)())).collect();
    registry.types.insert(search.union.to_owned(), union_type(search.union, "What a search can find.", names));
    let values = search.members.iter().map(|member| enum_value(member.name, member.description.to_owned()));
    let values = values.map(|value| (value.name.clone(), value)).collect();
    let description = Some("The types among which a search finds.".to_owned());
    registry.types.insert("SearchType".to_owned(), enum_type("SearchType", description, values));
    let fields = [
        field("rank", search.rank, float, Vec::new()),
        field(
            "title",
            "The name, as HTML: what was found stands in `<mark>`, the rest is escaped.",
            "String!".to_owned(),
            Vec::new(),
        ),
        field("snippet", search.snippet, "String!".to_owned(), Vec::new()),
        field("item", "What was found.", format!("{}!", search.union), Vec::new()),
    ];
    let result = object_type("SearchResult", "Something that was found, and how well it fits.", fields);
    registry.types.insert("SearchResult".to_owned(), result);
    register_connection_of(registry, "SearchConnection", "SearchEdge", "SearchResult");
    let limits = PageLimits::default();
    let first = format!(
        "The most results of the page: 0 to {}. Without it there are {}.",
        limits.max_size, limits.default_size
    );
    let arguments = vec![
        input("query", search.query, "String!".to_owned()),
        input("types", "The types among which to find; all of them where it is left out.", "[SearchType!]".to_owned()),
        input("first", &first, int),
        input("after", "Only results after this cursor, which comes from a search for the same.", string),
    ];
    ("SearchConnection!".to_owned(), arguments)
}

fn register_page_info(registry: &mut Registry, boolean: &str) {
    let fields = [
        field("hasNextPage", "Whether rows follow the page; exact.", boolean.to_owned(), Vec::new()),
        field("hasPreviousPage", "Whether rows precede the page; exact.", boolean.to_owned(), Vec::new()),
        field(
            "startCursor",
            "The cursor of the first row; null where the page is empty.",
            "String".to_owned(),
            Vec::new(),
        ),
        field(
            "endCursor",
            "The cursor of the last row; null where the page is empty.",
            "String".to_owned(),
            Vec::new(),
        ),
    ];
    let description = "Where a page stands in its list.";
    registry.types.insert("PageInfo".to_owned(), object_type("PageInfo", description, fields));
}

/// The arguments of a connection, and the inputs that its order and its filter are made of.
pub(crate) fn page_arguments(registry: &mut Registry, target: &'static Object) -> Vec<MetaInputValue> {
    let int = <Option<i32> as InputType>::create_type_info(registry);
    let string = <Option<String> as InputType>::create_type_info(registry);
    let limits = PageLimits::default();
    let first = format!(
        "The most rows of the page, from the start: 0 to {}. Without `first` and `last` there are {}. The server may be \
         set to other numbers.",
        limits.max_size, limits.default_size
    );
    let order = input(
        "orderBy",
        "The order of the list, most significant term first. Rows that tie are ordered by `id`, as is a list without \
         an order; ids sort by creation.",
        format!("[{}!]", register_order(registry, target)),
    );
    vec![
        input("first", &first, int.clone()),
        input("after", "Only rows after this cursor, which comes from a list in the same order.", string.clone()),
        input("last", "The most rows of the page, from the end; not together with `first`.", int),
        input("before", "Only rows before this cursor, which comes from a list in the same order.", string),
        order,
        input(
            "filter",
            "Only rows that fit. `totalCount` counts them, and the pages are those of the list that they make.",
            register_filter(registry, target),
        ),
    ]
}

fn register_order(registry: &mut Registry, target: &'static Object) -> String {
    let node = target.fields.name;
    let (order, order_field) = (format!("{node}Order"), format!("{node}OrderField"));
    if !registry.types.contains_key(&order) {
        let values = target.orders().map(|(name, description, _)| enum_value(name, format!("By: {description}")));
        let values = values.map(|value| (value.name.clone(), value)).collect();
        let description = Some(format!("What a list of `{node}` can be ordered by."));
        registry.types.insert(order_field.clone(), enum_type(&order_field, description, values));
        let mut direction =
            input("direction", "Which way the values sort.", <Direction as InputType>::create_type_info(registry));
        direction.default_value = Some("ASC".to_owned());
        let nulls = input(
            "nulls",
            "Where rows without a value stand. By default nothing is smaller than every value: first when ascending, \
             last when descending.",
            <Option<Nulls> as InputType>::create_type_info(registry),
        );
        let fields = [input("field", "The value to order by.", format!("{order_field}!")), direction, nulls];
        let description = format!("One term of the order of a list of `{node}`.");
        registry.types.insert(order.clone(), input_type(&order, &description, fields));
    }
    order
}

/// A field of an object type.
pub(crate) fn field(name: &str, description: &str, ty: String, arguments: Vec<MetaInputValue>) -> MetaField {
    MetaField {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        args: arguments.into_iter().map(|argument| (argument.name.clone(), argument)).collect(),
        ty,
        deprecation: Deprecation::NoDeprecated,
        cache_control: CacheControl::default(),
        external: false,
        requires: None,
        provides: None,
        visible: None,
        shareable: false,
        inaccessible: false,
        tags: Vec::new(),
        override_from: None,
        compute_complexity: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// An argument, or a field of an input object.
pub(crate) fn input(name: &str, description: &str, ty: String) -> MetaInputValue {
    MetaInputValue {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        ty,
        deprecation: Deprecation::NoDeprecated,
        default_value: None,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        is_secret: false,
        directive_invocations: Vec::new(),
    }
}

/// An object type.
pub(crate) fn object_type(name: &str, description: &str, fields: impl IntoIterator<Item = MetaField>) -> MetaType {
    MetaType::Object {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        fields: by_name(fields),
        cache_control: CacheControl::default(),
        extends: false,
        shareable: false,
        resolvable: true,
        inaccessible: false,
        interface_object: false,
        tags: Vec::new(),
        keys: None,
        visible: None,
        is_subscription: false,
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

fn union_type(name: &str, description: &str, possible_types: IndexSet<String>) -> MetaType {
    MetaType::Union {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        possible_types,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: None,
        directive_invocations: Vec::new(),
    }
}

fn enum_value(name: &str, description: String) -> MetaEnumValue {
    MetaEnumValue {
        name: name.to_owned(),
        description: Some(description),
        deprecation: Deprecation::NoDeprecated,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        directive_invocations: Vec::new(),
    }
}

fn enum_type(name: &str, description: Option<String>, enum_values: IndexMap<String, MetaEnumValue>) -> MetaType {
    MetaType::Enum {
        name: name.to_owned(),
        description,
        enum_values,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: None,
        directive_invocations: Vec::new(),
        requires_scopes: Vec::new(),
    }
}

/// An input object type.
pub(crate) fn input_type(name: &str, description: &str, fields: impl IntoIterator<Item = MetaInputValue>) -> MetaType {
    MetaType::InputObject {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        input_fields: fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        rust_typename: None,
        oneof: false,
        directive_invocations: Vec::new(),
    }
}

fn by_name(fields: impl IntoIterator<Item = MetaField>) -> IndexMap<String, MetaField> {
    fields.into_iter().map(|field| (field.name.clone(), field)).collect()
}
