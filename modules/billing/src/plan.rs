//! What a month is calculated with: services, terms, receipt kinds and plugin, frozen when a run starts.

use kabinet_core::{CompanyProfile, DbError, Period, Tx};
use kabinet_meters::consumption::Averages;
use kabinet_plugin_host::Limits;
use kabinet_plugin_host::api::{Parameter, Premises, ServiceTable};
use kabinet_render::payment_qr::QrEncoding;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::calculation::Stretch;
use crate::catalog::{PluginConfig, ReceiptKind, Service, Terms, kinds, services};
use crate::entity::tariff;
use crate::error::Error;
use crate::houses::{Houses, decisions};
use crate::penalty::PenaltyTerms;
use crate::settings::BillingSettings;
use crate::store;

/// The catalogue as it is in force for one period, with what receipts of that period print. Stored with
/// the run, so that a resumed run and a receipt of years ago see the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Services in their order, with the terms in force on the last day; none for a service that is not charged.
    pub services: Vec<(Service, Option<Terms>)>,
    /// The terms that held before, in a month within which they changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierTerms>,
    /// Receipt kinds in their order.
    pub kinds: Vec<ReceiptKind>,
    /// The plugin's company-wide numbers.
    pub config: PluginConfig,
    /// What the plugin may use, where it lowered that.
    #[serde(default)]
    pub limits: Limits,
    /// The company's name for residents.
    pub company_name: String,
    /// The company's contacts.
    pub profile: CompanyProfile,
    /// The company's time zone by its name; empty in snapshots of earlier releases.
    #[serde(default)]
    pub zone: String,
    /// The host that the QR for linking leads to; empty in snapshots of earlier releases.
    #[serde(default)]
    pub portal_host: String,
    /// Encoding of the payment QR.
    pub qr_encoding: QrEncoding,
    /// Paragraphs of the receipt's reference section.
    pub notes: Vec<String>,
    /// What penalties are computed with.
    #[serde(default)]
    pub penalty: PenaltyTerms,
    /// Absences of up to so many full days in a row change nothing.
    #[serde(default = "usual_free_absence_days")]
    pub free_absence_days: u32,
    /// Whether what rooms used beyond the house's meter is taken off the next month; none in snapshots of earlier
    /// releases, which did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carry_house_rest: Option<bool>,
    /// Whether what corrections give back pays old debts before the month's own charge; not in snapshots of earlier
    /// releases, which are calculated again as they were.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub credits_pay_debts: bool,
    /// Whether what was paid or charged too much counts as paid: of other services of its receipt, of the month that a
    /// plugin's line gives back, and of a month that was charged in vain from its end on; not in snapshots of earlier
    /// releases.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overpaid_is_paid: bool,
}

/// Terms of a service that gave way to others within a month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlierTerms {
    /// Code of the service.
    pub service: String,
    /// The last day of the month that they held, from one.
    pub until: u8,
    /// The terms.
    pub terms: Terms,
}

fn usual_free_absence_days() -> u32 {
    BillingSettings::default().free_absence_days
}

impl Snapshot {
    /// The catalogue in force for `period`, and the hash of the plugin that calculates it.
    pub async fn take(tx: &Tx, period: Period) -> Result<(Self, String), Error> {
        let activations = store::activations(tx).await?;
        let activation = activations.into_iter().rev().find(|row| row.from_period <= period);
        let activation =
            activation.ok_or_else(|| Error::Catalog(format!("для месяца {period} не установлен плагин расчёта")))?;
        let (kinds, services) = (kinds::stored(tx).await?, services::stored(tx).await?);
        let mut tariffs = store::tariffs(tx).await?;
        tariffs.sort_by_key(|tariff| tariff.from_on);
        let mut earlier = Vec::new();
        let services = services.iter().filter_map(|service| service.in_force(period));
        let services = services.map(|service| with_terms(service, &tariffs, period, &mut earlier));
        let services = services.collect::<Result<_, _>>()?;
        let settings = BillingSettings::of(tx.tenant())?;
        let snapshot = Self {
            services,
            earlier,
            kinds: kinds.iter().filter_map(|kind| kind.in_force(period)).cloned().collect(),
            config: serde_json::from_str(&activation.config)?,
            limits: serde_json::from_str(&activation.limits)?,
            company_name: tx.tenant().name.clone(),
            profile: tx.tenant().profile.clone(),
            zone: tx.tenant().zone.name().to_owned(),
            portal_host: tx.tenant().canonical_host.clone(),
            qr_encoding: settings.qr_encoding,
            penalty: PenaltyTerms {
                rates: store::penalty_rates(tx).await?,
                due_days: store::due_days(tx, period).await?,
                low_only: settings.low_penalty,
            },
            notes: settings.receipt_notes,
            free_absence_days: settings.free_absence_days,
            carry_house_rest: Some(settings.carry_house_rest),
            credits_pay_debts: true,
            overpaid_is_paid: true,
        };
        if snapshot.services.iter().all(|(_, terms)| terms.is_none()) {
            return Err(Error::Catalog(format!("для месяца {period} нет ни одного тарифа")));
        }
        Ok((snapshot, activation.hash))
    }

