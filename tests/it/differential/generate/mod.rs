//! Documents at random: one for each seed, over the fields that `fields.rs` lists.
//!
//! Most documents are valid and have an answer. A response key nearly always stands for one field with one set of
//! arguments, so that fields merge; now and then an alias is taken that another field has.

mod arguments;
mod document;
mod fields;
mod filters;
mod known;
mod values;
mod variables;

use std::collections::HashMap;

use async_graphql::Value;
use async_graphql_value::Value as RawValue;
use fastrand::Rng;

use self::document::arguments_text;
pub(crate) use self::document::{Document, Fragment, Operation, Selection, Variable, What};
pub(crate) use self::fields::fields;
use self::fields::{ABSTRACT, Field, Takes};
pub(crate) use self::filters::filter;
pub(crate) use self::known::Known;
pub(crate) use self::values::{Values, other_values};

/// The document of a seed.
pub(crate) fn generate(seed: u64, known: &Known) -> Document {
    let mut rng = Rng::with_seed(seed);
    let budget = *pick(&mut rng, &[10, 30, 60, 90]);
    let mut generator = Generator {
        rng,
        known,
        budget,
        plain: false,
        variables: Vec::new(),
        values: Vec::new(),
        fragments: Vec::new(),
        arguments: HashMap::new(),
    };
    generator.document()
}

/// Objects that one document may write in one place, about.
const MOST_ROWS: usize = 120;

struct Generator<'k> {
    rng: Rng,
    known: &'k Known,
    /// How many selections there may be yet.
    budget: i32,
    /// Without variables and fragments: those belong to another operation.
    plain: bool,
    variables: Vec<Variable>,
    values: Vec<(String, Value)>,
    fragments: Vec<Made>,
    /// The arguments of fields that have no alias, since they share their key wherever they stand.
    arguments: HashMap<(&'static str, &'static str), Vec<(&'static str, RawValue)>>,
}

/// A fragment, and where it may be spread.
struct Made {
    fragment: Fragment,
    depth: usize,
    rows: usize,
}

fn pick<'t, T>(rng: &mut Rng, from: &'t [T]) -> &'t T {
    &from[rng.usize(..from.len())]
}

/// The interfaces and unions of a type, or the types of an interface or union and what else stands for some of them: what a
/// fragment on it may be on, too.
fn related(ty: &str) -> Vec<&'static str> {
    let above = ABSTRACT.iter().filter(|(_, types)| types.contains(&ty)).map(|(name, _)| *name);
    let below: Vec<_> =
        ABSTRACT.iter().filter(|(name, _)| *name == ty).flat_map(|(_, types)| types.iter().copied()).collect();
    let beside = ABSTRACT.iter().filter(|(name, types)| *name != ty && types.iter().any(|other| below.contains(other)));
    above.chain(beside.map(|(name, _)| *name)).chain(below.iter().copied()).collect()
}

