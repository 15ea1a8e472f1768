//! A service of one month, as far as it can be compared with the same of another month.

use kabinet_core::{Money, Quantity};
use kabinet_plugin_host::api::{Method, Part, Premises, Price, ServiceKind, Unit, Zone};
use rust_decimal::Decimal;

use super::volume::{self, Portion};
use crate::calculation::method;
use crate::catalog::{Service, Terms};
use crate::entity::charge;
use crate::trace;

const ZONES: [Zone; 5] = [Zone::WholeDay, Zone::Day, Zone::Night, Zone::Peak, Zone::HalfPeak];

/// What was charged for a service and why.
#[derive(Clone, Debug, Default)]
pub(super) struct Charged {
    pub(super) code: String,
    pub(super) title: String,
    pub(super) resource: Option<ServiceKind>,
    pub(super) unit: Option<Unit>,
    pub(super) charged: Money,
    pub(super) excess: Money,
    pub(super) recalculation: Money,
    pub(super) penalty: Money,
    pub(super) method: Option<Method>,
    pub(super) volume: Option<Decimal>,
    /// What the volume is made of.
    pub(super) made: Vec<Portion>,
    /// What it met of the prices.
    pub(super) parts: Vec<Part>,
    /// The prices of the month, met or not.
    pub(super) prices: Vec<Price>,
    pub(super) norm: Option<Decimal>,
    pub(super) coefficient: Option<Decimal>,
}

/// The services of an account's month: `services` are those of its run with their terms.
pub(super) fn charged_in(
    services: &[(Service, Option<Terms>)],
    premises: Premises,
    rows: &[charge::Model],
) -> Vec<Charged> {
    let known = |code: &str| services.iter().find(|(service, _)| service.code == code);
    let mut all: Vec<Charged> = rows.iter().map(|row| Charged::of(row, known(&row.service_code), premises)).collect();
    let waters = all.clone();
    for line in all.iter_mut().filter(|line| line.method == Some(Method::Derived)) {
        line.derive(&waters);
    }
    all
}

/// A tariff that changed within the month has two parts a zone and range: together they are one at what a unit cost.
fn by_range(parts: Vec<Part>) -> Vec<Part> {
    let mut ranges: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match ranges.iter_mut().find(|known| (known.zone, known.above) == (part.zone, part.above)) {
            Some(known) => {
                known.volume += part.volume;
                known.exact_amount += part.exact_amount;
                known.tariff = known.exact_amount.checked_div(known.volume).unwrap_or(part.tariff);
            }
            None => ranges.push(part),
        }
    }
    ranges
}

impl Charged {
    fn of(row: &charge::Model, known: Option<&(Service, Option<Terms>)>, premises: Premises) -> Self {
        let decimal = |value: Option<Quantity>| value.map(Quantity::decimal);
        let (service, terms) = (known.map(|(service, _)| service), known.and_then(|(_, terms)| terms.as_ref()));
        let (volume, norm, how) = (decimal(row.volume), decimal(row.norm), method(&row.method));
        let reasons = trace::decode(&row.trace);
        let mut parts = by_range(reasons.parts);
        if let (true, Some(volume), Some(tariff)) = (parts.is_empty(), volume, decimal(row.tariff)) {
            let (zone, above, exact_amount) = (Zone::WholeDay, Decimal::ZERO, volume * tariff);
            parts.push(Part { zone, above, volume, tariff, exact_amount });
        }
        let made = volume.map(|volume| volume::own(&row.service_code, how, volume, norm, &reasons.terms));
        Self {
            code: row.service_code.clone(),
            title: service.map_or_else(|| row.service_code.clone(), |service| service.title.clone()),
            resource: service.map(|service| service.resource),
            unit: service.map(|service| service.unit),
            charged: row.charged,
            excess: row.excess,
            recalculation: row.recalculation,
            penalty: row.penalty,
            method: how,
            volume,
            made: made.unwrap_or_default(),
            parts,
            prices: terms.map(|terms| terms.prices_for(premises).to_vec()).unwrap_or_default(),
            norm,
            coefficient: decimal(row.coefficient),
        }
    }

    /// Looks for the water that the volume is made of: the heat of hot water has a norm for each cubic metre of it,
    /// wastewater is as much as all water.
    fn derive(&mut self, all: &[Self]) {
        let Some(volume) = self.volume else { return };
        let is_water = |line: &&Self| match line.resource {
            Some(ServiceKind::HotWater) => true,
            Some(ServiceKind::ColdWater) => self.norm.is_none(),
            _ => false,
        };
        let water = all.iter().filter(is_water).flat_map(|line| &line.made);
        if let Some(made) = volume::made_of(water, self.norm.unwrap_or(Decimal::ONE), volume) {
            self.made = made;
        }
    }

    /// What the month's bill has more by it.
    pub(super) fn added(&self) -> Money {
        self.charged + self.recalculation + self.penalty
    }

    /// Without the excess of the raising coefficient, roubles before rounding.
    pub(super) fn plain(&self) -> Decimal {
        if self.parts.is_empty() {
            return (self.charged - self.excess).roubles();
        }
        self.parts.iter().map(|part| part.volume * part.tariff).sum()
    }

    /// How many times the plain charge was raised.
    pub(super) fn raised(&self) -> Decimal {
        self.coefficient.unwrap_or(Decimal::ONE)
    }

    /// What this volume would have cost at the prices of another month, roubles without any excess; none where volumes
    /// or prices are not known.
    pub(super) fn cost_at(&self, other: &Self) -> Option<Decimal> {
        if self.volume.is_none() || other.volume.is_none() || self.parts.is_empty() {
            return None;
        }
        // Volumes alike cost what they did cost, wherever the limits of the ranges lie now.
        if !other.parts.is_empty() && ZONES.iter().all(|zone| self.volume_of(*zone) == other.volume_of(*zone)) {
            return Some(other.plain());
        }
        self.parts.iter().map(|part| Some(part.volume * other.price(part)?)).sum()
    }

    fn volume_of(&self, zone: Zone) -> Decimal {
        self.parts.iter().filter(|part| part.zone == zone).map(|part| part.volume).sum()
    }

    /// The price of a zone and range in this month: what was paid in it, or is listed for it, or what a unit cost on
    /// average.
    fn price(&self, part: &Part) -> Option<Decimal> {
        let paid = self.parts.iter().find(|own| own.zone == part.zone && own.above == part.above);
        let listed = self.prices.iter().filter(|price| price.zone == part.zone && price.above <= part.above);
        let average = self.volume.filter(|volume| !volume.is_zero()).map(|volume| self.plain() / volume);
        let listed = listed.max_by_key(|price| price.above).map(|price| price.amount);
        paid.map(|own| own.tariff).or(listed).or(average)
    }
}
