//! Declarations: what an object type is made of. One declaration yields the type's SDL, its leaves, its relations, its
//! filters and its orders, so that they cannot drift apart.
//!
//! A slice declares its object once, in a `static`; nothing of it changes afterwards. Relations name their target by a
//! function, so that types may refer to each other.

use async_graphql::registry::Registry;
use async_graphql::{ID, OutputType};
use sea_orm::sea_query::{Expr, IntoColumnRef, SelectStatement, TableRef};

use super::arguments::Argument;
use super::column::{Column, LeafType};
use super::groups::Groups;
use super::listing::Listing;
use super::order::Direction;
use super::shape::{Entries, ShapeRef};
use crate::access::Sight;

/// Gives the declaration of another object type.
pub type ObjectRef = fn() -> &'static Object;

/// The order of a list where a client wants none: by id where it is empty.
pub(crate) type DefaultOrder = &'static [(&'static str, Direction)];

/// An object type that has rows of its own: fields, and the table that they are read from.
pub struct Object {
    pub(crate) fields: Fields,
    pub(crate) table: Table,
    /// The unions that it is a member of.
    pub(crate) unions: Vec<&'static str>,
    /// What its lists are, where they are not as any other's.
    pub(crate) listing: Option<Listing>,
}

/// A named set of fields: what the SDL shows of an object type.
pub struct Fields {
    /// The GraphQL type.
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) list: Vec<Field>,
    /// What lists can be ordered by besides the leaves.
    orders: Vec<DeclaredOrder>,
    /// The name and the meaning of the order by id, where ids sort by creation.
    by_id: Option<(&'static str, &'static str)>,
}

/// Puts the type of ids into the registry, and gives its name without the mark of what is not null.
fn register_id(registry: &mut Registry) -> String {
    <ID as OutputType>::create_type_info(registry).trim_end_matches('!').to_owned()
}

/// What lists can be ordered by: the enum value, what it means, and its column.
pub(crate) type Order<'o> = (&'static str, &'static str, &'o Column);

/// An order that is not a leaf's.
struct DeclaredOrder {
    name: &'static str,
    description: &'static str,
    column: Column,
}

/// Where an object type's rows come from.
pub struct Table {
    /// What the ids of the rows start with.
    pub(crate) prefix: &'static str,
    pub(crate) name: TableRef,
    pub(crate) id: Column,
    /// The start of every statement that reads the rows: it hides what is deleted and what the caller may not see.
    pub(crate) visible: fn(&Sight) -> SelectStatement,
    /// What else must hold for a row that is not reached through another one that the caller may see.
    pub(crate) vouched_for: Option<fn(&Sight) -> Expr>,
}

/// A field of an object type.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) nullable: bool,
    pub(crate) kind: FieldKind,
}

/// How a field gets its value.
pub(crate) enum FieldKind {
    /// The row's own key.
    Id,
    /// From a column of the row.
    Leaf { column: Column, register: fn(&mut Registry) -> String, orders: Option<&'static str> },
    /// From a column of the row that is stored encrypted: no list is filtered or ordered by it.
    Secret(Column),
    /// A list of words, from a column of the row that holds them as one text: no list is filtered or ordered by it.
    Words(Column),
    /// The id of a row of one of several types: its key stands in one column, the prefix of its ids in another one.
    Reference { key: Column, of: Box<Column>, prefixes: &'static [&'static str] },
    /// The row's place in a list in this order.
    Cursor(Listing),
    /// An object of its own type, made of columns of the same row.
    Embedded(Fields),
    /// A list of objects that have a shape, which the column holds as JSON.
    Entries { column: Column, entries: Entries, shape: ShapeRef },
    /// The row whose id stands in a column of this row; there is one, unless the field may be null.
    One { key: Column, target: ObjectRef },
    /// The first of the rows that point to this row.
    First { by: Column, target: ObjectRef, order: &'static [(&'static str, Direction)], equal: Option<Box<Equal>> },
    /// The groups of the rows that point to this row.
    Groups { by: Column, groups: Box<Groups> },
    /// A page of the rows that point to this row.
    Connection { by: Column, target: ObjectRef, order: DefaultOrder },
}

/// Narrows a relation to the rows in which a column equals the text of an argument, if that is given.
pub(crate) struct Equal {
    pub(crate) argument: Argument,
    pub(crate) column: Column,
}

impl Fields {
    /// Begins the declaration of the object type `name`.
    #[must_use]
    pub fn of(name: &'static str, description: &'static str) -> Self {
        Self { name, description, list: Vec::new(), orders: Vec::new(), by_id: None }
    }

    /// A leaf: a column of type `T`.
    #[must_use]
    pub fn leaf<T: LeafType>(self, name: &'static str, description: &'static str, column: Column) -> Self {
        self.add_leaf::<T>(name, description, column, None)
    }

