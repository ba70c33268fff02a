//! What an operation costs: how many objects it asks for.
//!
//! An object costs 1, times the sizes of the pages along the path to it. A connection is one object together with its page
//! info, and an edge is one together with its node. A list that has no page size is as long as the list that the field is
//! given, or 10 where nothing tells. A mutation costs 1 for each item of its input, and the list of what became of them
//! nothing more, unless it is selected once more. The sum is found before anything is read: it does not depend on what there is, and an operation that costs more
//! than the budget is refused with what it costs where, and with the page size that would fit.

use std::collections::HashSet;

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType, SelectionSet};
use async_graphql::registry::{MetaField, MetaType, Registry};
use async_graphql::{Name, ServerError, Value, Variables};
use async_graphql_value::Value as RawValue;

use crate::batch::{PageLimits, Selected, Source, collect, holds_variable};
use crate::code::Code;
use crate::graphql::errors::{extensions, refusal};

/// How long a list is taken to be where nothing tells.
const UNKNOWN_LENGTH: u64 = 10;
/// How many lists a refusal names.
const MOST_NAMED: usize = 5;

/// What an operation costs, and where.
pub(in crate::graphql) struct Cost {
    /// All of it.
    pub(in crate::graphql) total: u64,
    /// Whether it depends on how long lists of arguments are, which another request with the same plan may make longer.
    pub(in crate::graphql) varies: bool,
    lists: Vec<ListCost>,
}

/// What a list costs.
struct ListCost {
    path: Vec<String>,
    /// The size of its pages.
    size: u64,
    /// What one more object in each of its pages would cost.
    of_one: u64,
}

impl Cost {
    /// What the operation costs with these variables, which were coerced.
    pub(in crate::graphql) fn of(
        types: &Registry,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        variables: &Variables,
        pages: PageLimits,
    ) -> Self {
        let source = Source::new(&document.fragments, variables);
        let mut counter = Counter {
            types,
            source: &source,
            pages,
            path: Vec::new(),
            lists: Vec::new(),
            varies: false,
            counted: HashSet::new(),
        };
        let (root, payload) = match operation.ty {
            OperationType::Query => ("Query", Payload::No),
            OperationType::Mutation => ("Mutation", Payload::Root),
            OperationType::Subscription => ("Subscription", Payload::No),
        };
        let total = counter.object(root, [&operation.selection_set.node], 1, payload);
        let Counter { lists, varies, .. } = counter;
        Self { total, varies, lists }
    }

    /// Refuses what costs more than `budget`.
    ///
    /// # Errors
    /// Where it does: `cost`, `budget`, and for the lists that cost most, what they cost and how long their pages could be.
    pub(in crate::graphql) fn check(mut self, budget: u64) -> Result<u64, ServerError> {
        if self.total <= budget {
            return Ok(self.total);
        }
        let total = self.total;
        self.lists.sort_by_key(|list| std::cmp::Reverse(list.cost()));
        let lists = self.lists.iter().take(MOST_NAMED).map(|list| list.describe(total, budget)).collect();
        let message = match self.lists.iter().find_map(|list| Some((list.path.join("."), list.fitting(total, budget)?)))
        {
            Some((path, size)) => {
                format!(
                    "the operation asks for {total} objects, {budget} are allowed; pages of {size} at {path} would fit"
                )
            }
            None => format!("the operation asks for {total} objects, {budget} are allowed"),
        };
        let mut error = refusal(Code::QueryTooComplex, message, None);
        let extensions = extensions(&mut error);
        extensions.set("cost", total);
        extensions.set("budget", budget);
        extensions.set("lists", Value::List(lists));
        Err(error)
    }
}

impl ListCost {
    fn cost(&self) -> u64 {
        self.of_one.saturating_mul(self.size)
    }

    /// The longest page of this list with which the whole operation stays within the budget, if there is one.
    fn fitting(&self, total: u64, budget: u64) -> Option<u64> {
        let rest = total.saturating_sub(self.cost());
        let size = budget.checked_sub(rest)?.checked_div(self.of_one)?;
        (size > 0).then_some(size)
    }

    fn describe(&self, total: u64, budget: u64) -> Value {
        let entries = [
            ("path", Value::String(self.path.join("."))),
            ("pageSize", self.size.into()),
            ("cost", self.cost().into()),
            ("pageSizeThatFits", self.fitting(total, budget).map_or(Value::Null, Into::into)),
        ];
        Value::Object(entries.into_iter().map(|(name, value)| (Name::new(name), value)).collect())
    }
}

