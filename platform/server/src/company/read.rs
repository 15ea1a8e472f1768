//! Reads a package's files and finds every mistake that can be seen in them.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use kabinet_accounts::LinkMethod;
use kabinet_billing::catalog::{Dated, PackageCatalog, ReceiptKind, Section as Group, Service, Supplier, code_problem};
use kabinet_core::{CompanyProfile, Period};
use kabinet_plugin_host::api::{ServiceKind, Unit};
use kabinet_render::payment_qr::{inn_problem, validate_requisites};
use kabinet_residents::gosuslugi::GosuslugiSettings;
use kabinet_residents::gosuslugi::certificate::certificate_hash;
use kabinet_residents::gosuslugi::settings::client_id_problem;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ValueError, StrDeserializer};
use sha2::{Digest, Sha256};

use super::document::{Problem, Section, read_document};
use super::logo;
use super::package::{Logo, Package, Places, TARIFFS, TENANT, Template};
use super::{billing, notifications, paperless, plugin, readings, requests, residents, tariffs};

/// Names of the optional modules that a package may switch on.
pub type KnownFeatures = HashSet<&'static str>;

/// Hosts of the platform's own.
const RESERVED: [&str; 5] = ["admin", "bank", "mail", "esia", "www"];
const MOST_HOSTS: usize = 20;
/// Files larger than this are nobody's package.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// The package in the folder `dir`, or everything that is wrong with it.
pub fn read(dir: &Path, known: &KnownFeatures) -> Result<Package, Vec<Problem>> {
    let mut files = Files { dir, hash: Sha256::new() };
    let tenant = files.text(TENANT);
    let tariff = files.text(TARIFFS);
    let (tenant, tariff) = match (tenant, tariff) {
        (Ok(tenant), Ok(tariff)) => (tenant, tariff),
        (tenant, tariff) => return Err([tenant.err(), tariff.err()].into_iter().flatten().collect()),
    };
    let (mut package, mut problems) = read_document(TENANT, &tenant, |root| company(root, known, &mut files));
    let (prices, wrong) = read_document(TARIFFS, &tariff, |root| {
        let tariffs = tariffs::read(root, &package.catalog.services, &mut package.places);
        (tariffs, tariffs::penalty_rates(root))
    });
    problems.extend(wrong);
    (package.catalog.tariffs, package.catalog.penalty_rates) = prices;
    package.hash = hex::encode(files.hash.finalize());
    if problems.is_empty() { Ok(package) } else { Err(problems) }
}

/// The files of the package; each one read counts into its hash.
pub(super) struct Files<'p> {
    dir: &'p Path,
    hash: Sha256,
}

impl Files<'_> {
    pub(super) fn text(&mut self, name: &str) -> Result<String, Problem> {
        let bytes = self.bytes(name).map_err(|message| Problem::of_file(name, message))?;
        String::from_utf8(bytes).map_err(|_| Problem::of_file(name, "файл не в кодировке UTF-8"))
    }

    pub(super) fn bytes(&mut self, name: &str) -> Result<Vec<u8>, String> {
        let plain = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !plain {
            return Err(format!("«{name}»: путь ведёт за пределы папки пакета"));
        }
        let path = self.dir.join(name);
        let size = std::fs::metadata(&path).map_err(|error| format!("файл «{name}» не читается: {error}"))?.len();
        if size > LARGEST_FILE {
            return Err(format!("файл «{name}» больше {} МБ", LARGEST_FILE / 1024 / 1024));
        }
        let bytes = std::fs::read(&path).map_err(|error| format!("файл «{name}» не читается: {error}"))?;
        self.hash.update(name.as_bytes());
        self.hash.update([0]);
        self.hash.update(Sha256::digest(&bytes));
        Ok(bytes)
    }
}

fn company(root: &mut Section<'_>, known: &KnownFeatures, files: &mut Files<'_>) -> Package {
    let slug = root.text("slug");
    root.check("slug", slug_problem(&slug));
    let name = root.text("name");
    let zone =
        root.parsed("time_zone", "такого часового пояса нет; пример: Asia/Yekaterinburg").unwrap_or(chrono_tz::UTC);
    let hosts = hosts(root);
    let features = features(root, known);
    let (profile, logo) = profile(root, files);
    let readings = readings::read(root);
    let residents = residents::read(root);
    let linking = linking(root);
    let mut places = Places::default();
    places.add(TENANT, root, "hosts");
    let billing = billing::read(root);
    let catalog = catalog(root, &mut places);
    let plugin = plugin::read(root, files, &mut places);
    let template = template(root, files);
    let gosuslugi = gosuslugi(root, files);
    let requests = requests::read(root);
    let paperless = paperless::read(root);
    let notifications = notifications::read(root);
    Package {
        slug,
        name,
        zone,
        hosts,
        profile,
        logo,
        features,
        readings,
        residents,
        linking,
        billing,
        catalog,
        plugin,
        template,
        gosuslugi,
        requests,
        paperless,
        notifications,
        places,
        hash: String::new(),
    }
}

