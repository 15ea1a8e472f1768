//! A receipt as PDF, from the frozen rows of its run and the run's version of the template.

use std::sync::Arc;

use kabinet_accounts::codes::printed;
use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Actor, Day, Db, Money, Period, Tenant, TenantId};
use kabinet_plugin_host::words;
use kabinet_render::ReceiptPrinter;
use kabinet_render::format;
use kabinet_render::payment_qr::{PaymentOrder, QrField};
use kabinet_render::receipt::{
    ChargeGroup, ChargeLine, CompanyInfo, LastPayment, MeterLine, NormLine, Payer, ReceiptData, Reference, Totals,
};
use kabinet_render::typeset::DEFAULT_TEMPLATE;

use crate::calculation::{CARRIED, FrozenMeter, measured, method};
use crate::catalog::{ReceiptKind, Section, Service};
use crate::charges::{self, FrozenMonth, norm_unit, recalculation_reason, zone_label};
use crate::codes::Codes;
use crate::entity::charge;
use crate::error::Error;
use crate::{store, trace};

/// Most bytes of PDF kept in memory.
const CACHE_BYTES: u64 = 32 << 20;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    run: RunId,
    account: AccountId,
    kind: String,
    template: String,
    with_code: bool,
}

/// Which receipt is to be printed.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The account.
    pub account: AccountId,
    /// The month.
    pub period: Period,
    /// The kind; none: the company's main kind, or the only one the account has.
    pub kind: Option<&'a str>,
    /// Whether the code for linking is on it: not for a helper, who could become a holder with it.
    pub with_code: bool,
}

/// A printed receipt.
#[derive(Clone, Debug)]
pub struct Printed {
    /// The PDF.
    pub pdf: Arc<Vec<u8>>,
    /// A file name for it, ASCII.
    pub name: String,
}

/// Prints receipts and keeps the latest. Cheap to clone.
#[derive(Clone)]
pub struct Receipts {
    db: Db,
    printer: ReceiptPrinter,
    cache: moka::future::Cache<Key, Arc<Vec<u8>>>,
    codes: Option<Codes>,
}

impl std::fmt::Debug for Receipts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Receipts({})", self.cache.entry_count())
    }
}

impl Receipts {
    /// Receipts of `db`, printed by `printer`.
    #[must_use]
    pub fn new(db: Db, printer: ReceiptPrinter) -> Self {
        let weight = |_: &Key, pdf: &Arc<Vec<u8>>| u32::try_from(pdf.len()).unwrap_or(u32::MAX);
        let cache = moka::future::Cache::builder().weigher(weight).max_capacity(CACHE_BYTES).build();
        Self { db, printer, cache, codes: None }
    }

    /// The same with codes for linking.
    #[must_use]
    pub fn with_codes(self, codes: Codes) -> Self {
        Self { codes: Some(codes), ..self }
    }

    /// The account's receipt of a published month.
    pub async fn print(&self, tenant: &Arc<Tenant>, wanted: Wanted<'_>) -> Result<Printed, Error> {
        let Wanted { account, period, kind, with_code } = wanted;
        let tx = self.db.read(tenant, Actor::System).await?;
        let months = charges::months(&tx, account).await?;
        let run = months.iter().find(|month| month.period == period).ok_or(Error::NoSuchReceipt)?.run_id;
        let month = charges::frozen(&tx, account, run).await?;
        let kind = choose(&month, kind).ok_or(Error::NoSuchReceipt)?;
        let name = format!("kvitantsiya-{}-{period}-{}.pdf", ascii(&month.facts.number), ascii(&kind.code));
        let template = month.run.template_hash.clone();
        let key = Key { tenant: tenant.id, run, account, kind: kind.code.clone(), template, with_code };
        if let Some(pdf) = self.cache.get(&key).await {
            return Ok(Printed { pdf, name });
        }
        let template = match key.template.as_str() {
            "" => None,
            hash => {
                Some(store::template(&tx, hash).await?.ok_or_else(|| Error::Catalog(format!("нет шаблона {hash}")))?)
            }
        };
        tx.commit().await?;
        let mut data = receipt_data(tenant, &month, kind);
        let code = self.codes.filter(|_| with_code).map(|codes| codes.of(tenant.id, account, run));
        data.link_code = code.map(|code| printed(code.as_str())).unwrap_or_default();
        let template = template.as_deref().unwrap_or(DEFAULT_TEMPLATE);
        let pdf = self.printer.print(template, &[data]).await?.pop().ok_or(Error::NoSuchReceipt)?;
        let pdf = Arc::new(pdf);
        self.cache.insert(key, pdf.clone()).await;
        Ok(Printed { pdf, name })
    }
}

