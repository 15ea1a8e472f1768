//! The rules: which volume a service has, and the line it makes.

use kabinet_tariff_sdk::{
    Account, Basis, Consumption, Decimal, Exact, Line, Method, Operation, Reason, Recalculation, Role, ServiceKind,
    ServiceTable, Trace, Unit,
};

use crate::Run;
use crate::people;
use crate::price::{PriceList, Priced};
use crate::problem::Problem;
use crate::volume::{Metered, PLACES, ZoneVolumes, by_meters};

/// Absences up to this many full days change nothing.
const ABSENCE_DAYS: u8 = 5;
/// Operands of a usual formula, to reserve room once.
const USUAL_TERMS: usize = 8;

/// One service of one account.
pub(crate) struct Case<'a> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) account: &'a Account,
    pub(crate) consumption: &'a Consumption,
    pub(crate) table: &'a ServiceTable,
    pub(crate) prices: &'a PriceList,
}

/// How a line came about, beside its volume.
struct How {
    method: Method,
    reason: Option<Reason>,
    norm: Option<Decimal>,
    coefficient: Option<Decimal>,
}

impl How {
    fn by(method: Method) -> How {
        How { method, reason: None, norm: None, coefficient: None }
    }
}

impl Case<'_> {
    /// The service's line; `before` are the account's lines made so far.
    pub(crate) fn line(&self, before: &[Option<Line>]) -> Result<Line, Problem> {
        let mut trace = Trace::with_capacity(USUAL_TERMS);
        match self.table.rule.as_str() {
            "metered" if self.consumption.meters.is_empty() => self.by_norm(self.no_meter(), trace),
            "metered" => self.metered(trace),
            "drainage" if !self.consumption.meters.is_empty() => self.metered(trace),
            "drainage" => self.drainage(before, trace),
            "area" => {
                let area = people::area(self.account, self.run.days, &mut trace)?;
                self.plain(area.value, How::by(Method::Area), trace)
            }
            "persons" => {
                let people = people::people(self.account, self.run.days, &mut trace)?;
                self.plain(people.value, How::by(Method::Persons), trace)
            }
            rule => Err(Problem::Unsupported(format!("правило расчёта «{rule}» не поддерживается"))),
        }
    }

    fn no_meter(&self) -> Reason {
        if self.consumption.meter_possible { Reason::MeterPossible } else { Reason::NoMeter }
    }

    fn metered(&self, mut trace: Trace) -> Result<Line, Problem> {
        let metered = by_meters(self.account, self.consumption, self.table.unit, &mut trace)?;
        let (volumes, method, reason) = match metered {
            Metered::Norm(reason) => return self.by_norm(reason, trace),
            Metered::Volume { volumes, method, reason } => (volumes, method, reason),
        };
        // A reading after averaged months covers them all: each gets its ranges, and what was
        // charged for them is given back.
        let averaged = if method == Method::Meter { self.consumption.averaged.as_slice() } else { &[] };
        let months = u16::try_from(averaged.len() + 1).unwrap_or(u16::MAX);
        let priced = self.prices.charge(&volumes, months, &mut trace)?;
        let how = How { reason, ..How::by(method) };
        let mut line = self.finish(volumes.total()?, priced, how, trace)?;
        for month in averaged {
            let Some(back) = month.charged.checked_neg() else {
                return Err(Problem::TooLarge);
            };
            line.recalculations.push(Recalculation {
                basis: Basis::AverageReversed,
                period: month.period,
                amount: Decimal { mantissa: back, scale: 2 },
            });
        }
        Ok(line)
    }

    /// People × norm, raised where a usable meter could be there.
    fn by_norm(&self, reason: Reason, mut trace: Trace) -> Result<Line, Problem> {
        let Some(norm) = self.table.norm else {
            return Err(Problem::Table("не задан норматив, а он нужен: нет показаний или прибора".to_owned()));
        };
        let people = people::people(self.account, self.run.days, &mut trace)?;
        let volume = people.value.times(norm.into())?.rounded(PLACES)?;
        trace.push(Operation::Start, people.role, people.value, people.unit)?;
        trace.push_decimal(Operation::Times, Role::Norm, norm, self.table.unit);
        let priced = match self.prices.single() {
            // One sentence: people × norm × tariff.
            Some(tariff) => {
                let mut unseen = Trace::default();
                let priced = self.prices.charge(&ZoneVolumes::whole_day(volume), 1, &mut unseen)?;
                trace.push_decimal(Operation::Times, Role::Tariff, tariff, Unit::Rouble);
                trace.push(Operation::Equals, Role::Amount, priced.amount, Unit::Rouble)?;
                priced
            }
            None => {
                trace.push(Operation::Equals, Role::Volume, volume, self.table.unit)?;
                self.prices.charge(&ZoneVolumes::whole_day(volume), 1, &mut trace)?
            }
        };
        let raised = !matches!(reason, Reason::NoMeter | Reason::ReadingMissing);
        let coefficient = if raised { self.table.coefficient } else { None };
        let method = if coefficient.is_some() { Method::NormRaised } else { Method::Norm };
        let how = How { method, reason: Some(reason), norm: Some(norm), coefficient };
        let mut line = self.finish(volume, priced, how, trace)?;
        if reason == Reason::NoMeter {
            self.absences(norm, &mut line)?;
        }
        Ok(line)
    }

    /// Gives back people × norm × days away ÷ days of the month × tariff.
    fn absences(&self, norm: Decimal, line: &mut Line) -> Result<(), Problem> {
        for absence in self.account.absences.iter().filter(|absence| absence.days > ABSENCE_DAYS) {
            let Some(tariff) = self.prices.base() else {
                continue;
            };
            let days = absence.days.min(self.run.days);
            let volume = Exact::from(absence.residents)
                .times(norm.into())?
                .times(days.into())?
                .divided(self.run.days.into(), PLACES)?;
            line.recalculations.push(Recalculation {
                basis: Basis::Absence,
                period: self.run.batch.period,
                amount: volume.times(tariff.into())?.negated().fit()?,
            });
        }
        Ok(())
    }

    /// Cold and hot water of the account together, without any raising.
    fn drainage(&self, before: &[Option<Line>], mut trace: Trace) -> Result<Line, Problem> {
        let mut volume = Exact::ZERO;
        let mut found = 0;
        for line in before.iter().flatten() {
            let kind = self.run.batch.tables.get(usize::from(line.service)).map(|table| table.kind);
            if !matches!(kind, Some(ServiceKind::ColdWater | ServiceKind::HotWater)) {
                continue;
            }
            volume = volume.plus(line.volume.into())?;
            found += 1;
            trace.push_decimal(Operation::Plus, Role::Volume, line.volume, self.table.unit);
        }
        match found {
            0 => return self.by_norm(Reason::NoMeter, Trace::with_capacity(USUAL_TERMS)),
            1 => trace = Trace::with_capacity(USUAL_TERMS),
            _ => trace.push(Operation::Equals, Role::Volume, volume, self.table.unit)?,
        }
        self.plain(volume, How::by(Method::Derived), trace)
    }

    /// A volume of the whole day at the table's prices.
    fn plain(&self, volume: Exact, how: How, mut trace: Trace) -> Result<Line, Problem> {
        let priced = self.prices.charge(&ZoneVolumes::whole_day(volume), 1, &mut trace)?;
        self.finish(volume, priced, how, trace)
    }

    fn finish(&self, volume: Exact, priced: Priced, how: How, mut trace: Trace) -> Result<Line, Problem> {
        let mut excess = Exact::ZERO;
        if let Some(coefficient) = how.coefficient {
            let above_one = Exact::from(coefficient).minus(Exact::ONE)?;
            if above_one.is_negative() {
                return Err(Problem::Table("повышающий коэффициент меньше единицы".to_owned()));
            }
            excess = priced.amount.times(above_one)?;
            trace.push(Operation::Start, Role::Amount, priced.amount, Unit::Rouble)?;
            trace.push(Operation::Times, Role::Coefficient, above_one, Unit::One)?;
            trace.push(Operation::Equals, Role::Excess, excess, Unit::Rouble)?;
        }
        Ok(Line {
            service: self.consumption.service,
            method: how.method,
            reason: how.reason,
            volume: volume.fit()?,
            parts: priced.parts,
            norm: how.norm,
            coefficient: how.coefficient,
            amount: priced.amount.fit()?,
            excess: excess.fit()?,
            recalculations: Vec::new(),
            trace: trace.into_terms(),
        })
    }
}