impl Generator<'_> {
    fn one_in(&mut self, many: u32) -> bool {
        self.rng.u32(..many) == 0
    }

    fn document(&mut self) -> Document {
        let depth = self.rng.usize(4..=9);
        let mut selections = self.selections("Query", depth, 1);
        if self.one_in(100) {
            self.spoil(&mut selections);
        }
        let name = self.rng.bool().then(|| "Main".to_owned());
        let main = Operation { name, variables: std::mem::take(&mut self.variables), selections };
        let mut operations = vec![main];
        let mut operation_name = if operations[0].name.is_some() && self.one_in(3) { Some("Main") } else { None };
        if self.one_in(12) {
            operations[0].name = Some("Main".to_owned());
            (self.plain, self.budget) = (true, 8);
            // Those may hold variables of the main operation.
            self.arguments.clear();
            let other = self.selections("Query", 3, 1);
            let place = self.rng.usize(..=1);
            let other = Operation { name: Some("Other".to_owned()), variables: Vec::new(), selections: other };
            operations.insert(place, other);
            operation_name = *pick(&mut self.rng, &[Some("Main"), Some("Main"), Some("Main"), Some("Other"), None]);
        }
        if self.one_in(150) {
            operation_name = Some("Nobody");
        }
        Document {
            operations,
            fragments: self.fragments.drain(..).map(|made| made.fragment).collect(),
            operation_name: operation_name.map(str::to_owned),
            values: std::mem::take(&mut self.values),
        }
    }

    /// What is selected of about `rows` objects of type `on`, at most `depth` levels deep.
    fn selections(&mut self, on: &'static str, depth: usize, rows: usize) -> Vec<Selection> {
        let most = if self.budget > 30 { 6 } else { 3 };
        let mut set = Vec::new();
        for _ in 0..self.rng.usize(1..=most) {
            if set.is_empty() || self.budget > 0 {
                let selection = self.selection(on, depth, rows, &set);
                set.push(selection);
            }
        }
        set
    }

    fn selection(&mut self, on: &'static str, depth: usize, rows: usize, set: &[Selection]) -> Selection {
        self.budget -= 1;
        let is_abstract = ABSTRACT.iter().any(|(name, _)| *name == on);
        let mut selection = match self.rng.u32(..100) {
            0..5 => self.leaf("__typename"),
            5..15 if depth > 1 && !self.plain => self.spread(on, depth, rows),
            15..24 if depth > 1 => self.inline(on, depth, rows),
            24..70 if depth > 1 && is_abstract => self.inline(on, depth, rows),
            70..80 if !set.is_empty() => self.again(on, depth, rows, set),
            _ => self.field(on, depth, rows),
        };
        if self.one_in(10) {
            self.add_directive(&mut selection);
        }
        selection
    }

    fn leaf(&mut self, name: &'static str) -> Selection {
        let what = What::Field { alias: self.alias(name, &[]), name, arguments: Vec::new() };
        Selection { what, directives: Vec::new(), selections: Vec::new() }
    }

    fn field(&mut self, on: &'static str, depth: usize, rows: usize) -> Selection {
        let fits = |field: &&Field| field.on == on && (field.gives.is_none() || (depth > 0 && rows <= MOST_ROWS));
        let (mut leaves, mut objects): (Vec<_>, Vec<_>) =
            fields().iter().filter(fits).partition(|field| field.gives.is_none());
        // A union has no fields but this one.
        if on == "SearchItem" {
            return self.leaf("__typename");
        }
        // A root has no leaves, so that its fields are taken though they are too much.
        if leaves.is_empty() && objects.is_empty() {
            objects = fields().iter().filter(|field| field.on == on).collect();
        }
        let wants_object = !objects.is_empty() && (leaves.is_empty() || self.rng.u32(..100) < 55);
        let from = if wants_object { &mut objects } else { &mut leaves };
        let field = from[self.rng.usize(..from.len())];
        let Some(gives) = field.gives else { return self.leaf(field.name) };
        let known = self.arguments.get(&(on, field.name)).cloned();
        let (alias, arguments) = if field.takes == Takes::Nothing || (known.is_some() && self.one_in(2)) {
            // A field without an alias has the arguments that it has elsewhere.
            (None, known.unwrap_or_default())
        } else {
            let arguments = self.arguments_of(field, rows);
            match known {
                None if self.rng.bool() => {
                    self.arguments.insert((on, field.name), arguments.clone());
                    (None, arguments)
                }
                _ => (Some(steady_alias(field.name, &arguments)), arguments),
            }
        };
        let alias = if field.takes == Takes::Nothing { self.alias(field.name, &[]) } else { alias };
        let below = rows * many(field, &arguments);
        let selections = self.selections(gives, depth.saturating_sub(1), below);
        Selection { what: What::Field { alias, name: field.name, arguments }, directives: Vec::new(), selections }
    }

    /// An alias that stands for this field with these arguments wherever it is seen; seldom one that does not.
    fn alias(&mut self, name: &str, arguments: &[(&'static str, RawValue)]) -> Option<String> {
        match self.rng.u32(..500) {
            0 => Some((*pick(&mut self.rng, &["a", "name", "id", "x"])).to_owned()),
            1..100 => Some(steady_alias(name, arguments)),
            _ => None,
        }
    }

    /// A field that was selected before, with other selections.
    fn again(&mut self, on: &'static str, depth: usize, rows: usize, set: &[Selection]) -> Selection {
        let earlier = pick(&mut self.rng, set).clone();
        let What::Field { name, arguments, .. } = &earlier.what else { return self.field(on, depth, rows) };
        let field = fields().iter().find(|field| field.on == on && field.name == *name);
        let selections = match field {
            Some(Field { gives: Some(gives), .. }) => {
                let below = rows * many(field.expect("it was found"), arguments);
                self.selections(gives, depth.saturating_sub(1), below)
            }
            _ => Vec::new(),
        };
        Selection { selections, directives: Vec::new(), ..earlier }
    }

    fn inline(&mut self, on: &'static str, depth: usize, rows: usize) -> Selection {
        let mut conditions = vec![None, Some(on)];
        // Often enough on what the objects are, for an interface has few fields.
        conditions.extend(related(on).into_iter().map(Some));
        let condition = *pick(&mut self.rng, &conditions);
        let selections = self.selections(condition.unwrap_or(on), depth - 1, rows);
        Selection { what: What::Inline { on: condition }, directives: Vec::new(), selections }
    }

    fn spread(&mut self, on: &'static str, depth: usize, rows: usize) -> Selection {
        let mut types = related(on);
        types.push(on);
        let fits = |made: &&Made| made.depth <= depth && made.rows >= rows && types.contains(&made.fragment.on);
        let known: Vec<_> = self.fragments.iter().filter(fits).map(|made| made.fragment.name.clone()).collect();
        let name = if known.is_empty() || self.one_in(3) {
            let ty = if self.one_in(3) { *pick(&mut self.rng, &types) } else { on };
            // Fragments that are made inside of this one are done before it, so that none leads to itself.
            let selections = self.selections(ty, depth - 1, rows);
            let name = format!("F{}", self.fragments.len());
            let fragment = Fragment { name: name.clone(), on: ty, selections };
            self.fragments.push(Made { fragment, depth, rows });
            name
        } else {
            pick(&mut self.rng, &known).clone()
        };
        Selection { what: What::Spread { fragment: name }, directives: Vec::new(), selections: Vec::new() }
    }

    fn add_directive(&mut self, selection: &mut Selection) {
        for name in ["skip", "include"] {
            if self.one_in(2) {
                // async-graphql does not see that a variable is used if that is in a directive of `__typename`.
                let is_type_name = matches!(selection.what, What::Field { name: "__typename", .. });
                let condition = if is_type_name { RawValue::Boolean(self.rng.bool()) } else { self.condition() };
                selection.directives.push((name, condition));
            }
        }
    }

    /// Makes the document one that does not fit the schema.
    fn spoil(&mut self, set: &mut Vec<Selection>) {
        let field = |name, arguments| Selection {
            what: What::Field { alias: None, name, arguments },
            directives: Vec::new(),
            selections: Vec::new(),
        };
        let text = || RawValue::String("x".to_owned());
        let mut spoilt = match self.rng.u32(..4) {
            0 => field("nonsense", Vec::new()),
            1 => field("projects", vec![("first", text())]),
            2 => field("features", vec![("nonsense", text())]),
            _ => field("node", Vec::new()),
        };
        if self.one_in(3) {
            spoilt.selections.push(field("id", Vec::new()));
        }
        set.push(spoilt);
    }
}

/// About how many objects a field gives for each one.
fn many(field: &Field, arguments: &[(&'static str, RawValue)]) -> usize {
    let size = |value: &RawValue| match value {
        RawValue::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        RawValue::List(ids) => Some(ids.len()),
        _ => None,
    };
    let said = arguments.iter().filter(|(name, _)| ["first", "last", "ids"].contains(name));
    let said = said.filter_map(|(_, value)| size(value)).min();
    let each = if matches!(field.takes, Takes::More(..)) { 3 } else { 1 };
    each * said.map_or(field.many, |said| said.min(field.many.max(1)))
}

/// An alias that follows from the field and its arguments.
fn steady_alias(name: &str, arguments: &[(&'static str, RawValue)]) -> String {
    let text = arguments_text(arguments);
    let hash = name.bytes().chain(text.bytes()).fold(7_u32, |hash, byte| hash.wrapping_mul(31) ^ u32::from(byte));
    format!("{}{}", &name[..1], hash % 10_000)
}
