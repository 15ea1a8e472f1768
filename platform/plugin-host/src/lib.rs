//! Tariff plugins: WebAssembly components checked, compiled and run within limits.
//!
//! A component is parsed and compiled in a sandbox worker ([`compile_task`]), its artifact is
//! kept on disk under a keyed hash, and each call runs in a fresh instance of the server's own
//! pool. What comes back is verified against what was asked before anybody sees it.

#![cfg_attr(
    feature = "native",
    allow(clippy::duplicate_mod, reason = "the same conversions stand over the contract's types and over the SDK's")
)]

pub mod api;
pub mod cases;
pub mod manifest;
#[cfg(feature = "native")]
pub mod native;
pub mod words;

mod artifact;
mod compile;
mod engine;
mod error;
mod host;
mod limits;
mod money;
mod precheck;
mod v1;
mod verify;

pub use compile::compile_task;
pub use error::{Exceeded, PluginError};
pub use host::{PluginHost, TariffPlugin, Usage};
pub use limits::{COMPONENT_BYTES, Limits};
pub use money::kopecks;
