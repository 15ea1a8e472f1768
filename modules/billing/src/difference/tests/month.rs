//! A month of one made-up account, billed by the rules of the standard plugins and kept as the database keeps it: each
//! factor of the bill can be changed by itself.

use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Money, Quantity, TenantId};
use kabinet_plugin_host::api::{Line, Method, Operation, Part, Premises, Price, Role, ServiceKind, Term, Unit, Zone};
use proptest::prelude::*;
use rust_decimal::{Decimal, RoundingStrategy};
use uuid::Uuid;

use super::super::charged::{Charged, charged_in};
use crate::catalog::{Section, Service, Terms, enum_name};
use crate::entity::charge;
use crate::trace;

/// The account's services in the order of its bill.
pub(super) const SERVICES: [(&str, ServiceKind, Unit); 9] = [
    ("maintenance", ServiceKind::Maintenance, Unit::SquareMetre),
    ("cold_water", ServiceKind::ColdWater, Unit::CubicMetre),
    ("hot_water", ServiceKind::HotWater, Unit::CubicMetre),
    ("hot_water_heat", ServiceKind::Other, Unit::Gigacalorie),
    ("wastewater", ServiceKind::Wastewater, Unit::CubicMetre),
    ("electricity", ServiceKind::Electricity, Unit::KilowattHour),
    ("heating", ServiceKind::Heating, Unit::Gigacalorie),
    ("common_water", ServiceKind::CommonProperty, Unit::CubicMetre),
    ("waste", ServiceKind::Waste, Unit::Person),
];
pub(super) const WASTE: usize = 8;

/// Days of the month.
pub(super) const DAYS: i64 = 30;
/// The house's rooms and common property, m².
const ROOMS: Decimal = Decimal::from_parts(4_321, 0, 0, false, 0);
const COMMON: Decimal = Decimal::from_parts(612, 0, 0, false, 0);
/// Where the ranges of electricity begin, kWh.
const RANGES: [i64; 3] = [0, 100, 200];

/// The norms, in the order of [`Month::norms`].
pub(super) const COLD: usize = 0;
pub(super) const HOT: usize = 1;
pub(super) const HEAT: usize = 2;
const HEATING: usize = 3;
const COMMON_WATER: usize = 4;

/// What the bill is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Month {
    pub(super) residents: i64,
    /// How many of the month's days the account was open.
    pub(super) days: i64,
    /// m².
    pub(super) area: Decimal,
    /// What the meter of cold water measured, m³; none: there is no meter.
    pub(super) cold: Option<Decimal>,
    /// What the meter of hot water measured, m³; none: there is no meter.
    pub(super) hot: Option<Decimal>,
    /// kWh.
    pub(super) power: Decimal,
    /// What the house's meter measured beyond the rooms, m³; none: there is no meter.
    pub(super) house: Option<Decimal>,
    pub(super) norms: [Decimal; 5],
    /// What raises the norms of water.
    pub(super) coefficient: Option<Decimal>,
    /// Kopecks a unit, by service.
    pub(super) prices: [i64; 9],
    /// Kopecks, by service.
    pub(super) recalculations: [i64; 9],
    /// Kopecks, by service.
    pub(super) penalties: [i64; 9],
    /// Whether waste is charged.
    pub(super) waste: bool,
}

/// A volume with the way to it.
struct Drawn {
    method: Method,
    volume: Decimal,
    norm: Option<Decimal>,
    raised: bool,
    terms: Vec<Term>,
}

impl Drawn {
    fn by(method: Method, volume: Decimal, terms: Vec<Term>) -> Self {
        Self { method, volume, norm: None, raised: false, terms }
    }
}

impl Month {
    /// The bill as it is read for a comparison.
    pub(super) fn lines(&self) -> Vec<Charged> {
        let lines = self.billed().into_iter().map(|(at, line)| self.row(at, &line));
        charged_in(&self.services(), Premises::Flat, &lines.collect::<Vec<_>>())
    }

    /// What each service costs before rounding, roubles.
    pub(super) fn exact(&self) -> [Decimal; 9] {
        let mut sums = [Decimal::ZERO; 9];
        for (at, line) in self.billed() {
            sums[at] = line.exact_amount + line.exact_excess;
        }
        sums
    }

    fn billed(&self) -> Vec<(usize, Line)> {
        let (cold, hot) = (self.water(self.cold, COLD), self.water(self.hot, HOT));
        let drawn = [
            self.area_by_days(Method::Area),
            cold,
            hot,
            self.heat(),
            self.wastewater(),
            Drawn::by(Method::Meter, self.power, Vec::new()),
            self.heating(),
            self.common_water(),
            self.people(),
        ];
        let all = drawn.into_iter().enumerate().filter(|(at, _)| *at != WASTE || self.waste);
        all.map(|(at, drawn)| (at, self.priced(at, drawn))).collect()
    }