    /// The position of the service with this code.
    #[must_use]
    pub fn position(&self, code: &str) -> Option<usize> {
        self.services.iter().position(|(service, _)| service.code == code)
    }

    /// The terms of the service at `position` on a day of the month, from one.
    fn terms_on(&self, position: usize, day: u8) -> Option<&Terms> {
        let (service, last) = self.services.get(position)?;
        let earlier = self.earlier.iter().filter(|earlier| earlier.service == service.code && earlier.until >= day);
        earlier.min_by_key(|earlier| earlier.until).map(|earlier| &earlier.terms).or(last.as_ref())
    }

    /// Roubles a unit of a service by its first price, by days where it changed within the month.
    #[must_use]
    pub fn price(&self, period: Period, code: &str) -> Option<Decimal> {
        let position = self.position(code)?;
        let price = |stretch: Stretch| self.terms_on(position, stretch.last)?.prices.first().map(|price| price.amount);
        let stretches = self.stretches(period);
        if let [whole] = stretches.as_slice() {
            return price(*whole);
        }
        let cost = stretches.iter().map(|stretch| Some(price(*stretch)? * Decimal::from(stretch.days())));
        let days: Decimal = stretches.iter().map(|stretch| Decimal::from(stretch.days())).sum();
        cost.sum::<Option<Decimal>>().map(|cost| cost / days)
    }

    /// The stretches of days of the month in which nothing changed; usually one, the month.
    fn stretches(&self, period: Period) -> Vec<Stretch> {
        let last = u8::try_from(period.last_day().day_of_month()).unwrap_or(u8::MAX);
        let mut ends: Vec<u8> = self.earlier.iter().map(|earlier| earlier.until).chain([last]).collect();
        ends.sort_unstable();
        ends.dedup();
        let starts = std::iter::once(1).chain(ends.iter().map(|end| end + 1));
        starts.zip(&ends).map(|(first, last)| Stretch { first, last: *last }).collect()
    }

    /// Whether the month takes off what rooms used beyond the house's meter the month before.
    #[must_use]
    pub fn carries(&self) -> bool {
        self.carry_house_rest == Some(true)
    }

    /// The service with this code.
    #[must_use]
    pub fn service(&self, code: &str) -> Option<&Service> {
        self.services.iter().map(|(service, _)| service).find(|service| service.code == code)
    }
}

/// The service with its terms, and into `earlier` those that held before within the month; `tariffs` are in the order
/// of their days.
fn with_terms(
    service: &Service,
    tariffs: &[tariff::Model],
    period: Period,
    earlier: &mut Vec<EarlierTerms>,
) -> Result<(Service, Option<Terms>), DbError> {
    let begun = tariffs.iter().filter(|of| of.service_code == service.code && of.from_on <= period.last_day());
    let begun: Vec<_> = begun.collect();
    let before = begun.iter().rposition(|tariff| tariff.from_on <= period.first_day()).unwrap_or_default();
    for pair in begun[before..].windows(2) {
        let until = u8::try_from(pair[1].from_on.plus_days(-1).day_of_month()).unwrap_or_default();
        earlier.push(EarlierTerms { service: service.code.clone(), until, terms: terms(pair[0])? });
    }
    let terms = begun.last().map(|tariff| terms(tariff)).transpose()?;
    let rule = terms.as_ref().and_then(|terms| terms.rule.clone()).unwrap_or_else(|| service.rule.clone());
    // Terms without prices end a service.
    Ok((Service { rule, ..service.clone() }, terms.filter(|terms| !terms.prices.is_empty())))
}

