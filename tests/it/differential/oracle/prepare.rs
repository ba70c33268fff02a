//! Makes of a request one that the oracle's schema can run: its root is `type Root { oracle: Query }`, since a schema's own
//! root is executed by async-graphql alone.
//!
//! Two more of async-graphql's habits are mended here, as the product does: the defaults of variables reach neither `@skip`
//! nor `@include`, and the values of variables are checked together with the document.

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Pos, Positioned, Request, ServerError};

use super::variables::Types;

/// The field that everything is asked of.
pub(super) const ORACLE: &str = "oracle";

/// The request with its document, or why it cannot run.
pub(super) fn prepare(
    mut request: Request,
    mut document: ExecutableDocument,
    types: &Types,
) -> Result<Request, Vec<ServerError>> {
    let name = request.operation_name.clone();
    let chosen = match (&document.operations, &name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name.as_str()),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
        (DocumentOperations::Single(_), Some(_)) | (DocumentOperations::Multiple(_), None) => None,
    };
    // The values of other operations' variables are not looked at.
    if let Some(operation) = chosen {
        let own: Vec<_> = operation.node.variable_definitions.iter().map(|variable| &variable.node.name.node).collect();
        request.variables.retain(|name, _| own.contains(&name));
    }
    let mut errors = Vec::new();
    for variable in chosen.into_iter().flat_map(|operation| &operation.node.variable_definitions) {
        let (name, ty) = (&variable.node.name.node, &variable.node.var_type.node);
        match (request.variables.get(name), &variable.node.default_value) {
            // Whether the default fits the type is validation's to say.
            (None, Some(default)) => drop(request.variables.insert(name.clone(), default.node.clone())),
            (None, None) if ty.nullable => {}
            (None, None) => {
                let message = format!("variable ${name} of type {ty} was not given");
                errors.push(ServerError::new(message, Some(variable.pos)));
            }
            (Some(value), _) => {
                let fault = types.fault(name, ty, value);
                errors.extend(fault.map(|message| ServerError::new(message, Some(variable.pos))));
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    match &mut document.operations {
        DocumentOperations::Single(operation) => wrap(&mut operation.node.selection_set),
        DocumentOperations::Multiple(operations) => {
            for operation in operations.values_mut() {
                wrap(&mut operation.node.selection_set);
            }
        }
    }
    request.set_parsed_query(document);
    Ok(request)
}

fn wrap(set: &mut Positioned<SelectionSet>) {
    let at = set.pos;
    let inner = std::mem::replace(set, Positioned::new(SelectionSet::default(), at));
    set.node.items.push(Positioned::new(Selection::Field(Positioned::new(oracle_field(inner, at), at)), at));
}

fn oracle_field(selection_set: Positioned<SelectionSet>, at: Pos) -> Field {
    Field {
        alias: None,
        name: Positioned::new(Name::new(ORACLE), at),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set,
    }
}
