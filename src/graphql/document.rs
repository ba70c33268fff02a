//! What has to be known of a document before it runs.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Request, ServerError, Value, Variables};
use async_graphql_value::Value as RawValue;

use crate::code::Code;

/// A request whose document was parsed.
pub(super) struct Document {
    pub(super) request: Request,
    /// The root fields' response keys, in the order in which the answer has them.
    pub(super) keys: Vec<Name>,
    /// Those among them that are selected more than once.
    pub(super) repeated: HashSet<Name>,
}

impl Document {
    /// Parses the request's document and puts the defaults of its variables among the variables: async-graphql applies
    /// them to the arguments of its own resolvers, but neither to `@skip` and `@include` nor to the engine's arguments.
    pub(super) fn prepare(mut request: Request) -> Result<Self, Vec<ServerError>> {
        let document = async_graphql::parser::parse_query(&request.query).map_err(|error| {
            let mut error = ServerError::from(error);
            error.message = describe_parse_error(&error.message);
            error.extensions.get_or_insert_default().set("code", Code::ParseFailed.as_str());
            vec![error]
        })?;
        let (mut keys, mut repeated) = (Vec::new(), HashSet::new());
        if let Some(operation) = select_operation(&document, request.operation_name.as_deref()) {
            add_missing_variables(&mut request, &operation.node)?;
            let mut spreads = HashMap::new();
            let within = (&document, &request.variables);
            collect_keys(&operation.node.selection_set.node, within, &mut spreads, &mut keys);
            // What a fragment selects that is spread again is selected again.
            let again = spreads
                .into_iter()
                .filter(|(_, count)| *count > 1)
                .filter_map(|(name, _)| document.fragments.get(name));
            let mut inner = HashMap::new();
            for fragment in again {
                let mut keys = Vec::new();
                collect_keys(&fragment.node.selection_set.node, within, &mut inner, &mut keys);
                repeated.extend(keys);
            }
        }
        let mut seen = HashSet::new();
        keys.retain(|key| {
            let first = seen.insert(key.clone());
            if !first {
                repeated.insert(key.clone());
            }
            first
        });
        request.set_parsed_query(document);
        Ok(Self { request, keys, repeated })
    }
}

/// The operation that will run; where none can be told, execution says so.
fn select_operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Option<&'d Positioned<OperationDefinition>> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) => {
            operations.values().next().filter(|_| operations.len() == 1)
        }
    }
}

fn add_missing_variables(request: &mut Request, operation: &OperationDefinition) -> Result<(), Vec<ServerError>> {
    let mut errors = Vec::new();
    for definition in &operation.variable_definitions {
        let (name, ty) = (&definition.node.name.node, &definition.node.var_type.node);
        let given = request.variables.get(name);
        match &definition.node.default_value {
            Some(default) if given.is_none() => {
                request.variables.insert(name.clone(), default.node.clone());
            }
            _ if !ty.nullable && given.is_none_or(|value| *value == Value::Null) => {
                let message = format!("variable ${name} of type {ty} was not given");
                let mut error = ServerError::new(message, Some(definition.pos));
                error.extensions.get_or_insert_default().set("code", Code::ValidationFailed.as_str());
                errors.push(error);
            }
            _ => {}
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// The response keys of a selection set, in the order of the document: what `@skip` and `@include` leave out has no place
/// in it. Each fragment is put in once, and its spreads are
/// counted: what spreads itself many times over must not take as many steps. It keeps a stack of its own, since it runs
/// before async-graphql checks the depth: a chain of thousands of fragments must not overflow the thread's.
fn collect_keys<'d>(
    set: &'d SelectionSet,
    (document, variables): (&'d ExecutableDocument, &Variables),
    spreads: &mut HashMap<&'d Name, usize>,
    keys: &mut Vec<Name>,
) {
    let mut open = vec![set.items.iter()];
    while let Some(items) = open.last_mut() {
        let Some(item) = items.next() else {
            open.pop();
            continue;
        };
        if item.node.directives().iter().any(|directive| leaves_out(&directive.node, variables)) {
            continue;
        }
        match &item.node {
            Selection::Field(field) => keys.push(field.node.response_key().node.clone()),
            Selection::InlineFragment(fragment) => open.push(fragment.node.selection_set.node.items.iter()),
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                let count = spreads.entry(name).or_default();
                *count += 1;
                if let Some(fragment) = document.fragments.get(name).filter(|_| *count == 1) {
                    open.push(fragment.node.selection_set.node.items.iter());
                }
            }
        }
    }
}

/// Whether a directive is a `@skip` or an `@include` that leaves its selection out, as async-graphql reads them.
fn leaves_out(directive: &Directive, variables: &Variables) -> bool {
    let included = match directive.name.node.as_str() {
        "skip" => false,
        "include" => true,
        _ => return false,
    };
    let condition = directive.get_argument("if").map(|condition| &condition.node);
    let holds = match condition {
        Some(RawValue::Boolean(holds)) => *holds,
        Some(RawValue::Variable(name)) => matches!(variables.get(name), Some(Value::Boolean(true))),
        _ => false,
    };
    condition.is_some() && holds != included
}

/// What the parser expected. The rest of its message quotes the line, which an answer must not repeat: it may be as long
/// as the request, and hold what does not belong into a log.
fn describe_parse_error(message: &str) -> String {
    match message.rsplit_once("\n  = ").or_else(|| message.rsplit_once(" = ")) {
        Some((_, expected)) => format!("the document is not GraphQL: {}", expected.trim()),
        None => "the document is not GraphQL".to_owned(),
    }
}
