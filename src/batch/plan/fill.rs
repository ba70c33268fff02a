//! What the arguments of a field come to: what they decide of the plan ([`Bound`]), and the values that a request fills it
//! with ([`Filled`]). Both are found in the same way when the plan is made and when it is used again.

use std::sync::Arc;

use async_graphql::{ID, InputObject, Variables};
use sea_orm::Value;
use uuid::Uuid;

use crate::batch::arguments::{Argument, Arguments, RawArguments, has_variables};
use crate::batch::column::Column;
use crate::batch::filter::Filtered;
use crate::batch::groups::Groups;
use crate::batch::loader::LARGEST_BATCH;
use crate::batch::object::{DefaultOrder, Object};
use crate::batch::page::{Page, PageLimits};
use crate::batch::root::Root;
use crate::batch::search::{Search, Wanted};
use crate::batch::statement::{MOST_SLOTS, Slot};
use crate::batch::{BatchError, id};

/// Reads the arguments of a kind of field.
pub(super) enum Binder {
    /// A page of a list of these objects, in this order where none is wanted.
    Page(&'static Object, DefaultOrder),
    /// A text that a column must equal, if it is given.
    Equal(&'static Argument),
    /// The id of an object of this type.
    Id(&'static Object),
    /// The id of any object.
    AnyId(&'static Root),
    /// Ids of any objects.
    AnyIds(&'static Root),
    /// Parents of one type, each with a cursor of its own in a list of `target`s.
    MorePages { parent: &'static Object, target: &'static Object },
    /// What rows are counted by.
    Groups(&'static Groups),
    /// What is searched for.
    Search(&'static Search),
    /// What ordinary code computes from.
    Computed,
}

/// What the arguments of a field decide of the plan.
#[derive(Clone, PartialEq)]
pub(super) enum Bound {
    Page(Page),
    Equal(Option<Slot>),
    /// Keys of these types of objects, and their place among what is given.
    Keys {
        given: usize,
        objects: Vec<&'static Object>,
    },
    /// A page for each of the given keys; for each list of keys, which terms of its cursors have a value.
    MorePages {
        given: usize,
        page: Page,
        patterns: Vec<Vec<bool>>,
    },
    /// The chosen columns, in their order, and which rows are counted.
    Groups {
        chosen: Vec<&'static Column>,
        filter: Option<Filtered>,
    },
    /// The place of what is searched for.
    Search(usize),
    /// The place of the arguments.
    Asked(usize),
}

/// What one request fills a plan with.
#[derive(Default)]
pub(crate) struct Filled {
    /// The values of the slots.
    pub(crate) slots: Vec<Value>,
    pub(crate) given: Vec<Given>,
    pub(crate) wanted: Vec<Wanted>,
    /// The arguments that ordinary code computes from.
    pub(crate) asked: Vec<Arguments>,
}

/// The keys that the arguments of a field name.
#[derive(Clone, Default)]
pub(crate) struct Given {
    /// The keys, in lists: one for each type of object, or each form of a cursor.
    pub(crate) keys: Vec<Vec<Uuid>>,
    /// For each list of keys, what stands beside them: lists of a value each.
    pub(crate) beside: Vec<Arc<Vec<Vec<Value>>>>,
    /// For each id, its list's place and its key's place, or why it names nothing.
    pub(crate) entries: Vec<Result<(usize, usize), BatchError>>,
}

/// A field whose arguments fill the plan.
pub(super) struct Fill {
    binder: Binder,
    pub(super) bound: Bound,
    filling: Filling,
}

/// Where the values of a field come from.
enum Filling {
    /// From the document: they are the same for all requests.
    Fixed { slots: Vec<Value>, given: Vec<Given>, wanted: Vec<Wanted>, asked: Vec<Arguments> },
    /// From variables.
    Variable(Box<RawArguments>),
}

impl Fill {
    /// Reads the arguments and adds their values to what is filled in.
    pub(super) fn new(
        binder: Binder,
        arguments: &RawArguments,
        variables: &Variables,
        limits: PageLimits,
        filled: &mut Filled,
    ) -> Result<Self, BatchError> {
        let (slots, given) = (filled.slots.len(), filled.given.len());
        let (wanted, asked) = (filled.wanted.len(), filled.asked.len());
        let bound = binder.bind(&Arguments::of(arguments, variables), limits, filled)?;
        if filled.slots.len() > MOST_SLOTS {
            return Err(BatchError::TooManyValues);
        }
        let filling = if has_variables(arguments) {
            Filling::Variable(arguments.into())
        } else {
            Filling::Fixed {
                slots: filled.slots[slots..].to_vec(),
                given: filled.given[given..].to_vec(),
                wanted: filled.wanted[wanted..].to_vec(),
                asked: filled.asked[asked..].to_vec(),
            }
        };
        Ok(Self { binder, bound, filling })
    }

    /// Adds the values of another request; nothing where its arguments decide otherwise.
    pub(super) fn again(&self, variables: &Variables, limits: PageLimits, filled: &mut Filled) -> Option<()> {
        match &self.filling {
            Filling::Fixed { slots, given, wanted, asked } => {
                filled.slots.extend_from_slice(slots);
                filled.given.extend_from_slice(given);
                filled.wanted.extend_from_slice(wanted);
                filled.asked.extend_from_slice(asked);
                Some(())
            }
            Filling::Variable(arguments) => {
                let bound = self.binder.bind(&Arguments::of(arguments, variables), limits, filled).ok()?;
                (bound == self.bound && filled.slots.len() <= MOST_SLOTS).then_some(())
            }
        }
    }
}

impl Binder {
    fn bind(&self, arguments: &Arguments, limits: PageLimits, filled: &mut Filled) -> Result<Bound, BatchError> {
        Ok(match self {
            Self::Page(object, order) => Bound::Page(Page::bind(arguments, object, order, limits, &mut filled.slots)?),
            Self::Equal(argument) => {
                let text = arguments.get_text(argument.name)?;
                Bound::Equal(text.map(|text| Slot::give(text.into(), &mut filled.slots)))
            }
            Self::Id(object) => {
                let id = arguments.get::<ID>("id")?;
                let (_, key) = id::parse("id", &id, &[object.table.prefix])?;
                filled.give(Given::one(key), vec![object])
            }
            Self::AnyId(root) => {
                let (object, key) = root.find("id", &arguments.get::<ID>("id")?)?;
                filled.give(Given::one(key), vec![object])
            }
            Self::AnyIds(root) => {
                let ids = limits.check_count("ids", arguments.get::<Vec<ID>>("ids")?)?;
                let (mut given, mut objects) = (Given::default(), Vec::new());
                for (index, id) in ids.iter().enumerate() {
                    let entry = root.find(&format!("ids[{index}]"), id).map(|(object, key)| {
                        let place = objects.iter().position(|known| *known == object).unwrap_or_else(|| {
                            objects.push(object);
                            given.keys.push(Vec::new());
                            objects.len() - 1
                        });
                        given.keys[place].push(key);
                        (place, given.keys[place].len() - 1)
                    });
                    given.entries.push(entry);
                }
                filled.give(given, objects)
            }
            Self::MorePages { parent, target } => bind_more_pages(arguments, parent, target, limits, filled)?,
            Self::Search(search) => {
                filled.wanted.push(search.wanted(arguments, limits)?);
                Bound::Search(filled.wanted.len() - 1)
            }
            Self::Computed => {
                filled.asked.push(arguments.clone());
                Bound::Asked(filled.asked.len() - 1)
            }
            Self::Groups(groups) => Bound::Groups {
                chosen: groups.chosen(arguments)?,
                filter: Filtered::bind(arguments, (groups.target)(), &mut filled.slots)?,
            },
        })
    }
}

/// Reads `pages: [{parent, after}]` and the arguments that all pages share.
fn bind_more_pages(
    arguments: &Arguments,
    parent: &'static Object,
    target: &'static Object,
    limits: PageLimits,
    filled: &mut Filled,
) -> Result<Bound, BatchError> {
    let page = Page::bind(arguments, target, &[], limits, &mut filled.slots)?;
    // What stands beside the keys belongs to one statement.
    let most = PageLimits { max_size: limits.max_size.min(LARGEST_BATCH), ..limits };
    let pages = most.check_count("pages", arguments.get::<Vec<MorePage>>("pages")?)?;
    let (mut given, mut patterns, mut beside) = (Given::default(), Vec::<Vec<bool>>::new(), Vec::new());
    for (index, MorePage { parent: id, after }) in pages.iter().enumerate() {
        let read = || {
            let (_, key) = id::parse(&format!("pages[{index}].parent"), id, &[parent.table.prefix])?;
            Ok((key, page.read_cursor(&format!("pages[{index}].after"), after, target)?))
        };
        let entry = read().map(|(key, values)| {
            let pattern: Vec<bool> = values.iter().map(Option::is_some).collect();
            let list = patterns.iter().position(|known| *known == pattern).unwrap_or_else(|| {
                given.keys.push(Vec::new());
                beside.push(pattern.iter().map(|_| Vec::new()).collect::<Vec<_>>());
                patterns.push(pattern);
                patterns.len() - 1
            });
            given.keys[list].push(key);
            for (column, value) in beside[list].iter_mut().zip(values) {
                column.push(value.unwrap_or(Value::Bool(None)));
            }
            (list, given.keys[list].len() - 1)
        });
        given.entries.push(entry);
    }
    given.beside = beside.into_iter().map(Arc::new).collect();
    filled.given.push(given);
    Ok(Bound::MorePages { given: filled.given.len() - 1, page, patterns })
}

/// A list that goes on: whose it is, and where.
#[derive(InputObject)]
pub(crate) struct MorePage {
    /// The id of the object whose list it is.
    parent: ID,
    /// The `endCursor` of the page before: only what comes after it, in the order that made it.
    after: String,
}

impl Filled {
    /// The same with other keys.
    pub(crate) fn with_given(&self, given: Vec<Given>) -> Self {
        Self { given, slots: self.slots.clone(), wanted: self.wanted.clone(), asked: self.asked.clone() }
    }

    /// Adds keys that the arguments of a field name.
    fn give(&mut self, given: Given, objects: Vec<&'static Object>) -> Bound {
        self.given.push(given);
        Bound::Keys { given: self.given.len() - 1, objects }
    }
}

impl Given {
    /// One key.
    pub(crate) fn one(key: Uuid) -> Self {
        Self::all(vec![key])
    }

    /// Keys of one type of object.
    pub(crate) fn all(keys: Vec<Uuid>) -> Self {
        Self { keys: vec![keys], ..Self::default() }
    }
}

impl Slot {
    /// A slot for one more value.
    pub(crate) fn give(value: Value, slots: &mut Vec<Value>) -> Self {
        slots.push(value);
        Self::at(slots.len() - 1)
    }

    /// The slot with this number. How many there are is checked before a plan is used.
    pub(crate) fn at(number: usize) -> Self {
        Self::Given(u16::try_from(number).unwrap_or(u16::MAX))
    }
}

/// What is bound is what was asked for: anything else is a fault of ours.
const MISMATCH: BatchError = BatchError::Broken("the arguments of a field were read as another field's");

impl Bound {
    pub(super) fn into_page(self) -> Result<Page, BatchError> {
        match self {
            Self::Page(page) => Ok(page),
            _ => Err(MISMATCH),
        }
    }

    pub(super) fn into_equal(self, column: &'static Column) -> Option<(&'static Column, Slot)> {
        match self {
            Self::Equal(slot) => slot.map(|slot| (column, slot)),
            _ => None,
        }
    }

    pub(super) fn into_more_pages(self) -> Result<(usize, Page, Vec<Vec<bool>>), BatchError> {
        match self {
            Self::MorePages { given, page, patterns } => Ok((given, page, patterns)),
            _ => Err(MISMATCH),
        }
    }

    pub(super) fn into_groups(self) -> Result<(Vec<&'static Column>, Option<Filtered>), BatchError> {
        match self {
            Self::Groups { chosen, filter } => Ok((chosen, filter)),
            _ => Err(MISMATCH),
        }
    }

    pub(super) fn into_search(self) -> Result<usize, BatchError> {
        match self {
            Self::Search(asked) => Ok(asked),
            _ => Err(MISMATCH),
        }
    }

    pub(super) fn into_asked(self) -> Result<usize, BatchError> {
        match self {
            Self::Asked(asked) => Ok(asked),
            _ => Err(MISMATCH),
        }
    }

    pub(super) fn into_keys(self) -> Result<(usize, Vec<&'static Object>), BatchError> {
        match self {
            Self::Keys { given, objects } => Ok((given, objects)),
            _ => Err(MISMATCH),
        }
    }
}
