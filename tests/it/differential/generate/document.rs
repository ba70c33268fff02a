//! Documents as trees, so that they can be made and shrunk; and how they are spelled.

use std::fmt::Write as _;

use async_graphql::{Name, Request, Value, Variables};
use async_graphql_value::Value as RawValue;

use super::Values;

/// A request.
#[derive(Clone, Default)]
pub(crate) struct Document {
    pub(crate) operations: Vec<Operation>,
    pub(crate) fragments: Vec<Fragment>,
    pub(crate) operation_name: Option<String>,
    /// The values that are given to variables.
    pub(crate) values: Vec<(String, Value)>,
}

#[derive(Clone, Default)]
pub(crate) struct Operation {
    pub(crate) name: Option<String>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) selections: Vec<Selection>,
}

#[derive(Clone)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) ty: String,
    pub(crate) default: Option<Value>,
    /// Whether it stands where null may stand, too.
    pub(crate) may_be_null: bool,
}

#[derive(Clone)]
pub(crate) struct Fragment {
    pub(crate) name: String,
    pub(crate) on: &'static str,
    pub(crate) selections: Vec<Selection>,
}

#[derive(Clone)]
pub(crate) struct Selection {
    pub(crate) what: What,
    /// `skip` or `include`, and the condition.
    pub(crate) directives: Vec<(&'static str, RawValue)>,
    pub(crate) selections: Vec<Selection>,
}

#[derive(Clone)]
pub(crate) enum What {
    Field { alias: Option<String>, name: &'static str, arguments: Vec<(&'static str, RawValue)> },
    Inline { on: Option<&'static str> },
    Spread { fragment: String },
}

impl Document {
    /// The request as it is sent.
    pub(crate) fn request(&self) -> Request {
        let values = self.values.iter().map(|(name, value)| (Name::new(name), value.clone()));
        // As JSON has them: an enum's value is a string.
        let values = Value::Object(values.collect()).into_json().unwrap();
        let request = Request::new(self.text()).variables(Variables::from_json(values));
        match &self.operation_name {
            Some(name) => request.operation_name(name),
            None => request,
        }
    }

    /// The same document, with other values for the variables that it has.
    pub(crate) fn with(&self, values: &Values) -> Self {
        let is_declared = |name: &String| {
            self.operations.iter().any(|operation| operation.variables.iter().any(|variable| variable.name == *name))
        };
        let values = values.iter().filter(|(name, _)| is_declared(name)).cloned().collect();
        Self { values, ..self.clone() }
    }

    /// The document.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for operation in &self.operations {
            let name = operation.name.as_deref().unwrap_or_default();
            let variables = operation.variables.iter().map(|variable| {
                let default =
                    variable.default.as_ref().map(|value| format!(" = {}", literal(&value.clone().into_value())));
                format!("${}: {}{}", variable.name, variable.ty, default.unwrap_or_default())
            });
            let variables = variables.collect::<Vec<_>>().join(", ");
            let variables = if variables.is_empty() { variables } else { format!("({variables})") };
            write!(text, "query {name}{variables}").unwrap();
            write_selections(&operation.selections, 0, &mut text);
            text.push('\n');
        }
        for fragment in &self.fragments {
            write!(text, "fragment {} on {}", fragment.name, fragment.on).unwrap();
            write_selections(&fragment.selections, 0, &mut text);
            text.push('\n');
        }
        text
    }

    /// All selection sets, the operations' first.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &Vec<Selection>> {
        let operations = self.operations.iter().map(|operation| &operation.selections);
        operations.chain(self.fragments.iter().map(|fragment| &fragment.selections))
    }

    /// Calls `visit` with every selection.
    pub(crate) fn each(&self, visit: &mut impl FnMut(&Selection)) {
        fn each_of(set: &[Selection], visit: &mut impl FnMut(&Selection)) {
            for selection in set {
                visit(selection);
                each_of(&selection.selections, visit);
            }
        }
        self.sets().for_each(|set| each_of(set, visit));
    }
}

fn write_selections(set: &[Selection], depth: usize, text: &mut String) {
    text.push_str(" {\n");
    for selection in set {
        text.push_str(&"  ".repeat(depth + 1));
        match &selection.what {
            What::Field { alias, name, arguments } => {
                if let Some(alias) = alias {
                    write!(text, "{alias}: ").unwrap();
                }
                text.push_str(name);
                text.push_str(&arguments_text(arguments));
            }
            What::Inline { on: Some(on) } => write!(text, "... on {on}").unwrap(),
            What::Inline { on: None } => text.push_str("..."),
            What::Spread { fragment } => write!(text, "...{fragment}").unwrap(),
        }
        for (name, condition) in &selection.directives {
            write!(text, " @{name}(if: {})", literal(condition)).unwrap();
        }
        if !selection.selections.is_empty() {
            write_selections(&selection.selections, depth + 1, text);
        }
        text.push('\n');
    }
    text.push_str(&"  ".repeat(depth));
    text.push('}');
}

/// `(first: 1, after: $a)`; nothing where there are none.
pub(crate) fn arguments_text(arguments: &[(&'static str, RawValue)]) -> String {
    let spelled = arguments.iter().map(|(name, value)| format!("{name}: {}", literal(value)));
    let spelled = spelled.collect::<Vec<_>>().join(", ");
    if spelled.is_empty() { spelled } else { format!("({spelled})") }
}

/// A value as a document spells it.
fn literal(value: &RawValue) -> String {
    match value {
        // JSON's strings are GraphQL's as well, as long as they hold no surrogates, which serde_json does not write.
        RawValue::String(text) => serde_json::to_string(text).unwrap(),
        RawValue::List(items) => format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", ")),
        RawValue::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}: {}", literal(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
