//! «Отказ от бумажного носителя ПД»: receipts by e-mail in the place of paper.
//!
//! - [`application`] is what a resident confirms and its document; [`refusals`] what it leads to and what ends it;
//! - `delivery` sends the receipts at publication; [`lists`] says who gets no paper;
//! - `flags` is the column of the list of accounts, `events` what comes from outside, `notices` the other letters.

mod api;
pub mod application;
mod delivery;
mod entity;
mod error;
mod events;
mod flags;
pub mod lists;
mod notices;
mod pages;
mod personal;
pub mod refusals;
mod settings;
mod store;

use std::sync::Arc;

use kabinet_contracts::{AccountFlags, PaperRefusals};
use kabinet_core::jobs::{EventHandler, JobHandler};
use kabinet_core::mail::AttachmentSource;
use kabinet_core::{Answer, Manifest, Module, ModuleKind, Permission};
use kabinet_render::ReceiptPrinter;
use kabinet_web::{ApiPart, PageRoute, WebModule};

pub use error::Error;
pub use personal::RefusalsOf;
pub use settings::{MODULE, PaperlessSettings};

static MANIFEST: Manifest = Manifest {
    id: MODULE,
    title: "Отказ от бумажной квитанции",
    kind: ModuleKind::Optional,
    permissions: &[
        Permission { key: "paperless.list", roles: &["administrator", "accountant"] },
        Permission { key: "paperless.restore", roles: &["administrator"] },
    ],
    navigation: &[],
};

/// The module.
pub struct Paperless {
    printer: ReceiptPrinter,
}

impl std::fmt::Debug for Paperless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Paperless")
    }
}

impl Paperless {
    /// The module; applications are printed by `printer`.
    #[must_use]
    pub const fn new(printer: ReceiptPrinter) -> Self {
        Self { printer }
    }
}

impl Module for Paperless {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn jobs(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![Arc::new(delivery::DeliverJob), Arc::new(delivery::ResumeJob)]
    }

    fn subscriptions(&self) -> Vec<Arc<dyn EventHandler>> {
        vec![Arc::new(delivery::Published), Arc::new(events::Unlinked), Arc::new(events::Bounced)]
    }

    fn answers(&self) -> Vec<Answer> {
        vec![
            Answer::to::<dyn AccountFlags>(Arc::new(flags::Flags)),
            Answer::to::<dyn PaperRefusals>(Arc::new(lists::Refusals)),
            Answer::to::<dyn AttachmentSource>(Arc::new(application::Documents)),
        ]
    }
}

impl WebModule for Paperless {
    fn pages(&self) -> Vec<PageRoute> {
        pages::routes(&self.printer)
    }

    fn resident_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(api::portal::PortalApi { printer: self.printer.clone() })]
    }

    fn admin_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(api::admin::AdminApi)]
    }

    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("paperless/application.html", include_str!("../templates/paperless/application.html")),
            ("paperless/restore.html", include_str!("../templates/paperless/restore.html")),
        ]
    }

    fn mails(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("paperless/receipts.html", include_str!("../templates/paperless/receipts.html")),
            ("paperless/receipts.txt", include_str!("../templates/paperless/receipts.txt")),
            ("paperless/accepted.html", include_str!("../templates/paperless/accepted.html")),
            ("paperless/accepted.txt", include_str!("../templates/paperless/accepted.txt")),
            ("paperless/restored.html", include_str!("../templates/paperless/restored.html")),
            ("paperless/restored.txt", include_str!("../templates/paperless/restored.txt")),
        ]
    }
}
