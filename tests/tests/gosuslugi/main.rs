//! Login through Gosuslugi against the demo's strict provider: the protocol, what can go wrong, first
//! visits, links.

mod first_visit;
mod gost;
mod journey;
mod knobs;
mod links;
mod mail_domains;
mod request;
