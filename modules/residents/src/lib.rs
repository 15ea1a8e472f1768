//! People: logins of residents and staff, registration and recovery, sessions, settings, leaving.

mod api;
mod attempts;
pub mod consent;
mod deletion;
mod device;
mod email;
mod entity;
mod error;
mod export;
pub mod gosuslugi;
mod housekeeping;
mod login;
mod mailed_link;
mod means;
mod pages;
pub mod password;
pub mod people;
mod phone;
mod profile;
mod recovery;
mod registration;
pub mod settings;
mod store;
mod strength;

use std::sync::Arc;

use kabinet_contracts::PersonalData;
use kabinet_core::jobs::JobHandler;
use kabinet_core::pace::Pace;
use kabinet_core::{Manifest, Module, ModuleKind};
use kabinet_web::{ApiPart, PageRoute, WebModule};

pub use error::Error;
pub use gosuslugi::Gosuslugi;
pub use people::{StaffMember, Visitor};
pub use settings::{MODULE, PlatformRules, ResidentsSettings};

use means::Means;

static MANIFEST: Manifest =
    Manifest { id: MODULE, title: "Абоненты", kind: ModuleKind::Core, permissions: &[], navigation: &[] };

/// The module: registration, login and settings of residents, login of staff.
#[derive(Clone, Debug)]
pub struct Residents {
    means: Means,
}

impl Residents {
    /// The module with its own queue for password hashing, which rests as `pace` says; `parts` are asked for what they
    /// hold when a resident exports or deletes.
    #[must_use]
    pub fn new(parts: Vec<Arc<dyn PersonalData>>, pace: &Pace) -> Self {
        let passwords = password::Passwords::new(pace);
        Self { means: Means { passwords, rules: Arc::default(), parts: parts.into(), gosuslugi: None } }
    }

    /// The module under the rules of the platform's operator.
    #[must_use]
    pub fn under(mut self, rules: PlatformRules) -> Self {
        self.means.rules = Arc::new(rules);
        self
    }

    /// The module, where companies may offer the login through Gosuslugi; without a `gosuslugi` none may.
    #[must_use]
    pub fn with_gosuslugi(mut self, gosuslugi: Option<Gosuslugi>) -> Self {
        self.means.gosuslugi = gosuslugi;
        self
    }
}

impl Module for Residents {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn jobs(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![
            Arc::new(recovery::SendRecovery),
            Arc::new(export::BuildExport { parts: self.means.parts.clone() }),
            Arc::new(housekeeping::ForgetExpired),
            Arc::new(housekeeping::EmptyLog),
        ]
    }
}

impl WebModule for Residents {
    fn pages(&self) -> Vec<PageRoute> {
        let mut routes = pages::routes(&self.means);
        routes.extend(gosuslugi::routes(&self.means));
        routes
    }

    fn resident_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(api::portal::MeApi)]
    }

    fn admin_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(api::admin::StaffSessionApi { means: self.means.clone() })]
    }

    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("residents/start.html", include_str!("../templates/residents/start.html")),
            ("residents/register.html", include_str!("../templates/residents/register.html")),
            ("residents/letter_sent.html", include_str!("../templates/residents/letter_sent.html")),
            ("residents/activate.html", include_str!("../templates/residents/activate.html")),
            ("residents/stale_link.html", include_str!("../templates/residents/stale_link.html")),
            ("residents/consent.html", include_str!("../templates/residents/consent.html")),
            (consent::TEMPLATE, include_str!("../templates/residents/consent-2026-11.txt")),
            ("residents/recover.html", include_str!("../templates/residents/recover.html")),
            ("residents/new_password.html", include_str!("../templates/residents/new_password.html")),
            ("residents/settings.html", include_str!("../templates/residents/settings.html")),
            ("residents/confirm_email.html", include_str!("../templates/residents/confirm_email.html")),
            ("residents/withdraw_consent.html", include_str!("../templates/residents/withdraw_consent.html")),
            ("residents/delete.html", include_str!("../templates/residents/delete.html")),
            ("residents/gosuslugi_failed.html", include_str!("../templates/residents/gosuslugi_failed.html")),
            ("residents/gosuslugi_link.html", include_str!("../templates/residents/gosuslugi_link.html")),
            ("residents/gosuslugi_unlink.html", include_str!("../templates/residents/gosuslugi_unlink.html")),
            ("residents/gosuslugi_join.html", include_str!("../templates/residents/gosuslugi_join.html")),
            ("residents/gosuslugi_confirm.html", include_str!("../templates/residents/gosuslugi_confirm.html")),
        ]
    }

    fn mails(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("residents/activation.html", include_str!("../templates/residents/activation.html")),
            ("residents/activation.txt", include_str!("../templates/residents/activation.txt")),
            ("residents/recovery.html", include_str!("../templates/residents/recovery.html")),
            ("residents/recovery.txt", include_str!("../templates/residents/recovery.txt")),
            ("residents/password_changed.html", include_str!("../templates/residents/password_changed.html")),
            ("residents/password_changed.txt", include_str!("../templates/residents/password_changed.txt")),
            ("residents/email_change.html", include_str!("../templates/residents/email_change.html")),
            ("residents/email_change.txt", include_str!("../templates/residents/email_change.txt")),
            ("residents/email_taken.html", include_str!("../templates/residents/email_taken.html")),
            ("residents/email_taken.txt", include_str!("../templates/residents/email_taken.txt")),
            ("residents/email_notice.html", include_str!("../templates/residents/email_notice.html")),
            ("residents/email_notice.txt", include_str!("../templates/residents/email_notice.txt")),
            ("residents/export_ready.html", include_str!("../templates/residents/export_ready.html")),
            ("residents/export_ready.txt", include_str!("../templates/residents/export_ready.txt")),
            ("residents/gosuslugi_linked.html", include_str!("../templates/residents/gosuslugi_linked.html")),
            ("residents/gosuslugi_linked.txt", include_str!("../templates/residents/gosuslugi_linked.txt")),
            ("residents/gosuslugi_unlinked.html", include_str!("../templates/residents/gosuslugi_unlinked.html")),
            ("residents/gosuslugi_unlinked.txt", include_str!("../templates/residents/gosuslugi_unlinked.txt")),
            ("residents/gosuslugi_email.html", include_str!("../templates/residents/gosuslugi_email.html")),
            ("residents/gosuslugi_email.txt", include_str!("../templates/residents/gosuslugi_email.txt")),
        ]
    }
}