    /// A number by the days that it counts.
    fn by_days(&self, value: Decimal, role: Role, unit: Unit) -> (Decimal, Vec<Term>) {
        if self.days == DAYS {
            return (value, Vec::new());
        }
        let days = Decimal::from(self.days);
        let counted = places(value * days / Decimal::from(DAYS));
        let terms = vec![
            term(Operation::Start, role, value, unit),
            term(Operation::Times, Role::DaysCharged, days, Unit::Day),
            term(Operation::Divide, Role::DaysInMonth, DAYS.into(), Unit::Day),
            term(Operation::Equals, role, counted, unit),
        ];
        (counted, terms)
    }

    fn people(&self) -> Drawn {
        let (people, terms) = self.by_days(self.residents.into(), Role::Residents, Unit::Person);
        Drawn::by(Method::Persons, people, terms)
    }

    fn area_by_days(&self, method: Method) -> Drawn {
        let (area, terms) = self.by_days(self.area, Role::Area, Unit::SquareMetre);
        Drawn::by(method, area, terms)
    }

    /// By meter, or people × norm.
    fn water(&self, measured: Option<Decimal>, norm: usize) -> Drawn {
        if let Some(volume) = measured {
            return Drawn::by(Method::Meter, volume, Vec::new());
        }
        let Drawn { volume: people, mut terms, .. } = self.people();
        let norm = self.norms[norm];
        terms.push(term(Operation::Start, Role::Residents, people, Unit::Person));
        terms.push(term(Operation::Times, Role::Norm, norm, Unit::CubicMetre));
        terms.push(term(Operation::Equals, Role::Volume, places(people * norm), Unit::CubicMetre));
        let raised = self.coefficient.is_some();
        let method = if raised { Method::NormRaised } else { Method::Norm };
        Drawn { raised, norm: Some(norm), ..Drawn::by(method, places(people * norm), terms) }
    }

    /// Hot water × Гкал a cubic metre, raised as the water is.
    fn heat(&self) -> Drawn {
        let water = self.water(self.hot, HOT);
        let norm = self.norms[HEAT];
        let volume = places(water.volume * norm);
        let terms = vec![
            term(Operation::Start, Role::Volume, water.volume, Unit::CubicMetre),
            term(Operation::Times, Role::Norm, norm, Unit::Gigacalorie),
            term(Operation::Equals, Role::Volume, volume, Unit::Gigacalorie),
        ];
        Drawn { raised: water.raised, norm: Some(norm), ..Drawn::by(Method::Derived, volume, terms) }
    }

    fn wastewater(&self) -> Drawn {
        let (cold, hot) = (self.water(self.cold, COLD).volume, self.water(self.hot, HOT).volume);
        let terms = vec![
            term(Operation::Start, Role::Volume, cold, Unit::CubicMetre),
            term(Operation::Plus, Role::Volume, hot, Unit::CubicMetre),
            term(Operation::Equals, Role::Volume, cold + hot, Unit::CubicMetre),
        ];
        Drawn::by(Method::Derived, cold + hot, terms)
    }

    /// Area × norm.
    fn heating(&self) -> Drawn {
        let Drawn { volume: area, terms, .. } = self.area_by_days(Method::Norm);
        let norm = self.norms[HEATING];
        Drawn { norm: Some(norm), ..Drawn::by(Method::Norm, places(area * norm), terms) }
    }

    /// The account's share of the house's rest, or of the norm of its common property.
    fn common_water(&self) -> Drawn {
        let Drawn { volume: area, mut terms, .. } = self.area_by_days(Method::HouseShare);
        let norm = self.norms[COMMON_WATER];
        let of = self.house.unwrap_or(norm * COMMON);
        let volume = places(of * area / ROOMS);
        match self.house {
            Some(rest) => terms.push(term(Operation::Start, Role::HouseVolume, rest, Unit::CubicMetre)),
            None => {
                terms.push(term(Operation::Start, Role::Norm, norm, Unit::CubicMetre));
                terms.push(term(Operation::Times, Role::HouseArea, COMMON, Unit::SquareMetre));
            }
        }
        terms.push(term(Operation::Times, Role::Area, area, Unit::SquareMetre));
        terms.push(term(Operation::Divide, Role::HouseArea, ROOMS, Unit::SquareMetre));
        terms.push(term(Operation::Equals, Role::Volume, volume, Unit::CubicMetre));
        Drawn { norm: self.house.is_none().then_some(norm), ..Drawn::by(Method::HouseShare, volume, terms) }
    }

    /// The prices of a service: each range of electricity is dearer than the one before it.
    fn prices(&self, at: usize) -> Vec<Price> {
        let amount = Decimal::new(self.prices[at], 2);
        let ranges = if SERVICES[at].0 == "electricity" { &RANGES[..] } else { &RANGES[..1] };
        let price = |(dearer, above): (i64, &i64)| Price {
            zone: Zone::WholeDay,
            above: (*above).into(),
            amount: amount * Decimal::from(dearer),
        };
        (1..).zip(ranges).map(price).collect()
    }