fn terms(tariff: &tariff::Model) -> Result<Terms, DbError> {
    Ok(serde_json::from_str(&tariff.terms)?)
}

/// A snapshot made ready for the plugin.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The month.
    pub period: Period,
    /// What it is calculated with.
    pub snapshot: Snapshot,
    /// The plugin's tables: the base terms and the variants of each service.
    pub tables: Vec<ServiceTable>,
    sources: Vec<Source>,
    choices: Vec<Choice>,
    houses: Houses,
}

/// What a table is made of.
#[derive(Clone, Copy, Debug)]
struct Source {
    /// Position of the service.
    service: usize,
    /// Position of the variant; none for the base terms.
    variant: Option<usize>,
    /// What owners decided otherwise than the company: by the house's meter, or by norm.
    by_meter: Option<bool>,
}

/// Which table of a service holds for which premises.
#[derive(Clone, Debug, Default)]
struct Choice {
    only: Vec<Premises>,
    usual: Tables,
    /// Those of houses whose owners decided otherwise than the company: by the house's meter, or by norm.
    decided: Option<(bool, Tables)>,
}

/// The positions of a service's tables.
#[derive(Clone, Debug, Default)]
struct Tables {
    base: Option<u16>,
    variants: Vec<(Vec<Premises>, u16)>,
}

impl Tables {
    fn of(&self, premises: Premises) -> Option<u16> {
        let variant = self.variants.iter().find(|(kinds, _)| kinds.contains(&premises));
        variant.map(|(_, table)| *table).or(self.base)
    }
}

impl Plan {
    /// The plan of a snapshot.
    #[must_use]
    pub fn new(period: Period, snapshot: Snapshot) -> Self {
        let (tables, sources, choices) = (Vec::new(), Vec::new(), Vec::new());
        let mut plan = Self { period, snapshot, tables, sources, choices, houses: Houses::default() };
        for position in 0..plan.snapshot.services.len() {
            let only = plan.snapshot.services[position].1.as_ref().map(|terms| terms.premises.clone());
            let usual = plan.add(position, None);
            plan.choices.push(Choice { only: only.unwrap_or_default(), usual, decided: None });
        }
        plan
    }

    /// The plan with what is known of houses. A service has tables more, behind the others, where owners decided
    /// otherwise than the company: what is frozen with accounts names tables by their positions.
    #[must_use]
    pub fn with_houses(mut self, houses: Houses) -> Self {
        for position in 0..self.snapshot.services.len() {
            let (service, Some(terms)) = &self.snapshot.services[position] else { continue };
            let other = !decisions::company_by_meter(terms);
            if houses.have_decided(&service.code, other) {
                let decided = Some((other, self.add(position, Some(other))));
                if let Some(choice) = self.choices.get_mut(position) {
                    choice.decided = decided;
                }
            }
        }
        Self { houses, ..self }
    }

    /// Adds the tables of the service at `position` behind the others.
    fn add(&mut self, position: usize, by_meter: Option<bool>) -> Tables {
        let (service, Some(terms)) = &self.snapshot.services[position] else { return Tables::default() };
        let variants = (0..terms.variants.len()).map(Some);
        let mut added = Tables::default();
        for variant in std::iter::once(None).chain(variants) {
            let source = Source { service: position, variant, by_meter };
            let at = u16::try_from(self.tables.len()).unwrap_or(u16::MAX);
            self.tables.push(source.table(service, terms));
            self.sources.push(source);
            match variant.and_then(|variant| terms.variants.get(variant)) {
                Some(variant) => added.variants.push((variant.premises.clone(), at)),
                None => added.base = Some(at),
            }
        }
        added
    }

