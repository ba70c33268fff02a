//! Lists of changes of any kind, carried out as one: a project with its features, their tests and deployments in one request.
//!
//! **Invariant:** all steps are carried out, or none; a step is what the slice's own mutation is, with the same checks. It uses the
//! slices' `writes`, and in `mutations` their inputs; no slice uses it.

pub mod mutations;
pub mod writes;