/// The login through Gosuslugi: only the hash of the company's own certificate is kept.
fn gosuslugi(root: &mut Section<'_>, files: &mut Files<'_>) -> GosuslugiSettings {
    let mut settings = GosuslugiSettings::default();
    let Some(mut section) = root.optional_section("gosuslugi") else { return settings };
    settings.enabled = section.flag("enabled");
    if let Some(client_id) = section.optional_text("client_id") {
        section.check("client_id", client_id_problem(&client_id));
        settings.client_id = client_id;
        let name = section.text("certificate");
        if !name.is_empty() {
            let hash = files.bytes(&name).and_then(|file| certificate_hash(&file).map_err(|error| error.to_string()));
            match hash {
                Ok(hash) => settings.certificate_hash = hash,
                Err(message) => section.refuse("certificate", message),
            }
        }
    } else if section.has("certificate") {
        section.text("certificate");
        section.refuse("certificate", "к сертификату нужна мнемоника системы: client_id");
    }
    section.refuse_unknown();
    settings
}

fn slug_problem(slug: &str) -> Option<String> {
    if slug.is_empty() {
        return None;
    }
    if RESERVED.contains(&slug) {
        return Some(format!("имя «{slug}» занято платформой"));
    }
    let shaped = slug.len() <= 40
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && slug.starts_with(|c: char| c.is_ascii_lowercase())
        && !slug.ends_with('-');
    (!shaped).then(|| "латинские строчные буквы, цифры и дефис, первой — буква, до 40 знаков".to_owned())
}

fn hosts(root: &mut Section<'_>) -> Vec<String> {
    let hosts = root.texts("hosts");
    if hosts.is_empty() {
        root.refuse("hosts", "укажите хотя бы один адрес портала");
    }
    if hosts.len() > MOST_HOSTS {
        root.refuse("hosts", format!("не больше {MOST_HOSTS} адресов"));
    }
    let mut seen = BTreeSet::new();
    for host in &hosts {
        if let Some(message) = host_problem(host) {
            root.refuse("hosts", format!("«{host}»: {message}"));
        } else if !seen.insert(host) {
            root.refuse("hosts", format!("«{host}» указан дважды"));
        }
    }
    hosts
}

pub(super) fn host_problem(host: &str) -> Option<&'static str> {
    if host.contains(':') || host.contains('/') {
        return Some("адрес указывается без порта и схемы");
    }
    let labels: Vec<&str> = host.split('.').collect();
    let shaped = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.len() > 253 || labels.len() < 2 || !labels.iter().all(shaped) {
        return Some("адрес пишется строчными латинскими буквами, например uk.example.ru");
    }
    let number = |label: &&str| label.bytes().all(|b| b.is_ascii_digit());
    if labels.last().is_some_and(number) {
        return Some("нужно имя, а не номер");
    }
    let platform = labels.len() == 2 && labels[1] == "localhost" && RESERVED.contains(&labels[0]);
    platform.then_some("этот адрес занят платформой")
}

fn features(root: &mut Section<'_>, known: &KnownFeatures) -> Vec<String> {
    let features = root.texts("features");
    for feature in &features {
        if !known.contains(feature.as_str()) {
            root.refuse("features", format!("«{feature}»: такого отключаемого модуля нет"));
        }
    }
    features
}

fn profile(root: &mut Section<'_>, files: &mut Files<'_>) -> (CompanyProfile, Option<Logo>) {
    let mut profile = CompanyProfile::default();
    let mut logo = None;
    if let Some(mut legal) = root.section("legal") {
        profile.legal_name = legal.text("name");
        profile.inn = legal.text("inn");
        profile.kpp = legal.text("kpp");
        profile.ogrn = legal.text("ogrn");
        legal.check("inn", present(&profile.inn).and_then(company_inn_problem));
        legal.check("kpp", present(&profile.kpp).and_then(kpp_problem));
        legal.check("ogrn", present(&profile.ogrn).and_then(ogrn_problem));
        legal.refuse_unknown();
    }
    if let Some(mut contacts) = root.section("contacts") {
        profile.address = contacts.text("address");
        profile.phone = contacts.text("phone");
        profile.dispatch_phone = contacts.optional_text("dispatch_phone").unwrap_or_default();
        profile.email = contacts.text("email");
        profile.site = contacts.optional_text("site").unwrap_or_default();
        profile.hours = contacts.text("hours");
        contacts.check("phone", present(&profile.phone).and_then(phone_problem));
        contacts.check("dispatch_phone", present(&profile.dispatch_phone).and_then(phone_problem));
        contacts.check("email", present(&profile.email).and_then(email_problem));
        contacts.check("site", present(&profile.site).and_then(site_problem));
        contacts.refuse_unknown();
    }
    if let Some(mut brand) = root.section("brand") {
        profile.color = brand.text("color").to_lowercase();
        brand.check("color", present(&profile.color).and_then(color_problem));
        if let Some(name) = brand.optional_text("logo") {
            match files.bytes(&name).and_then(logo::checked) {
                Ok(found) => logo = Some(found),
                Err(message) => brand.refuse("logo", message),
            }
        }
        brand.refuse_unknown();
    }
    (profile, logo)
}

fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn company_inn_problem(inn: &str) -> Option<&'static str> {
    if inn.len() == 12 { Some("ИНН компании состоит из 10 цифр") } else { inn_problem(inn) }
}

fn kpp_problem(kpp: &str) -> Option<&'static str> {
    let shaped = kpp.len() == 9 && kpp.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    (!shaped).then_some("В КПП должно быть 9 знаков")
}

/// The last digit is the number before it modulo 11, modulo 10.
fn ogrn_problem(ogrn: &str) -> Option<&'static str> {
    if ogrn.len() != 13 || !ogrn.bytes().all(|b| b.is_ascii_digit()) {
        return Some("В ОГРН должно быть 13 цифр");
    }
    let number: u64 = ogrn[..12].parse().unwrap_or_default();
    let last: u64 = ogrn[12..].parse().unwrap_or(10);
    (number % 11 % 10 != last).then_some("Контрольная цифра ОГРН не сходится: проверьте номер")
}

fn phone_problem(phone: &str) -> Option<&'static str> {
    let digits = phone.bytes().filter(u8::is_ascii_digit).count();
    let usual = phone.chars().all(|c| c.is_ascii_digit() || "+-() ".contains(c));
    (!usual || !(5..=15).contains(&digits)).then_some("телефон пишется цифрами, например 8 (351) 200-10-10")
}

fn email_problem(email: &str) -> Option<&'static str> {
    let parts = email.split_once('@');
    let shaped = parts.is_some_and(|(name, host)| !name.is_empty() && host_problem(&host.to_lowercase()).is_none());
    let plain = email.chars().all(|c| c.is_ascii_graphic() && !"<>\"'(),;:".contains(c));
    (!shaped || !plain).then_some("это не адрес электронной почты")
}

/// The address becomes a link on every page, so its scheme matters.
fn site_problem(site: &str) -> Option<&'static str> {
    let rest = site.strip_prefix("https://").or_else(|| site.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let plain = site.chars().all(|c| c.is_ascii_graphic() && !"<>\"'".contains(c));
    let shaped = host.is_some_and(|host| host_problem(&host.to_lowercase()).is_none());
    (!shaped || !plain).then_some("адрес сайта начинается с https:// и записывается латиницей")
}

fn color_problem(color: &str) -> Option<&'static str> {
    kabinet_web::theme::validate_color(color)
        .err()
        .map(|_| "цвет пишется как #0b6e8a: решётка и шесть шестнадцатеричных цифр")
}

fn linking(root: &mut Section<'_>) -> LinkMethod {
    let Some(mut section) = root.optional_section("linking") else { return LinkMethod::default() };
    let method = section.optional_text("method");
    section.refuse_unknown();
    match method.as_deref() {
        None | Some("surname") => LinkMethod::Surname,
        Some("code") => LinkMethod::Code,
        Some(other) => {
            section.refuse("method", format!("«{other}»: здесь может быть surname или code"));
            LinkMethod::default()
        }
    }
}

/// All but the tariffs, which have a file of their own.
fn catalog(root: &mut Section<'_>, places: &mut Places) -> PackageCatalog {
    let due_days = billing::due_days(root, places);
    let receipt_kinds = receipt_kinds(root, places);
    let services = services(root, &receipt_kinds, places);
    PackageCatalog { due_days, receipt_kinds, services, ..PackageCatalog::default() }
}

/// The month from which on an entry holds; none: from the first one that is not published.
fn from(section: &mut Section<'_>, places: &mut Places) -> Option<Period> {
    places.add(TENANT, section, "from");
    if section.has("from") { section.parsed("from", "месяц пишется как 2026-10") } else { None }
}

