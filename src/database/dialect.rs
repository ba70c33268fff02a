//! The SQL in which the two databases differ.
