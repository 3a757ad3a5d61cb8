//! The doors over TLS: lines and pages, certificates and when they change, and who comes without
//! it.

#[path = "../support/certificates.rs"]
mod certificates;
#[path = "../support/mod.rs"]
mod support;

mod admission;
mod changing;
mod clients;
mod development;
mod ending;
mod idle;
mod insisting;
mod rig;
mod starting;
mod strangers;
