//! People: logins of residents and staff, sessions begun and ended, settings.

mod api;
mod entity;
mod error;
pub mod gosuslugi;
pub mod login;
mod pages;
pub mod password;
pub mod people;
mod store;

use kabinet_core::{Manifest, Module, ModuleKind};
use kabinet_web::{ApiPart, PageRoute, WebModule};

pub use error::Error;
pub use gosuslugi::Gosuslugi;
pub use people::{StaffMember, Visitor};

static MANIFEST: Manifest =
    Manifest { id: "residents", title: "Абоненты", kind: ModuleKind::Core, permissions: &[], navigation: &[] };

/// The module: registration, login and settings of residents, login of staff.
#[derive(Clone, Debug, Default)]
pub struct Residents {
    passwords: password::Passwords,
    gosuslugi: Option<Gosuslugi>,
}

impl Residents {
    /// The module with its own queue for password hashing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, where companies may offer the login through Gosuslugi.
    #[must_use]
    pub fn with_gosuslugi(mut self, gosuslugi: Option<Gosuslugi>) -> Self {
        self.gosuslugi = gosuslugi;
        self
    }
}

impl Module for Residents {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
}

impl WebModule for Residents {
    fn pages(&self) -> Vec<PageRoute> {
        let mut routes = pages::routes(&self.passwords, self.gosuslugi.as_ref());
        routes.extend(gosuslugi::routes(self.gosuslugi.as_ref(), &self.passwords));
        routes
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
            ("residents/settings_gosuslugi.html", include_str!("../templates/residents/settings_gosuslugi.jinja")),
            ("residents/gosuslugi_failed.html", include_str!("../templates/residents/gosuslugi_failed.html")),
            ("residents/gosuslugi_link.html", include_str!("../templates/residents/gosuslugi_link.html")),
            ("residents/gosuslugi_unlink.html", include_str!("../templates/residents/gosuslugi_unlink.html")),
            ("residents/gosuslugi_join.html", include_str!("../templates/residents/gosuslugi_join.html")),
            ("residents/gosuslugi_confirm.html", include_str!("../templates/residents/gosuslugi_confirm.html")),
        ]
    }

    fn mails(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("residents/gosuslugi_linked.html", include_str!("../letters/gosuslugi_linked.html.jinja")),
            ("residents/gosuslugi_linked.txt", include_str!("../letters/gosuslugi_linked.txt.jinja")),
            ("residents/gosuslugi_unlinked.html", include_str!("../letters/gosuslugi_unlinked.html.jinja")),
            ("residents/gosuslugi_unlinked.txt", include_str!("../letters/gosuslugi_unlinked.txt.jinja")),
            ("residents/gosuslugi_email.html", include_str!("../letters/gosuslugi_email.html.jinja")),
            ("residents/gosuslugi_email.txt", include_str!("../letters/gosuslugi_email.txt.jinja")),
        ]
    }
}
