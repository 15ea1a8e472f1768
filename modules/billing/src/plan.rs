//! What a month is calculated with: services, terms, receipt kinds and plugin, frozen when a run starts.

use kabinet_core::{CompanyProfile, DbError, Period, Tx};
use kabinet_meters::consumption::Averages;
use kabinet_plugin_host::Limits;
use kabinet_plugin_host::api::{Parameter, Premises, ServiceTable};
use kabinet_render::payment_qr::QrEncoding;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// Services in their order, with the terms in force; none for a service that is not charged.
    pub services: Vec<(Service, Option<Terms>)>,
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
        let services = services.iter().filter_map(|service| service.in_force(period));
        let tariffs = store::tariffs(tx).await?;
        let settings = BillingSettings::of(tx.tenant())?;
        let snapshot = Self {
            services: services.map(|service| with_terms(service, &tariffs, period)).collect::<Result<_, _>>()?,
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

fn with_terms(
    service: &Service,
    tariffs: &[tariff::Model],
    period: Period,
) -> Result<(Service, Option<Terms>), DbError> {
    let in_force = tariffs
        .iter()
        .filter(|tariff| tariff.service_code == service.code && tariff.from_period <= period)
        .max_by_key(|tariff| tariff.from_period);
    let terms = in_force.map(|tariff| serde_json::from_str::<Terms>(&tariff.terms)).transpose()?;
    let mut service = service.clone();
    if let Some(rule) = terms.as_ref().and_then(|terms| terms.rule.as_ref()) {
        service.rule.clone_from(rule);
    }
    // Terms without prices end a service.
    Ok((service, terms.filter(|terms| !terms.prices.is_empty())))
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
    choices: Vec<Choice>,
    owners: Vec<usize>,
    houses: Houses,
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
        let (tables, choices, owners) = (Vec::new(), Vec::new(), Vec::new());
        let mut plan = Self { period, tables, choices, owners, snapshot, houses: Houses::default() };
        for (position, (service, terms)) in plan.snapshot.services.iter().enumerate() {
            let mut choice = Choice::default();
            if let Some(terms) = terms {
                choice.only.clone_from(&terms.premises);
                choice.usual = add((&mut plan.tables, &mut plan.owners), position, service, terms);
            }
            plan.choices.push(choice);
        }
        plan
    }

    /// The same with what is known of houses. A service has tables more, behind the others, where owners decided
    /// otherwise than the company: what is frozen with accounts names tables by their positions.
    #[must_use]
    pub fn with_houses(mut self, houses: Houses) -> Self {
        let services = self.snapshot.services.iter().zip(&mut self.choices).enumerate();
        for (position, ((service, terms), choice)) in services {
            let Some(terms) = terms else { continue };
            let other = !decisions::company_by_meter(terms);
            if houses.have_decided(&service.code, other) {
                let terms = decisions::decided_terms(terms, other);
                let tables = add((&mut self.tables, &mut self.owners), position, service, &terms);
                choice.decided = Some((other, tables));
            }
        }
        Self { houses, ..self }
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
        (0_u16..).zip(&self.owners).filter(|(_, owner)| Some(**owner) == position).map(|(at, _)| at).collect()
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
        self.owners.get(usize::from(table)).copied().unwrap_or_default()
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

/// Adds the tables of the service at `position` behind the others, each with its owner.
fn add(
    (tables, owners): (&mut Vec<ServiceTable>, &mut Vec<usize>),
    position: usize,
    service: &Service,
    terms: &Terms,
) -> Tables {
    let mut place = |table: ServiceTable| {
        let at = u16::try_from(tables.len()).unwrap_or(u16::MAX);
        tables.push(table);
        owners.push(position);
        at
    };
    let base = Some(place(base(service, terms)));
    let variants = terms.variants.iter();
    let variants = variants.map(|variant| (variant.premises.clone(), place(varied(service, terms, variant)))).collect();
    Tables { base, variants }
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
