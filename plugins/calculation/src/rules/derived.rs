//! Services whose volume is made of the account's water.

use kabinet_tariff_sdk::{
    Basis, Decimal, Exact, Line, Method, Operation, Period, Reason, Role, ServiceKind, TooLarge, Trace, Unit,
};

use crate::METERED;
use crate::absence;
use crate::case::{Case, How, new_trace};
use crate::people;
use crate::problem::Problem;
use crate::rules::metered;
use crate::volume::{PLACES, ZoneVolumes};

/// Wastewater: its own meter, or cold and hot water together, never raised.
pub(crate) fn drainage(case: &Case<'_>, before: &[Option<Line>]) -> Result<Line, Problem> {
    if !case.consumption.meters.is_empty() {
        return metered::by_own_meters(case, None);
    }
    let mut trace = new_trace();
    let water = Water::of(case, before, &[ServiceKind::ColdWater, ServiceKind::HotWater], &mut trace)?;
    match water.lines {
        0 => return metered::by_norm(case, Reason::NoMeter, None, new_trace()),
        1 => trace = new_trace(),
        _ => trace.push(Operation::Equals, Role::Volume, water.volume, case.table.unit)?,
    }
    water.line(case, None, How::by(Method::Derived), trace)
}

/// Heat in hot water: the account's hot water × Гкал in a cubic metre.
pub(crate) fn heat_in_water(case: &Case<'_>, before: &[Option<Line>]) -> Result<Line, Problem> {
    let Some(norm) = case.table.norm else {
        return Err(Problem::Table("не задан норматив: сколько Гкал нужно на кубометр горячей воды".to_owned()));
    };
    let mut trace = new_trace();
    let water = Water::of(case, before, &[ServiceKind::HotWater], &mut trace)?;
    if water.lines == 0 {
        let message = "нет строки горячей воды, из объёма которой считается тепло на подогрев";
        return Err(Problem::Account(message.to_owned()));
    }
    if water.lines > 1 {
        trace.push(Operation::Equals, Role::Volume, water.volume, Unit::CubicMetre)?;
        trace.push(Operation::Start, Role::Volume, water.volume, Unit::CubicMetre)?;
    }
    trace.push_decimal(Operation::Times, Role::Norm, norm, case.table.unit);
    trace.push(Operation::Equals, Role::Volume, units(water.volume, Some(norm))?, case.table.unit)?;
    let coefficient = case.table.coefficient.filter(|_| water.raised);
    let how = How { norm: Some(norm), coefficient, ..How::by(Method::Derived) };
    water.line(case, Some(norm), how, trace)
}

/// Units of the service in so many cubic metres of water.
fn units(water: Exact, norm: Option<Decimal>) -> Result<Exact, TooLarge> {
    match norm {
        Some(norm) => water.times(norm.into())?.rounded(PLACES),
        None => Ok(water),
    }
}

/// The water lines of an account that another service builds on.
struct Water {
    /// Cubic metres.
    volume: Exact,
    /// How many lines.
    lines: u8,
    /// Cubic metres by norm of people who were away.
    absent: Exact,
    /// Months charged by average that a line gives back.
    reversed: Vec<Period>,
    /// Whether a line was raised.
    raised: bool,
}

impl Water {
    /// Reads the lines made so far; writes their sum into `trace`.
    fn of(
        case: &Case<'_>,
        before: &[Option<Line>],
        kinds: &[ServiceKind],
        trace: &mut Trace,
    ) -> Result<Water, Problem> {
        let mut water =
            Water { volume: Exact::ZERO, lines: 0, absent: Exact::ZERO, reversed: Vec::new(), raised: false };
        for line in before.iter().flatten() {
            let table = case.run.batch.tables.get(usize::from(line.service));
            let Some(table) = table.filter(|table| kinds.contains(&table.kind) && table.rule == METERED.name) else {
                continue;
            };
            water.lines += 1;
            water.volume = water.volume.plus(line.volume.into())?;
            water.raised |= line.coefficient.is_some();
            trace.push_decimal(Operation::Plus, Role::Volume, line.volume, table.unit);
            let reversed = line.recalculations.iter().filter(|given| given.basis == Basis::AverageReversed);
            water.reversed.extend(reversed.map(|given| given.period));
            let away = line.recalculations.iter().any(|recalculation| recalculation.basis == Basis::Absence);
            if let (true, Some(norm)) = (away, line.norm) {
                water.add_absence(case, norm)?;
            }
        }
        Ok(water)
    }

    fn add_absence(&mut self, case: &Case<'_>, norm: Decimal) -> Result<(), Problem> {
        let people = people::people(case.account, case.run.days, &mut Trace::default())?;
        let person_days = absence::person_days(case, people.value)?;
        self.absent = self.absent.plus(absence::volume(case, person_days, norm)?)?;
        Ok(())
    }

    /// The line of as many units, each `norm` of a cubic metre's; what the water gives back for absence, this
    /// service gives back too, and its own charges of the months whose averages the water gives back.
    fn line(&self, case: &Case<'_>, norm: Option<Decimal>, how: How, mut trace: Trace) -> Result<Line, Problem> {
        let volume = units(self.volume, norm)?;
        let averaged = || case.consumption.averaged.iter().filter(|month| self.reversed.contains(&month.period));
        let months = metered::months_covered(averaged());
        let priced = case.prices.charge(&ZoneVolumes::whole_day(volume), months, &mut trace)?;
        let mut line = case.finish(volume, priced, how, trace)?;
        absence::give_back(case, units(self.absent, norm)?, &mut line)?;
        metered::give_averages_back(averaged(), &mut line)?;
        Ok(line)
    }
}
