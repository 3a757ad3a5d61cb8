//! HTTP.

pub mod web_socket;