    /// The stretches of days in which nothing changes, each with the tables of its days; usually one, the month.
    pub(crate) fn stretches(&self) -> Vec<(Stretch, Vec<ServiceTable>)> {
        let stretches = self.snapshot.stretches(self.period);
        if stretches.len() == 1 {
            return stretches.into_iter().map(|stretch| (stretch, self.tables.clone())).collect();
        }
        let table = |source: &Source, day: u8| {
            let (service, _) = self.snapshot.services.get(source.service)?;
            Some(source.table(service, self.snapshot.terms_on(source.service, day)?))
        };
        let tables = |stretch: Stretch| self.sources.iter().filter_map(|of| table(of, stretch.last)).collect();
        stretches.into_iter().map(|stretch| (stretch, tables(stretch))).collect()
    }

    /// What is known of houses.
    #[must_use]
    pub const fn houses(&self) -> &Houses {
        &self.houses
    }

    /// The positions of all tables of the service with this code.
    #[must_use]
    pub fn tables_of(&self, code: &str) -> Vec<u16> {
        let position = self.snapshot.position(code);
        (0_u16..).zip(&self.sources).filter(|(_, of)| Some(of.service) == position).map(|(at, _)| at).collect()
    }

    /// The table of the service at `position` for such premises of a house; none where it is not charged.
    #[must_use]
    pub fn table(&self, position: usize, premises: Premises, house: Uuid) -> Option<u16> {
        let (choice, (service, _)) = (self.choices.get(position)?, self.snapshot.services.get(position)?);
        if !choice.only.is_empty() && !choice.only.contains(&premises) {
            return None;
        }
        match &choice.decided {
            Some((other, tables)) if self.houses.by_meter(house, &service.code) == Some(*other) => tables.of(premises),
            _ => choice.usual.of(premises),
        }
    }

    /// The position of the service that a table belongs to.
    #[must_use]
    pub fn owner(&self, table: u16) -> usize {
        self.sources.get(usize::from(table)).map(|of| of.service).unwrap_or_default()
    }

    /// The plugin's company-wide numbers.
    #[must_use]
    pub fn parameters(&self) -> Vec<Parameter> {
        parameters(&self.snapshot.config)
    }

    /// When an average stands in for the meters of such premises: the plugin's numbers, or what they usually are.
    #[must_use]
    pub fn averages(&self, premises: Premises) -> Averages {
        let given = |name: &str| self.snapshot.config.get(name).and_then(|number| u32::try_from(*number).ok());
        let periods = match premises {
            Premises::NonResidential => given("average_periods_non_residential").unwrap_or(2),
            _ => given("average_periods").unwrap_or(3),
        };
        let months = given("average_months_old").unwrap_or(6);
        Averages { periods, months, months_when_new: given("average_months").unwrap_or(3) }
    }
}

fn parameters(numbers: &PluginConfig) -> Vec<Parameter> {
    numbers.iter().map(|(name, value)| Parameter { name: name.clone(), value: *value }).collect()
}

impl Source {
    /// The table of the service by such terms.
    fn table(self, service: &Service, terms: &Terms) -> ServiceTable {
        let decided = self.by_meter.map(|by_meter| decisions::decided_terms(terms, by_meter));
        let terms = decided.as_ref().unwrap_or(terms);
        match self.variant.and_then(|variant| terms.variants.get(variant)) {
            Some(variant) => varied(service, terms, variant),
            None => base(service, terms),
        }
    }
}

fn base(service: &Service, terms: &Terms) -> ServiceTable {
    ServiceTable {
        code: service.code.clone(),
        kind: service.resource,
        rule: service.rule.clone(),
        unit: service.unit,
        prices: terms.prices.clone(),
        norm: terms.norm,
        coefficient: terms.coefficient,
        parameters: parameters(&terms.parameters),
    }
}

fn varied(service: &Service, terms: &Terms, variant: &crate::catalog::Variant) -> ServiceTable {
    let prices = if variant.prices.is_empty() { &terms.prices } else { &variant.prices };
    ServiceTable {
        prices: prices.clone(),
        norm: variant.norm.or(terms.norm),
        coefficient: variant.coefficient,
        ..base(service, terms)
    }
}