/// Where in a mutation's answer an object is.
#[derive(Clone, Copy)]
enum Payload {
    /// In none: among what can be queried.
    No,
    /// The mutation root.
    Root,
    /// A payload, for so many items of input.
    Of(u64),
    /// Deeper in a payload, where lists are of mistakes.
    Within,
}

struct Counter<'c, 'd> {
    types: &'c Registry,
    source: &'c Source<'d>,
    pages: PageLimits,
    path: Vec<String>,
    lists: Vec<ListCost>,
    varies: bool,
    /// The lists that were counted with their payload: of which object, and which field.
    counted: HashSet<(Vec<String>, String)>,
}

impl<'d> Counter<'_, 'd> {
    /// What `sets` select on `count` objects of a type, without these objects.
    fn object(
        &mut self,
        name: &str,
        sets: impl IntoIterator<Item = &'d SelectionSet>,
        count: u64,
        payload: Payload,
    ) -> u64 {
        let sets: Vec<_> = sets.into_iter().collect();
        match self.types.types.get(name) {
            Some(MetaType::Object { fields, .. }) => {
                let interfaces = self.types.implements.get(name);
                let names: Vec<_> =
                    std::iter::once(name).chain(interfaces.into_iter().flatten().map(String::as_str)).collect();
                let payload = if names.contains(&"Node") { Payload::No } else { payload };
                let selected = collect(sets, &names, self.source);
                let fields = selected
                    .iter()
                    .filter_map(|selected| Some((selected, fields.get(selected.field().node.name.node.as_str())?)));
                fields
                    .map(|(selected, field)| self.field(name, field, selected, count, payload))
                    .fold(0, u64::saturating_add)
            }
            // Any of them may come: the one that costs most.
            Some(MetaType::Interface { possible_types, .. } | MetaType::Union { possible_types, .. }) => {
                let types: Vec<_> = possible_types.iter().collect();
                let of = |counter: &mut Self, ty: &String| counter.object(ty, sets.iter().copied(), count, payload);
                types.into_iter().map(|ty| of(self, ty)).max().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// What a field of `count` objects of the type `of` costs.
    fn field(&mut self, of: &str, field: &MetaField, selected: &Selected<'d>, count: u64, payload: Payload) -> u64 {
        let name = named_type(&field.ty);
        let Some(MetaType::Object { .. } | MetaType::Interface { .. } | MetaType::Union { .. }) =
            self.types.types.get(name)
        else {
            return 0;
        };
        self.path.push(selected.key.to_string());
        let (is_list, is_connection) = (field.ty.contains('['), name.ends_with("Connection"));
        let is_part = of.ends_with("Edge") || name == "PageInfo";
        let cost = if is_part || of.ends_with("Connection") {
            // An edge and its node count once, and so many connections were multiplied by the size of their pages already.
            let cost = self.object(name, selected.selection_sets(), count, payload);
            if is_part { cost } else { cost.saturating_add(count) }
        } else if is_connection {
            let lists = if is_list { self.longest_argument(field, selected).unwrap_or(1) } else { 1 };
            let count = count.saturating_mul(lists);
            let size = self.page_size(field, selected).unwrap_or(u64::from(self.pages.default_size));
            self.list(name, selected, (count, size), Payload::No).saturating_add(count)
        } else if is_list {
            let is_counted = matches!(payload, Payload::Of(_)) && self.page_size(field, selected).is_none();
            let is_counted = is_counted && self.is_first(field);
            let (size, payload) = self.length(field, selected, payload);
            // The items were counted with the payload.
            let objects = if is_counted { 0 } else { count.saturating_mul(size) };
            self.list(name, selected, (count, size), payload).saturating_add(objects)
        } else {
            let (objects, payload) = match payload {
                Payload::Root => {
                    let items = self.longest_argument(field, selected).unwrap_or(1);
                    (count.saturating_mul(items.max(1)), Payload::Of(items))
                }
                Payload::Of(_) => (count, Payload::Within),
                other => (count, other),
            };
            self.object(name, selected.selection_sets(), count, payload).saturating_add(objects)
        };
        self.path.pop();
        cost
    }

    /// Whether a field of the object at the path was not counted before, under another key.
    fn is_first(&mut self, field: &MetaField) -> bool {
        let object = self.path.split_last().map_or_else(Vec::new, |(_, object)| object.to_vec());
        self.counted.insert((object, field.name.clone()))
    }

    /// What is selected of the objects of `count` lists of this size.
    fn list(&mut self, name: &str, selected: &Selected<'d>, (count, size): (u64, u64), payload: Payload) -> u64 {
        let place = self.lists.len();
        self.lists.push(ListCost { path: self.path.clone(), size, of_one: 0 });
        let cost = self.object(name, selected.selection_sets(), count.saturating_mul(size), payload);
        self.lists[place].of_one = cost.checked_div(size).unwrap_or(0);
        cost
    }

    /// How long a plain list is, and where its objects are.
    fn length(&mut self, field: &MetaField, selected: &Selected<'d>, payload: Payload) -> (u64, Payload) {
        if let Some(size) = self.page_size(field, selected) {
            return (size, Payload::Within);
        }
        match payload {
            Payload::Of(items) => (items, Payload::Within),
            Payload::Within => (1, Payload::Within),
            Payload::Root | Payload::No => match self.longest_argument(field, selected) {
                Some(length) => (length, Payload::No),
                None => (UNKNOWN_LENGTH, Payload::No),
            },
        }
    }

    /// The page size that a field is given, or that its declaration has where none is given.
    fn page_size(&self, field: &MetaField, selected: &Selected<'d>) -> Option<u64> {
        let arguments = &selected.field().node.arguments;
        ["first", "last"].iter().find_map(|name| {
            let declared = field.args.get(*name)?;
            let given = arguments.iter().find(|(given, _)| given.node == *name);
            match given.map(|(_, value)| Given::of(&value.node, self.source.variables)) {
                Some(Given::Number(size)) => Some(size),
                Some(Given::Other) => Some(0),
                None | Some(Given::Nothing | Given::List(_)) => declared.default_value.as_deref()?.parse().ok(),
            }
        })
    }

    /// The length of the longest list among a field's arguments, or directly within an input. Only what is declared a list
    /// says how many objects come: a filter does not, nor does what rows are grouped by. A single value is a list of one.
    fn longest_argument(&mut self, field: &MetaField, selected: &Selected<'d>) -> Option<u64> {
        let given = &selected.field().node.arguments;
        let lengths = field.args.values().filter_map(|declared| {
            let (_, value) = given.iter().find(|(name, _)| name.node == declared.name.as_str())?;
            let is_list = declared.ty.starts_with('[');
            match self.types.types.get(named_type(&declared.ty)) {
                Some(MetaType::Enum { .. }) => return None,
                _ if !is_list && declared.name != "input" => return None,
                _ => {}
            }
            // Another request may give a longer one.
            self.varies |= holds_variable(&value.node);
            match Given::of(&value.node, self.source.variables) {
                Given::List(length) => Some(length),
                Given::Nothing => None,
                Given::Number(_) | Given::Other => is_list.then_some(1),
            }
        });
        lengths.max()
    }
}

/// What an argument comes to, as far as its size goes. Nothing is copied: it may be megabytes.
enum Given {
    Nothing,
    Number(u64),
    /// The length of a list, or of the longest one directly within an object.
    List(u64),
    Other,
}

impl Given {
    fn of(value: &RawValue, variables: &Variables) -> Self {
        match value {
            RawValue::Variable(name) => variables.get(name).map_or(Self::Nothing, Self::of_constant),
            RawValue::Null => Self::Nothing,
            RawValue::Number(number) => Self::Number(number.as_u64().unwrap_or(0)),
            RawValue::List(items) => Self::List(items.len() as u64),
            RawValue::Object(fields) => Self::longest(fields.values().map(|value| Self::of(value, variables))),
            _ => Self::Other,
        }
    }

    fn of_constant(value: &Value) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::Number(number) => Self::Number(number.as_u64().unwrap_or(0)),
            Value::List(items) => Self::List(items.len() as u64),
            Value::Object(fields) => Self::longest(fields.values().map(Self::of_constant)),
            _ => Self::Other,
        }
    }

    fn longest(fields: impl Iterator<Item = Self>) -> Self {
        let lengths = fields.filter_map(|field| match field {
            Self::List(length) => Some(length),
            _ => None,
        });
        lengths.max().map_or(Self::Other, Self::List)
    }
}

/// The name of a type without its lists and exclamation marks.
fn named_type(ty: &str) -> &str {
    ty.trim_matches(['[', ']', '!'])
}