fn ascii(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

/// The kind asked for, if the account has it; without one, the main kind or else the first it has.
fn choose<'a>(month: &'a FrozenMonth, asked: Option<&str>) -> Option<&'a ReceiptKind> {
    let has = |kind: &&ReceiptKind| month.charges.iter().any(|row| row.kind_code == kind.code);
    let mut kinds = month.snapshot.kinds.iter().filter(has);
    match asked {
        Some(code) => kinds.find(|kind| kind.code == code),
        None => {
            let kinds: Vec<_> = kinds.collect();
            kinds.iter().find(|kind| kind.main).or(kinds.first()).copied()
        }
    }
}

/// The data of one receipt.
#[must_use]
pub fn receipt_data(tenant: &Tenant, month: &FrozenMonth, kind: &ReceiptKind) -> ReceiptData {
    let rows: Vec<&charge::Model> = month.charges.iter().filter(|row| row.kind_code == kind.code).collect();
    let services: Vec<&Service> = rows.iter().filter_map(|row| month.snapshot.service(&row.service_code)).collect();
    let facts = &month.facts;
    let issued = month.run.published_at.unwrap_or(month.run.started_at).day(tenant.zone);
    // A run of a past month, made later, still dates its receipt by the month it closes.
    let issued = issued.min(month.run.due_on);
    let groups = groups(month, &rows);
    let mut data = ReceiptData {
        kind_title: kind.title.clone(),
        period: month.run.period.0.unsigned_abs(),
        issued_on: day(issued),
        due_on: day(month.run.due_on),
        company: company(month),
        supplier: kind.supplier.requisites(),
        payer: Payer {
            account: facts.number.clone(),
            els: facts.els.clone(),
            payment_document_id: String::new(),
            holder: facts.holder.clone(),
            address: facts.address.clone(),
            area: Some(facts.area.0).filter(|area| *area > 0),
            residents: Some(if facts.residents == 0 { facts.owners } else { facts.residents }).filter(|n| *n > 0),
        },
        meters: meters(month, &rows, &services),
        totals: totals(&groups),
        groups,
        last_payment: facts
            .last_payments
            .iter()
            .find(|(code, ..)| *code == kind.code)
            .map(|(_, paid_on, sum)| LastPayment { paid_on: day(*paid_on), sum: sum.0 }),
        reference: Reference { norms: norms(month, &services), house: Vec::new(), notes: month.snapshot.notes.clone() },
        instalments: Vec::new(),
        qr_payload: Vec::new(),
        link_code: String::new(),
    };
    data.qr_payload = qr(month, kind, &data);
    data
}

fn day(day: Day) -> u32 {
    day.0.unsigned_abs()
}

fn company(month: &FrozenMonth) -> CompanyInfo {
    let profile = &month.snapshot.profile;
    let name = if profile.legal_name.is_empty() { &month.snapshot.company_name } else { &profile.legal_name };
    CompanyInfo {
        name: name.clone(),
        address: profile.address.clone(),
        phones: [&profile.phone].into_iter().filter(|phone| !phone.is_empty()).cloned().collect(),
        site: profile.site.trim_start_matches("https://").trim_start_matches("http://").to_owned(),
        email: profile.email.clone(),
        dispatch: profile.dispatch_phone.clone(),
        accent: if profile.color.is_empty() { "#1f5f8b".to_owned() } else { profile.color.clone() },
    }
}

fn groups(month: &FrozenMonth, rows: &[&charge::Model]) -> Vec<ChargeGroup> {
    let mut sections: Vec<(Section, Vec<ChargeLine>)> = Vec::new();
    for row in rows {
        let Some(service) = month.snapshot.service(&row.service_code) else { continue };
        let line = charge_line(service, row);
        match sections.iter_mut().find(|(section, _)| *section == service.section) {
            Some((_, lines)) => lines.push(line),
            None => sections.push((service.section, vec![line])),
        }
    }
    sections.sort_by_key(|(section, _)| *section);
    sections.into_iter().map(|(section, lines)| ChargeGroup { title: section.title().to_owned(), lines }).collect()
}

