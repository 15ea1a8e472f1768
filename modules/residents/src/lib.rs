//! People: logins of residents and staff, sessions begun and ended, settings.

mod api;
mod entity;
mod error;
pub mod login;
mod pages;
pub mod password;
pub mod people;
mod store;

use kabinet_core::{Manifest, Module, ModuleKind};
use kabinet_web::{ApiPart, PageRoute, WebModule};

pub use error::Error;
pub use people::{StaffMember, Visitor};

static MANIFEST: Manifest =
    Manifest { id: "residents", title: "Абоненты", kind: ModuleKind::Core, permissions: &[], navigation: &[] };

/// The module: registration, login and settings of residents, login of staff.
#[derive(Clone, Debug, Default)]
pub struct Residents {
    passwords: password::Passwords,
}

impl Residents {
    /// The module with its own queue for password hashing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Module for Residents {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
}

impl WebModule for Residents {
    fn pages(&self) -> Vec<PageRoute> {
        pages::routes(&self.passwords)
    }

    fn resident_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(api::portal::SessionApi)]
    }

    fn admin_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(api::admin::StaffSessionApi { passwords: self.passwords.clone() })]
    }

    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("residents/start.html", include_str!("../templates/residents/start.html")),
            ("residents/settings.html", include_str!("../templates/residents/settings.html")),
        ]
    }
}