    /// A leaf by which lists can be ordered, as `order` in the type's order enum.
    #[must_use]
    pub fn ordered_leaf<T: LeafType>(
        self,
        name: &'static str,
        description: &'static str,
        column: Column,
        order: &'static str,
    ) -> Self {
        self.add_leaf::<T>(name, description, column, Some(order))
    }

    /// An order by what is no leaf, as `name` in the type's order enum.
    #[must_use]
    pub fn order<T: LeafType>(mut self, name: &'static str, description: &'static str, column: Column) -> Self {
        self.orders.push(DeclaredOrder { name, description, column: column.typed::<T>() });
        self
    }

    /// Gives the order by id, in which the rows were made, a name in the type's order enum.
    #[must_use]
    pub fn order_by_id(mut self, name: &'static str, description: &'static str) -> Self {
        self.by_id = Some((name, description));
        self
    }

    fn add_leaf<T: LeafType>(
        self,
        name: &'static str,
        description: &'static str,
        column: Column,
        orders: Option<&'static str>,
    ) -> Self {
        let kind = FieldKind::Leaf { column: column.typed::<T>(), register: T::register, orders };
        self.add(Field { name, description, nullable: T::NULLABLE, kind })
    }

    /// An object of its own type that is made of other columns of the same row: leaves only.
    #[must_use]
    pub fn embedded(self, name: &'static str, description: &'static str, part: Fields) -> Self {
        let kind = FieldKind::Embedded(part);
        self.add(Field { name, description, nullable: false, kind })
    }

    /// A text that is stored encrypted, from a [`Column::secret`]; null where there is none, or the caller may not see it.
    #[must_use]
    pub fn secret(self, name: &'static str, description: &'static str, column: Column) -> Self {
        let kind = FieldKind::Secret(column.typed::<Option<String>>());
        self.add(Field { name, description, nullable: true, kind })
    }

    /// A list of words, which the `column` holds as one text with spaces between them; null where there is none.
    #[must_use]
    pub fn words(self, name: &'static str, description: &'static str, column: Column) -> Self {
        let kind = FieldKind::Words(column.typed::<Option<String>>());
        self.add(Field { name, description, nullable: true, kind })
    }

    /// The id of an object of one of several types: `key` holds it, and `of` the prefix of its type's ids.
    #[must_use]
    pub fn reference(
        self,
        name: &'static str,
        description: &'static str,
        key: impl IntoColumnRef,
        of: impl IntoColumnRef,
        prefixes: &'static [&'static str],
    ) -> Self {
        let kind = FieldKind::Reference { key: Column::any_id(prefixes, key), of: Box::new(Column::of(of)), prefixes };
        self.add(Field { name, description, nullable: false, kind })
    }

    /// The id of a row of another type, which stands in the column `key`, or of none.
    #[must_use]
    pub fn id_of(
        self,
        name: &'static str,
        description: &'static str,
        key: impl IntoColumnRef,
        prefix: &'static str,
    ) -> Self {
        let column = Column::id(prefix, key).or_nothing();
        let kind = FieldKind::Leaf { column, register: register_id, orders: None };
        self.add(Field { name, description, nullable: true, kind })
    }

    /// The row's place in a list in this order, for `after` and `before`.
    #[must_use]
    pub fn cursor(self, name: &'static str, description: &'static str, listing: Listing) -> Self {
        self.add(Field { name, description, nullable: false, kind: FieldKind::Cursor(listing) })
    }

    /// A list of objects that have a shape, which the `column` holds as the text of JSON.
    #[must_use]
    pub fn entries(
        self,
        name: &'static str,
        description: &'static str,
        column: Column,
        (entries, shape): (Entries, ShapeRef),
    ) -> Self {
        let kind = FieldKind::Entries { column, entries, shape };
        self.add(Field { name, description, nullable: false, kind })
    }

    /// The object whose id stands in the column `key`; there always is one.
    #[must_use]
    pub fn one(
        self,
        name: &'static str,
        description: &'static str,
        key: impl IntoColumnRef,
        target: ObjectRef,
    ) -> Self {
        let key = Column::key(key);
        let kind = FieldKind::One { key, target };
        self.add(Field { name, description, nullable: false, kind })
    }

    /// The object whose id stands in the column `key`; null where there is none, or it is not this type's.
    #[must_use]
    pub fn one_or_null(
        self,
        name: &'static str,
        description: &'static str,
        key: impl IntoColumnRef,
        target: ObjectRef,
    ) -> Self {
        let kind = FieldKind::One { key: Column::key(key), target };
        self.add(Field { name, description, nullable: true, kind })
    }

    /// The first of the objects whose column `by` holds this object's id, in a fixed order; nothing where there is none.
    #[must_use]
    pub fn first(self, name: &'static str, description: &'static str, first: First) -> Self {
        let by = first.by;
        let kind = FieldKind::First { by, target: first.target, order: first.order, equal: first.equal.map(Box::new) };
        self.add(Field { name, description, nullable: true, kind })
    }

    /// Pages of the objects whose column `by` holds this object's id.
    #[must_use]
    pub fn connection(
        self,
        name: &'static str,
        description: &'static str,
        by: impl IntoColumnRef,
        target: ObjectRef,
    ) -> Self {
        self.connection_in_order(name, description, by, target, &[])
    }

    /// The same, in this order where a client wants none.
    #[must_use]
    pub fn connection_in_order(
        self,
        name: &'static str,
        description: &'static str,
        by: impl IntoColumnRef,
        target: ObjectRef,
        order: &'static [(&'static str, Direction)],
    ) -> Self {
        let kind = FieldKind::Connection { by: Column::key(by), target, order };
        self.add(Field { name, description, nullable: false, kind })
    }

    /// The groups of the objects whose column `by` holds this object's id, each with what its objects come to.
    #[must_use]
    pub fn groups(self, name: &'static str, description: &'static str, by: impl IntoColumnRef, groups: Groups) -> Self {
        let kind = FieldKind::Groups { by: Column::key(by), groups: Box::new(groups) };
        self.add(Field { name, description, nullable: false, kind })
    }

    /// Ends the declaration: the rows are those of `table`, whose id becomes the field `id`.
    #[must_use]
    pub fn stored_in(mut self, table: Table) -> Object {
        let description = "Names the object in the whole of Throughline; opaque, and the same for ever.";
        self.list.insert(0, Field { name: "id", description, nullable: false, kind: FieldKind::Id });
        Object { fields: self, table, unions: Vec::new(), listing: None }
    }

    fn add(mut self, field: Field) -> Self {
        self.list.push(field);
        self
    }

    /// The orders by leaves, those of embedded objects too.
    fn leaf_orders(&self) -> Vec<Order<'_>> {
        let orders = self.list.iter().flat_map(|field| match &field.kind {
            FieldKind::Leaf { column, orders: Some(order), .. } => vec![(*order, field.description, column)],
            FieldKind::Embedded(part) => part.leaf_orders(),
            _ => Vec::new(),
        });
        orders.collect()
    }

    /// The field `name`; validation has made sure that there is one.
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.list.iter().find(|field| field.name == name)
    }
}