fn receipt_kinds(root: &mut Section<'_>, places: &mut Places) -> Vec<Dated<ReceiptKind>> {
    let mut kinds: Vec<Dated<ReceiptKind>> = Vec::new();
    for mut section in root.sections("receipt_kinds") {
        let code = section.text("code");
        section.check("code", code_problem(&code));
        if kinds.iter().any(|kind| kind.what.code == code) {
            section.refuse("code", format!("код «{code}» уже есть"));
        }
        let from = from(&mut section, places);
        let title = section.text("title");
        let main = section.flag("main");
        if main && kinds.iter().any(|kind| kind.what.main) {
            section.refuse("main", "главный вид квитанции только один");
        }
        let supplier = section.section("supplier").map(supplier);
        section.refuse_unknown();
        if let Some(supplier) = supplier {
            kinds.push(Dated { from, what: ReceiptKind { code, title, main, supplier } });
        }
    }
    if kinds.is_empty() && !root.has("receipt_kinds") {
        root.refuse("receipt_kinds", "опишите хотя бы один вид квитанции");
    } else if !kinds.is_empty() && !kinds.iter().any(|kind| kind.what.main) {
        root.refuse("receipt_kinds", "один вид квитанции должен быть главным: main = true");
    }
    kinds
}

fn supplier(mut section: Section<'_>) -> Supplier {
    let supplier = Supplier {
        name: section.text("name"),
        inn: section.text("inn"),
        kpp: section.optional_text("kpp").unwrap_or_default(),
        settlement_account: section.text("settlement_account"),
        bank_name: section.text("bank_name"),
        bic: section.text("bic"),
        correspondent_account: section.text("correspondent_account"),
        purpose: section.optional_text("purpose").unwrap_or_default(),
    };
    for error in validate_requisites(&supplier.requisites()) {
        // An absent field has been reported as such.
        if section.has(error.field) {
            section.refuse(error.field, error.message);
        }
    }
    section.refuse_unknown();
    supplier
}

fn services(root: &mut Section<'_>, kinds: &[Dated<ReceiptKind>], places: &mut Places) -> Vec<Dated<Service>> {
    let mut services: Vec<Dated<Service>> = Vec::new();
    for mut section in root.sections("services") {
        let code = section.text("code");
        section.check("code", code_problem(&code));
        if services.iter().any(|service| service.what.code == code) {
            section.refuse("code", format!("код «{code}» уже есть"));
        }
        let from = from(&mut section, places);
        let title = section.text("title");
        let resource: Option<ServiceKind> = named(&mut section, "resource");
        let unit: Option<Unit> = named(&mut section, "unit");
        let group: Option<Group> = named(&mut section, "section");
        let kind = section.text("receipt");
        if !kind.is_empty() && !kinds.iter().any(|known| known.what.code == kind) {
            section.refuse("receipt", format!("вида квитанции «{kind}» нет"));
        }
        places.add(TENANT, &section, "receipt");
        let rule = section.text("rule");
        places.add(TENANT, &section, "rule");
        let shares = section.optional_text("shares").unwrap_or_default();
        if !shares.is_empty() && !services.iter().any(|known| known.what.code == shares) {
            section.refuse("shares", format!("услуги «{shares}» нет выше: её остаток по дому делить не с кем"));
        }
        section.refuse_unknown();
        if let (Some(resource), Some(unit), Some(group)) = (resource, unit, group) {
            let what = Service { code, title, resource, unit, section: group, kind, rule, shares };
            services.push(Dated { from, what });
        }
    }
    if services.is_empty() && !root.has("services") {
        root.refuse("services", "опишите хотя бы одну услугу");
    }
    services
}

/// A value of the plugin contract by its name there.
pub(super) fn named<T: serde::de::DeserializeOwned>(section: &mut Section<'_>, key: &str) -> Option<T> {
    let text = section.text(key);
    of_name(section, key, &text)
}

/// A value of the plugin contract by its name there; none where the field is absent.
pub(super) fn optionally_named<T: serde::de::DeserializeOwned>(section: &mut Section<'_>, key: &str) -> Option<T> {
    let text = section.optional_text(key)?;
    of_name(section, key, &text)
}

fn of_name<T: serde::de::DeserializeOwned>(section: &Section<'_>, key: &str, text: &str) -> Option<T> {
    if text.is_empty() {
        return None;
    }
    let reader: StrDeserializer<'_, ValueError> = text.into_deserializer();
    match T::deserialize(reader) {
        Ok(value) => Some(value),
        Err(error) => {
            section.refuse(key, format!("«{text}»: такого значения нет ({error})"));
            None
        }
    }
}

fn template(root: &mut Section<'_>, files: &mut Files<'_>) -> Option<Template> {
    let mut section = root.optional_section("receipt_template")?;
    let name = section.text("file");
    let mut template = None;
    if !name.is_empty() {
        match files.text(&name.clone()) {
            Ok(source) => template = Some(Template { file: name, source }),
            Err(problem) => section.refuse("file", problem.message),
        }
    }
    section.refuse_unknown();
    template
}