fn charge_line(service: &Service, row: &charge::Model) -> ChargeLine {
    let reasons = trace::decode(&row.trace);
    ChargeLine {
        service: service.title.clone(),
        unit: words::unit(service.unit).to_owned(),
        volume: row.volume.map(|volume| volume.0),
        method: method(&row.method).map(|how| words::method(how).to_owned()).unwrap_or_default(),
        tariff: row.tariff.map(|tariff| tariff.0),
        charged: (row.charged - row.excess).0,
        coefficient: row.coefficient.map(|coefficient| coefficient.0),
        excess: row.excess.0,
        recalculation_basis: recalculation_reason(&reasons).unwrap_or_default(),
        recalculation: row.recalculation.0,
        benefits: 0,
        opening: row.opening.0,
        penalty: row.penalty.0,
        counted: row.counted.0,
        to_pay: row.to_pay.0,
        formula: words::formula(&reasons.terms),
    }
}

fn totals(groups: &[ChargeGroup]) -> Totals {
    let mut totals = Totals::default();
    for line in groups.iter().flat_map(|group| &group.lines) {
        totals.opening += line.opening;
        totals.charged += line.charged;
        totals.excess += line.excess;
        totals.recalculation += line.recalculation;
        totals.penalty += line.penalty;
        totals.counted += line.counted;
        totals.to_pay += line.to_pay;
    }
    totals
}

/// The meters of the receipt's services.
fn meters(month: &FrozenMonth, rows: &[&charge::Model], services: &[&Service]) -> Vec<MeterLine> {
    let line = |meter: &FrozenMeter| {
        let service = services.iter().find(|service| measured(&meter.service) == Some(service.resource))?;
        let row = rows.iter().find(|row| row.service_code == service.code && row.method != CARRIED)?;
        let zone = zone_label(meter);
        let title = &service.title;
        Some(MeterLine {
            service: if zone.is_empty() { title.clone() } else { format!("{title}, {zone}") },
            serial: meter.serial.clone(),
            unit: words::unit(service.unit).to_owned(),
            previous: Some(meter.previous.0),
            current: meter.current.map(|current| current.0),
            volume: meter.volume.unwrap_or_default().0,
            method: match meter.current {
                Some(_) if row.method == "meter" => "по показаниям".to_owned(),
                _ => method(&row.method).map(|how| words::method(how).to_owned()).unwrap_or_default(),
            },
            next_verification: meter.verified_until.map(day),
        })
    };
    month.facts.meters.iter().filter_map(line).collect()
}

fn norms(month: &FrozenMonth, services: &[&Service]) -> Vec<NormLine> {
    let norm = |service: &Service| {
        let (_, terms) = month.snapshot.services.iter().find(|(known, _)| known.code == service.code)?;
        let norm = terms.as_ref()?.norm.and_then(kabinet_core::Quantity::from_decimal)?;
        Some(NormLine {
            service: service.title.clone(),
            individual: Some(norm.0),
            common: None,
            unit: norm_unit(service),
        })
    };
    services.iter().filter_map(|service| norm(service)).collect()
}

/// The bytes of the payment QR; none where nothing is to be paid or the requisites do not fit the
/// standard (a receipt without QR is still a receipt).
fn qr(month: &FrozenMonth, kind: &ReceiptKind, data: &ReceiptData) -> Vec<u8> {
    if Money(data.totals.to_pay) <= Money::ZERO {
        return Vec::new();
    }
    let order = if kind.supplier.purpose.is_empty() {
        PaymentOrder::for_receipt(data)
    } else {
        own_purpose(&kind.supplier.purpose, month.run.period, data)
    };
    order.payload(month.snapshot.qr_encoding).unwrap_or_else(|error| {
        tracing::warn!(%error, kind = kind.code, "no payment QR");
        Vec::new()
    })
}

/// The order with the company's own words for what is paid.
fn own_purpose(purpose: &str, period: Period, data: &ReceiptData) -> PaymentOrder {
    let month = format::period(period.0.unsigned_abs()).replace('\u{a0}', " ");
    let purpose = format!("{purpose} за {month}, л/с {}", data.payer.account);
    let cut = |text: &str| text.chars().take(210).collect::<String>();
    PaymentOrder::new(&data.supplier)
        .with(QrField::Sum, &data.totals.to_pay.to_string())
        .with(QrField::Purpose, &cut(&purpose))
        .with(QrField::PayeeInn, &data.supplier.inn)
        .with(QrField::Kpp, &data.supplier.kpp)
        .with(QrField::PayerAddress, &cut(&data.payer.address))
        .with(QrField::PersAcc, &data.payer.account)
        .with(QrField::PaymPeriod, &format!("{:02}{:04}", period.month(), period.year()))
        .with(QrField::TechCode, "02")
}
