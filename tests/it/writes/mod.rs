//! Writes: what each mutation does, what it refuses, and what it leaves behind.

mod adoption;
mod bus;
mod faults;
mod features;
mod followers;
mod idempotency;
mod kill;
mod races;
mod statements;
