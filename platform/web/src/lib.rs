//! The platform's HTTP: hosts and companies, sessions, forms, pages, the merged API and errors.
//!
//! A resident's request runs one way: host → company → session → module gate → handler.

mod address;
pub mod api;
pub mod asset;
mod beat;
pub mod captcha;
mod client;
mod compression;
pub mod cookie;
mod counter;
mod docs;
pub mod form;
mod gate;
mod headers;
pub mod host;
mod nul;
mod number;
mod offline;
pub mod page;
mod person;
pub mod platform;
pub mod problem;
mod profile;
mod redirect;
pub mod repeat;
pub mod return_to;
pub mod sealed;
mod sent;
pub mod session;
mod surface;
pub mod theme;
pub mod upload;
mod view;

pub use address::PublicAddress;
pub use api::{ApiPart, ApiResult, openapi_document};
pub use beat::on_the_beat;
pub use captcha::Captcha;
pub use client::ClientAddress;
pub use counter::{Counter, Counters};
pub use form::Form;
pub use page::FieldError;
pub use person::{Guest, Resident, Staff};
pub use platform::{Platform, PlatformConfig};
pub use problem::{Problem, identifier};
pub use profile::{AccountAccess, AccountRef, LinkedAccount, Profile, ProfileSource};
pub use redirect::{see_other, see_other_saying};
pub use sent::sent_file;
pub use surface::{PageRoute, Site, WebModule, application};
pub use upload::{FormWithFiles, Upload};
