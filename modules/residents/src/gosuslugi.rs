//! Login through Gosuslugi (ESIA): the protocol's client, links between its people and our logins, pages.
//!
//! One way leads through it: [`Gosuslugi::authorize`] sends the browser away, the callback takes the
//! attempt back ([`attempts`]), [`Gosuslugi::identify`] asks ESIA who that was, and [`arrivals`] decides
//! whether it is a login, a link or a newcomer.

mod arrivals;
mod attempts;
pub mod certificate;
mod client;
mod entity;
mod failure;
mod http;
mod links;
mod pages;
pub mod protocol;
pub mod settings;
pub mod signer;
mod store;
mod token;

pub use certificate::ProviderKey;
pub use client::{Client, ClientConfig, Endpoint, Gosuslugi, Identity};
pub use failure::Failure;
pub use links::GosuslugiLinks;
pub(crate) use pages::{SettingsBlock, farewell, is_offered, routes, settings_block};
pub use settings::GosuslugiSettings;
pub use signer::{CommandSigner, MemorySigner, Signer};
pub(crate) use store::forget_expired;
