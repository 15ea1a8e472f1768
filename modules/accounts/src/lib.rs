//! Houses, premises, accounts, their holders, and which resident sees which account.

mod entity;
mod error;
pub mod links;
mod pages;
pub mod profiles;
pub mod registry;
pub mod roster;

use kabinet_core::{Manifest, Module, ModuleKind};
use kabinet_web::{PageRoute, WebModule};

pub use error::Error;
pub use profiles::Profiles;

static MANIFEST: Manifest =
    Manifest {
        id: "accounts", title: "Лицевые счета", kind: ModuleKind::Core, permissions: &[], navigation: &[]
    };

/// The module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accounts;

impl Module for Accounts {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
}

impl WebModule for Accounts {
    fn pages(&self) -> Vec<PageRoute> {
        pages::routes()
    }

    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[("accounts/list.html", include_str!("../templates/accounts/list.html"))]
    }
}
