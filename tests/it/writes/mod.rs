//! Writes: what each mutation does, what it refuses, and what it leaves behind.

mod features;
