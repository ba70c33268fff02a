//! The door: how often somebody may come, whose pages may ask, what browsers are told, and TLS.

mod cors;
mod headers;
mod rate_limit;
mod tls;
