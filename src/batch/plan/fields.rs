//! The fields of a plan that bring objects or count them, for who wants to see how they were read.
//!
//! **Invariant:** a field that has a load stands here with its place, so that no statement of a plan is nobody's.

use super::describe::What;
use super::{Load, Plan};
use crate::batch::projection::{ConnectionPart, EdgePart, Part as Written, Projected, Projection};
use crate::explain::{Brings, Field, Part, Place};

impl Plan {
    /// The fields of the plan with this number in its request.
    pub(crate) fn fields(&self, number: usize) -> Vec<Field> {
        let mut fields = Vec::new();
        Walk { plan: self, number }.object((0, ""), &self.projection, &mut fields);
        fields
    }

    /// The same for a plan that has no projection of its own, and whose one field stands at `path`.
    pub(crate) fn fields_of(&self, number: usize, path: &str, value: &Projected) -> Vec<Field> {
        let mut fields = Vec::new();
        Walk { plan: self, number }.value((0, path), value, &mut fields);
        fields
    }
}

struct Walk<'p> {
    plan: &'p Plan,
    number: usize,
}

impl Walk<'_> {
    fn object(&self, (level, path): (usize, &str), projection: &Projection, fields: &mut Vec<Field>) {
        for part in &projection.parts {
            self.value((level, &below(path, &part.key)), &part.value, fields);
        }
    }

    /// What stands at `path`, in a row of `level`.
    fn value(&self, (level, path): (usize, &str), value: &Projected, fields: &mut Vec<Field>) {
        let without_load =
            |brings| Field { path: path.to_owned(), loader: None, brings, places: Vec::new(), fields: Vec::new() };
        match value {
            Projected::Embedded(part) => self.object((level, path), part, fields),
            Projected::Joined { projection, .. } => {
                let mut field = without_load(Brings::Beside);
                self.object((level, path), projection, &mut field.fields);
                fields.push(field);
            }
            Projected::Parent(projection) => {
                let mut field = without_load(Brings::AtHand);
                let parent = self.plan.levels[level].parent.map_or(level, |(node, _)| node.level);
                self.object((parent, path), projection, &mut field.fields);
                fields.push(field);
            }
            Projected::One { load, projection } | Projected::List { load, entry: projection } => {
                let mut field = self.loaded(level, *load, path);
                self.object((self.below(level, *load), path), projection, &mut field.fields);
                merge(fields, field);
            }
            Projected::Computed { load, .. } => merge(fields, self.loaded(level, *load, path)),
            Projected::Connection { load, parts } => {
                let mut field = self.loaded(level, *load, path);
                self.connection((level, *load), path, parts, &mut field.fields);
                merge(fields, field);
            }
            Projected::Nodes { objects: values, .. } | Projected::Pages { connections: values, .. } => {
                for value in values {
                    self.value((level, path), value, fields);
                }
            }
            Projected::Found(objects) => {
                for (load, projection) in objects {
                    let mut field = self.loaded(level, *load, path);
                    self.object((self.below(level, *load), path), projection, &mut field.fields);
                    merge(fields, field);
                }
            }
            Projected::TypeName(_)
            | Projected::Failed(_)
            | Projected::Leaf { .. }
            | Projected::Secret { .. }
            | Projected::Words { .. }
            | Projected::Reference { .. }
            | Projected::Cursor(_)
            | Projected::Entries { .. }
            | Projected::Hit(_)
            | Projected::Introspection => {}
        }
    }

    fn connection(
        &self,
        (level, load): (usize, usize),
        path: &str,
        parts: &[Written<ConnectionPart>],
        fields: &mut Vec<Field>,
    ) {
        let rows = self.below(level, load);
        for part in parts {
            let path = below(path, &part.key);
            match &part.value {
                ConnectionPart::Nodes(projection) => self.object((rows, &path), projection, fields),
                ConnectionPart::Edges(parts) => {
                    for part in parts {
                        if let EdgePart::Node(projection) = &part.value {
                            self.object((rows, &below(&path, &part.key)), projection, fields);
                        }
                    }
                }
                ConnectionPart::TotalCount => {
                    let Load { name, .. } = &self.plan.levels[level].loads[load];
                    let places = vec![self.place(level, load, Part::Count)];
                    merge(
                        fields,
                        Field { path, loader: Some(name), brings: Brings::Count, places, fields: Vec::new() },
                    );
                }
                ConnectionPart::TypeName(_) | ConnectionPart::PageInfo(_) => {}
            }
        }
    }

    /// The field at `path`, whose rows this load brings.
    fn loaded(&self, level: usize, load: usize, path: &str) -> Field {
        let loaded = &self.plan.levels[level].loads[load];
        let what = What { load: loaded, level: &self.plan.levels[loaded.level] };
        Field {
            path: path.to_owned(),
            loader: Some(loaded.name),
            brings: Brings::Rows(what.to_string()),
            places: vec![self.place(level, load, Part::Rows)],
            fields: Vec::new(),
        }
    }

    /// The level of the rows that a load brings.
    fn below(&self, level: usize, load: usize) -> usize {
        self.plan.levels[level].loads[load].level
    }

    fn place(&self, level: usize, load: usize, part: Part) -> Place {
        Place { plan: self.number, level, load, part }
    }
}

/// Objects of several types, and pages from cursors of several forms, stand at one path.
fn merge(fields: &mut Vec<Field>, mut field: Field) {
    let Some(known) = fields.iter_mut().find(|known| known.path == field.path) else {
        fields.push(field);
        return;
    };
    known.places.append(&mut field.places);
    for field in field.fields {
        merge(&mut known.fields, field);
    }
}

fn below(path: &str, key: &str) -> String {
    match (path, key) {
        ("", key) => key.to_owned(),
        (path, "") => path.to_owned(),
        _ => format!("{path}.{key}"),
    }
}
