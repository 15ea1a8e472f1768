//! Houses, premises, accounts, their holders, and which resident sees which account.
//!
//! - [`linking`] is the one way for a resident to link an account: [`search`] finds it, a surname or the
//!   [`codes`] of receipts, which the QR beside them brings along sealed ([`sealed_codes`]), prove the right to it;
//! - [`helpers`] lets a relative send readings;
//! - [`registry`] brings accounts in and changes who holds them; [`absences`] are residents who were away;
//!   [`roster`] tells billing of them, [`houses`] of where they stand.

pub mod absences;
mod api;
mod changes;
pub mod codes;
mod entity;
mod error;
pub mod helpers;
pub mod houses;
mod jobs;
pub mod linking;
pub mod links;
mod notices;
mod pages;
mod personal;
pub mod profiles;
pub mod registry;
pub mod roster;
pub mod sealed_codes;
pub mod search;
mod settings;
mod spelling;
mod store;

use std::sync::Arc;

use kabinet_contracts::{Estimates, ReceiptCodes};
use kabinet_core::jobs::JobHandler;
use kabinet_core::{Manifest, Module, ModuleKind, Permission};
use kabinet_web::{ApiPart, PageRoute, WebModule};

pub use error::Error;
pub use personal::LinksOf;
pub use profiles::Profiles;
pub use settings::{AccountsSettings, LinkMethod, MODULE};

static MANIFEST: Manifest = Manifest {
    id: MODULE,
    title: "Лицевые счета",
    kind: ModuleKind::Core,
    permissions: &[Permission { key: "accounts.manage", roles: &["administrator"] }],
    navigation: &[],
};

/// The module.
pub struct Accounts {
    receipts: Arc<dyn ReceiptCodes>,
    estimates: Arc<dyn Estimates>,
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Accounts")
    }
}

impl Accounts {
    /// The module, asking `receipts` for the codes printed on them and telling `estimates` of what changes them.
    #[must_use]
    pub fn new(receipts: Arc<dyn ReceiptCodes>, estimates: Arc<dyn Estimates>) -> Self {
        Self { receipts, estimates }
    }
}

impl Module for Accounts {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn jobs(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![Arc::new(jobs::RefusedJob)]
    }
}

impl WebModule for Accounts {
    fn pages(&self) -> Vec<PageRoute> {
        pages::routes(&self.receipts)
    }

    fn admin_api(&self) -> Vec<ApiPart> {
        let (receipts, estimates) = (self.receipts.clone(), self.estimates.clone());
        vec![ApiPart::new(api::admin::AdminApi { receipts, estimates })]
    }

    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("accounts/list.html", include_str!("../templates/accounts/list.html")),
            ("accounts/link.html", include_str!("../templates/accounts/link.html")),
            ("accounts/check.html", include_str!("../templates/accounts/check.html")),
            ("accounts/unlink.html", include_str!("../templates/accounts/unlink.html")),
            ("accounts/helpers.html", include_str!("../templates/accounts/helpers.html")),
            ("accounts/invitation.html", include_str!("../templates/accounts/invitation.html")),
        ]
    }

    fn mails(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("accounts/linked.html", include_str!("../templates/accounts/linked.html")),
            ("accounts/linked.txt", include_str!("../templates/accounts/linked.txt")),
            ("accounts/attempts.html", include_str!("../templates/accounts/attempts.html")),
            ("accounts/attempts.txt", include_str!("../templates/accounts/attempts.txt")),
            ("accounts/ended.html", include_str!("../templates/accounts/ended.html")),
            ("accounts/ended.txt", include_str!("../templates/accounts/ended.txt")),
            ("accounts/helper.html", include_str!("../templates/accounts/helper.html")),
            ("accounts/helper.txt", include_str!("../templates/accounts/helper.txt")),
        ]
    }
}
