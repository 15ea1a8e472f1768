//! Requests of residents: appeals, paid services, emergencies.
//!
//! - [`filing`] judges what was typed, [`attachments`] what was sent along;
//! - [`tickets`] is a request's life: filed, taken, answered, ended, opened again, rated; [`state`] says what may
//!   follow on what, [`topics`] in what time it is due (data), [`history`] keeps every deed;
//! - [`queue`] is what staff see of it; [`catalogue`] holds the paid services.

mod api;
pub mod attachments;
pub mod catalogue;
mod chat_appeals;
mod entity;
mod error;
pub mod filing;
pub mod history;
mod pages;
mod personal;
pub mod queue;
mod settings;
pub mod state;
mod store;
pub mod tickets;
pub mod topics;
mod view;

use std::sync::Arc;

use kabinet_contracts::Appeals;
use kabinet_core::jobs::JobHandler;
use kabinet_core::{Answer, Manifest, Module, ModuleKind, NavItem, Permission};
use kabinet_files::{Files, Sweep};
use kabinet_web::{ApiPart, PageRoute, WebModule};

pub use error::Error;
pub use personal::RequestsOf;
pub use settings::{MODULE, RequestsSettings};

static MANIFEST: Manifest = Manifest {
    id: MODULE,
    title: "Заявки",
    kind: ModuleKind::Optional,
    permissions: &[
        Permission { key: "requests.handle", roles: &["administrator", "dispatcher"] },
        Permission { key: "requests.catalogue", roles: &["administrator"] },
    ],
    navigation: &[NavItem { title: "Заявки", href: "/requests", position: 80, sums: false }],
};

/// The module.
#[derive(Debug)]
pub struct Requests {
    files: Files,
}

impl Requests {
    /// The module, keeping what is sent along in `files`.
    #[must_use]
    pub const fn new(files: Files) -> Self {
        Self { files }
    }
}

impl Module for Requests {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn jobs(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![Arc::new(Sweep::new(self.files.clone(), MODULE, "request_file"))]
    }

    fn answers(&self) -> Vec<Answer> {
        vec![Answer::to::<dyn Appeals>(Arc::new(chat_appeals::ChatAppeals))]
    }
}

impl WebModule for Requests {
    fn pages(&self) -> Vec<PageRoute> {
        pages::routes(&self.files)
    }

    fn resident_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(api::portal::PortalApi)]
    }

    fn admin_api(&self) -> Vec<ApiPart> {
        let requests = api::admin::AdminApi { files: self.files.clone() };
        vec![ApiPart::new(requests), ApiPart::new(api::catalogue::CatalogueApi)]
    }

    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("requests/list.html", include_str!("../templates/requests/list.html")),
            ("requests/new.html", include_str!("../templates/requests/new.html")),
            ("requests/ticket.html", include_str!("../templates/requests/ticket.html")),
        ]
    }
}
