//! Services, tariffs, runs, charges, payments, receipts.

mod allocation;
mod api;
pub mod arrears;
pub mod awards;
pub mod benefits;
pub mod calculation;
pub mod catalog;
pub mod charges;
mod codes;
pub mod difference;
pub mod documents;
mod due_days;
pub mod entity;
mod error;
mod estimate;
pub mod houses;
pub mod instalments;
mod jobs;
pub mod ledger;
mod loading;
pub mod overview;
mod pages;
pub mod payments;
pub mod penalty;
pub mod plan;
mod plugins;
pub mod recalculations;
pub mod receipts;
pub mod runs;
mod settings;
mod store;
pub mod totals;
pub mod trace;

use std::sync::Arc;

use kabinet_contracts::Estimates;
use kabinet_core::jobs::JobHandler;
use kabinet_core::mail::AttachmentSource;
use kabinet_core::{Answer, Db, Manifest, Module, ModuleKind, NavItem, Permission, Ports};
use kabinet_plugin_host::PluginHost;
use kabinet_render::ReceiptPrinter;
use kabinet_web::{ApiPart, PageRoute, WebModule};

pub use codes::Codes;
pub use due_days::{DueDay, DueDays};
pub use error::{Entry, Error};
pub use estimate::Preliminary;
pub use plugins::Plugins;
use receipts::printouts::{ForgetJob, PrintJob};
pub use receipts::{Linking, Receipts};
pub use settings::{BillingSettings, MODULE};

static MANIFEST: Manifest = Manifest {
    id: MODULE,
    title: "Начисления и оплаты",
    kind: ModuleKind::Core,
    permissions: &[
        Permission { key: "billing.view", roles: &["administrator", "accountant"] },
        Permission { key: "billing.run", roles: &["administrator", "accountant"] },
        Permission { key: "billing.publish", roles: &["administrator", "accountant"] },
        Permission { key: "billing.catalog", roles: &["administrator", "accountant"] },
        // What a plugin or a template does cannot be told from its text: not for everybody who may set a tariff.
        Permission { key: "billing.plugins", roles: &["administrator"] },
        Permission { key: "billing.correct", roles: &["administrator", "accountant"] },
        Permission { key: "billing.print", roles: &["administrator", "accountant"] },
    ],
    navigation: &[
        NavItem { title: "Общая информация", href: "/overview", position: 10, sums: false },
        NavItem { title: "Детализация по услугам", href: "/services", position: 20, sums: true },
        NavItem { title: "Детализация начислений", href: "/charges", position: 30, sums: true },
        NavItem { title: "История оплат", href: "/payments", position: 40, sums: true },
        NavItem { title: "Документы", href: "/documents", position: 70, sums: true },
    ],
};

/// The module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Billing {
    plugins: Plugins,
    preliminary: Preliminary,
    receipts: Receipts,
}

impl Billing {
    /// Billing over `db`: plugins run in `host`, receipts are printed by `printer`.
    #[must_use]
    pub fn new(db: Db, host: PluginHost, printer: ReceiptPrinter) -> Self {
        let plugins = Plugins::new(&db, host);
        let preliminary = Preliminary::new(db.clone(), plugins.clone());
        Self { plugins, preliminary, receipts: Receipts::new(db, printer) }
    }

    /// Billing with codes for linking on the receipts.
    #[must_use]
    pub fn with_linking(mut self, linking: Linking) -> Self {
        self.receipts = self.receipts.with_linking(linking);
        self
    }

    /// Billing that asks by `ports` what other modules know.
    #[must_use]
    pub fn with_ports(mut self, ports: Ports) -> Self {
        self.receipts = self.receipts.with_ports(ports);
        self
    }

    /// The answer to the readings page's question.
    #[must_use]
    pub fn estimates(&self) -> Arc<dyn Estimates> {
        Arc::new(self.preliminary.clone())
    }

    /// The estimates, to be computed for all accounts of a company.
    #[must_use]
    pub const fn preliminary(&self) -> &Preliminary {
        &self.preliminary
    }

    /// The plugins, which runs calculate with.
    #[must_use]
    pub const fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    /// The printed receipts.
    #[must_use]
    pub const fn receipts(&self) -> &Receipts {
        &self.receipts
    }
}

impl Module for Billing {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn jobs(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![
            Arc::new(jobs::BillJob(self.plugins.clone())),
            Arc::new(jobs::EstimatesJob(self.preliminary.clone())),
            Arc::new(PrintJob(self.receipts.clone())),
            Arc::new(ForgetJob),
        ]
    }

    fn answers(&self) -> Vec<Answer> {
        vec![Answer::to::<dyn AttachmentSource>(Arc::new(self.receipts.clone()))]
    }
}

impl WebModule for Billing {
    fn pages(&self) -> Vec<PageRoute> {
        pages::routes(&self.receipts, &self.preliminary)
    }

    fn resident_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(api::portal::PortalApi { estimates: Arc::new(self.preliminary.clone()) })]
    }

    fn admin_api(&self) -> Vec<ApiPart> {
        let printouts = api::printouts::PrintoutsApi { receipts: self.receipts.clone() };
        let catalog = api::catalog::CatalogApi { plugins: self.plugins.clone() };
        let corrections = api::corrections::CorrectionsApi { plugins: self.plugins.clone() };
        let of_houses = api::house_corrections::HouseCorrectionsApi { plugins: self.plugins.clone() };
        let plugins = ApiPart::new(api::plugins::PluginsApi { plugins: self.plugins.clone() });
        let templates = api::templates::TemplatesApi { receipts: self.receipts.clone() };
        let parts = [ApiPart::new(api::admin::AdminApi), ApiPart::new(catalog)];
        let more = [
            plugins.taking(api::plugins::LARGEST_BODY),
            ApiPart::new(templates),
            ApiPart::new(api::receipt_kinds::ReceiptKindsApi),
            ApiPart::new(api::houses::HousesApi),
            ApiPart::new(api::house_decisions::HouseDecisionsApi),
            ApiPart::new(api::agreements::AgreementsApi),
        ];
        let last = [ApiPart::new(corrections), ApiPart::new(of_houses), ApiPart::new(printouts)];
        parts.into_iter().chain(more).chain(last).collect()
    }

    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("billing/overview.html", include_str!("../templates/billing/overview.html")),
            ("billing/services.html", include_str!("../templates/billing/services.html")),
            ("billing/charges.html", include_str!("../templates/billing/charges.html")),
            ("billing/difference.html", include_str!("../templates/billing/difference.html")),
            ("billing/payments.html", include_str!("../templates/billing/payments.html")),
            ("billing/documents.html", include_str!("../templates/billing/documents.html")),
            ("billing/unprinted.html", include_str!("../templates/billing/unprinted.html")),
        ]
    }
}