impl Table {
    /// The table `name` with the key `id`; its rows' ids are `prefix_…`, and every statement that reads it starts from
    /// `visible`.
    pub fn new(
        prefix: &'static str,
        name: impl Into<TableRef>,
        id: impl IntoColumnRef,
        visible: fn(&Sight) -> SelectStatement,
    ) -> Self {
        let id = Column::id(prefix, id);
        Self { prefix, name: name.into(), id, visible, vouched_for: None }
    }

    /// Says that a row is as visible as the one it belongs to. Reached through that one, it is; asked for by its own id,
    /// or in a list that has no parent, `condition` must hold too.
    #[must_use]
    pub fn vouched_for(mut self, condition: fn(&Sight) -> Expr) -> Self {
        self.vouched_for = Some(condition);
        self
    }
}

/// An object type is declared once, and is equal to itself.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Object {
    /// The names of the interfaces and unions that the objects go by.
    pub(crate) fn abstract_types(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once("Node").chain(self.unions.iter().copied())
    }

    /// Gives the objects' lists an order of their own.
    #[must_use]
    pub fn listed(mut self, listing: Listing) -> Self {
        self.listing = Some(listing);
        self
    }

    /// Says that the objects can be found by a search, whose union has this name.
    #[must_use]
    pub fn found_as(mut self, union: &'static str) -> Self {
        self.unions.push(union);
        self
    }

    /// What lists can be ordered by.
    pub(crate) fn orders(&self) -> impl Iterator<Item = Order<'_>> {
        let by_id = self.fields.by_id.map(|(name, description)| (name, description, &self.table.id));
        self.fields.leaf_orders().into_iter().chain(self.fields.orders.iter().map(DeclaredOrder::parts)).chain(by_id)
    }
}

impl DeclaredOrder {
    fn parts(&self) -> Order<'_> {
        (self.name, self.description, &self.column)
    }
}

/// What [`Fields::first`] needs.
pub struct First {
    by: Column,
    target: ObjectRef,
    order: &'static [(&'static str, Direction)],
    equal: Option<Equal>,
}

impl First {
    /// The first, in `order`, of the `target`s whose column `by` holds the object's id.
    pub fn of(target: ObjectRef, by: impl IntoColumnRef, order: &'static [(&'static str, Direction)]) -> Self {
        Self { by: Column::key(by), target, order, equal: None }
    }

    /// Only those whose text `column` equals the argument, if it is given.
    #[must_use]
    pub fn with_equal(mut self, argument: Argument, column: Column) -> Self {
        self.equal = Some(Equal { argument, column });
        self
    }
}