    fn priced(&self, at: usize, drawn: Drawn) -> Line {
        let prices = self.prices(at);
        let mut parts = Vec::new();
        for (position, price) in prices.iter().enumerate() {
            let end = prices.get(position + 1).map_or(drawn.volume, |next| next.above.min(drawn.volume));
            let volume = end - price.above;
            if position > 0 && volume <= Decimal::ZERO {
                break;
            }
            let exact_amount = volume * price.amount;
            parts.push(Part { zone: price.zone, above: price.above, volume, tariff: price.amount, exact_amount });
        }
        let exact_amount: Decimal = parts.iter().map(|part| part.exact_amount).sum();
        let coefficient = self.coefficient.filter(|_| drawn.raised);
        let exact_excess = coefficient.map_or(Decimal::ZERO, |by| exact_amount * (by - Decimal::ONE));
        let mut trace = drawn.terms;
        trace.push(term(Operation::Start, Role::Volume, drawn.volume, SERVICES[at].2));
        trace.push(term(Operation::Equals, Role::Amount, exact_amount, Unit::Rouble));
        Line {
            service: 0,
            method: drawn.method,
            reason: None,
            volume: drawn.volume,
            parts,
            norm: drawn.norm,
            coefficient,
            amount: kopecks(exact_amount).0,
            excess: kopecks(exact_excess).0,
            exact_amount,
            exact_excess,
            recalculations: Vec::new(),
            trace,
        }
    }

    /// The line as the run keeps it.
    fn row(&self, at: usize, line: &Line) -> charge::Model {
        let quantity = |value: Decimal| Quantity::from_decimal(value).expect("a quantity");
        let charged = Money(line.amount + line.excess);
        charge::Model {
            tenant_id: TenantId(Uuid::nil()),
            run_id: RunId(Uuid::nil()),
            account_id: AccountId(Uuid::nil()),
            service_code: SERVICES[at].0.to_owned(),
            kind_code: "main".to_owned(),
            method: enum_name(line.method),
            volume: Some(quantity(line.volume)),
            tariff: line.tariff().map(quantity),
            norm: line.norm.map(quantity),
            coefficient: line.coefficient.map(quantity),
            opening: Money::ZERO,
            charged,
            excess: Money(line.excess),
            recalculation: Money(self.recalculations[at]),
            penalty: Money(self.penalties[at]),
            counted: Money::ZERO,
            to_pay: charged,
            trace: trace::encode(line),
        }
    }

    fn services(&self) -> Vec<(Service, Option<Terms>)> {
        let service = |(at, (code, resource, unit)): (usize, &(&str, ServiceKind, Unit))| {
            let service = Service {
                code: (*code).to_owned(),
                title: (*code).to_owned(),
                resource: *resource,
                unit: *unit,
                section: Section::Utilities,
                kind: "main".to_owned(),
                rule: String::new(),
                shares: String::new(),
            };
            (service, Some(Terms { prices: self.prices(at), ..Terms::default() }))
        };
        SERVICES.iter().enumerate().map(service).collect()
    }
}

/// Any month; `meters`: of cold water, of hot water, of the house.
pub(super) fn any_month(meters: [bool; 3]) -> impl Strategy<Value = Month> {
    // With fewer days and dearer water the rounding of volumes would be told in kopecks.
    let people = (1_i64..7, 5_i64..=DAYS, 100_i64..2_000);
    let volumes = (0_i64..30_000, 0_i64..30_000, 0_i64..400_000, 0_i64..2_000_000);
    let norms = (100_i64..900, 100_i64..900, 40_i64..90, 100_i64..500, 10_i64..90);
    let coefficient = prop::option::of(11_i64..40);
    let sums = (prop::array::uniform9(100_i64..100_000), prop::array::uniform9(-9_000_i64..9_000));
    let more = (prop::array::uniform9(0_i64..900), any::<bool>());
    (people, volumes, norms, coefficient, sums, more).prop_map(
        move |((residents, days, area), volumes, norms, coefficient, (prices, recalculations), (penalties, waste))| {
            let thousandths = |volume: i64| Decimal::new(volume, 3);
            Month {
                residents,
                days,
                area: Decimal::new(area, 1),
                cold: meters[0].then(|| thousandths(volumes.0)),
                hot: meters[1].then(|| thousandths(volumes.1)),
                power: thousandths(volumes.2),
                house: meters[2].then(|| thousandths(volumes.3)),
                norms: [
                    Decimal::new(norms.0, 2),
                    Decimal::new(norms.1, 2),
                    Decimal::new(norms.2, 3),
                    Decimal::new(norms.3, 4),
                    Decimal::new(norms.4, 3),
                ],
                coefficient: coefficient.map(|tenths| Decimal::new(tenths, 1)),
                prices,
                recalculations,
                penalties,
                waste,
            }
        },
    )
}

fn term(operation: Operation, role: Role, value: Decimal, unit: Unit) -> Term {
    Term { operation, role, value, unit }
}

fn places(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(7, RoundingStrategy::MidpointAwayFromZero)
}

pub(super) fn kopecks(roubles: Decimal) -> Money {
    Money::from_roubles(roubles).expect("a sum")
}
