//! The SDL of lists: connections with their arguments, lists that go on, groups, and what a search finds.

use async_graphql::registry::{MetaInputValue, Registry};
use async_graphql::{InputType, OutputType};

use super::meta::{enum_type, enum_value, field, input, input_type, object_type, union_type};
use super::{register_argument, register_fields, register_object};
use crate::batch::filter::register_filter;
use crate::batch::groups::Groups;
use crate::batch::object::{FieldKind, Object, ObjectRef};
use crate::batch::order::{Direction, Nulls};
use crate::batch::page::PageLimits;
use crate::batch::plan::MorePage;
use crate::batch::search::Search;

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
    let pages = vec![
        input("first", &first, int.clone()),
        input("after", "Only rows after this cursor, which comes from a list in the same order.", string.clone()),
        input("last", "The most rows of the page, from the end; not together with `first`.", int),
        input("before", "Only rows before this cursor, which comes from a list in the same order.", string),
    ];
    if let Some(listing) = &target.listing {
        let narrowing = listing.arguments.iter().map(|argument| register_argument(registry, argument));
        return pages.into_iter().chain(narrowing).collect();
    }
    let order = input(
        "orderBy",
        "The order of the list, most significant term first. Rows that tie are ordered by `id`, as is a list without \
         an order; ids sort by creation.",
        format!("[{}!]", register_order(registry, target)),
    );
    let filter = input(
        "filter",
        "Only rows that fit. `totalCount` counts them, and the pages are those of the list that they make.",
        register_filter(registry, target),
    );
    pages.into_iter().chain([order, filter]).collect()
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
