//! A company's package, read and typed.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use kabinet_accounts::LinkMethod;
use kabinet_billing::BillingSettings;
use kabinet_billing::catalog::{Activation, PackageCatalog, PluginConfig};
use kabinet_core::CompanyProfile;
use kabinet_meters::MetersSettings;
use kabinet_notifications::NotificationsSettings;
use kabinet_paperless::PaperlessSettings;
use kabinet_plugin_host::manifest::Manifest;
use kabinet_residents::ResidentsSettings;
use kabinet_residents::gosuslugi::GosuslugiSettings;
use sha2::{Digest, Sha256};

use super::document::Section;
use super::requests::RequestsPackage;

/// The file of a package that says who the company is and how it works.
pub(super) const TENANT: &str = "tenant.toml";
/// The file with what it charges.
pub(super) const TARIFFS: &str = "tariffs.toml";

/// Everything a package says, free of mistakes that can be seen in its files alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// Short name in addresses: `beregovoy`.
    pub slug: String,
    /// Name that residents know.
    pub name: String,
    /// The zone in which the company's days begin.
    pub zone: Tz,
    /// Hosts of the portal, lower case, without port; the first is the one that links lead to.
    pub hosts: Vec<String>,
    /// Requisites of the company, contacts and colour.
    pub profile: CompanyProfile,
    /// The logo, if the company has one.
    pub logo: Option<Logo>,
    /// Optional modules switched on.
    pub features: Vec<String>,
    /// When readings are taken, and what becomes of doubtful ones.
    pub readings: MetersSettings,
    /// What residents' logins must be like.
    pub residents: ResidentsSettings,
    /// How accounts are linked.
    pub linking: LinkMethod,
    /// How bills are printed; without the template, which is `template`.
    pub billing: BillingSettings,
    /// What it charges for and when bills are due.
    pub catalog: PackageCatalog,
    /// The plugin that calculates.
    pub plugin: PluginSource,
    /// The receipt template of the company's own.
    pub template: Option<Template>,
    /// The login through Gosuslugi.
    pub gosuslugi: GosuslugiSettings,
    /// Requests: deadlines and paid services.
    pub requests: RequestsPackage,
    /// Refusals of paper receipts.
    pub paperless: PaperlessSettings,
    /// Notices: channels, quiet hours, automatic ones.
    pub notifications: NotificationsSettings,
    /// Lines of fields whose mistakes are found after reading.
    pub places: Places,
    /// SHA-256 over the files the package consists of, hexadecimal.
    pub hash: String,
}

/// Lines of fields by file and path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places(BTreeMap<(&'static str, String), usize>);

impl Places {
    /// Remembers the line of a field of `section`, which stands in `file`.
    pub(super) fn add(&mut self, file: &'static str, section: &Section<'_>, key: &str) {
        let (field, line) = section.place(key);
        self.0.insert((file, field), line);
    }

    /// The line of the field with this path.
    #[must_use]
    pub fn line(&self, file: &'static str, field: &str) -> Option<usize> {
        self.0.get(&(file, field.to_owned())).copied()
    }
}

/// The company's logo as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// `image/png` or `image/svg+xml`.
    pub content_type: &'static str,
    /// The file.
    pub content: Vec<u8>,
}

/// A receipt template of the company's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The file's name in the package.
    pub file: String,
    /// Its text.
    pub source: String,
}

/// Where the tariff plugin comes from and how it is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginSource {
    /// Name of one of the platform's plugins (`standard`), or of a `.wasm` file of the package.
    pub name: String,
    /// The component where the package brings it along.
    pub component: Option<Vec<u8>>,
    /// Its `plugin.toml`; none only where the package has mistakes.
    pub manifest: Option<Manifest>,
    /// The numbers that the package sets; the plugin's defaults hold for the others.
    pub given: PluginConfig,
    /// From when on it calculates, with which numbers.
    pub activation: Activation,
}

impl PluginSource {
    /// What the package itself says of the plugin, hexadecimal: the same whatever a release of the platform changes in
    /// its own plugins.
    #[must_use]
    pub fn said(&self) -> String {
        let own = self.component.as_ref().map(|component| {
            let described = self.manifest.as_ref().map(|manifest| manifest.source.as_str());
            (hex::encode(Sha256::digest(component)), described)
        });
        let said = serde_json::json!([self.name, own, self.activation.from, self.given]);
        hex::encode(Sha256::digest(said.to_string()))
    }
}
