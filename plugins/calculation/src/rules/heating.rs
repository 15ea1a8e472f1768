//! Heating: by norm, or by house meter with or without meters in the rooms.

use kabinet_tariff_sdk::{Basis, Exact, Line, Method, Operation, Period, Reason, Recalculation, Role, Trace, Unit};

use crate::case::{Case, How, new_trace};
use crate::house::{Areas, Volumes};
use crate::parameter;
use crate::people;
use crate::problem::Problem;
use crate::rules::metered::give_averages_back;
use crate::volume::{Metered, PLACES, by_meters, of_open_days};

/// Months of a year, over which even payment spreads the heating months.
const MONTHS_OF_YEAR: u8 = 12;
/// A year is corrected in its last month, or later.
const DECEMBER: u8 = 12;

/// The month's heat, and the correction of a year that was paid evenly.
pub(crate) fn heating(case: &Case<'_>, _: &[Option<Line>]) -> Result<Line, Problem> {
    let even = even_months(case)?;
    let areas = match case.account.house {
        Some(_) => Some(Areas::of(case)?),
        None => None,
    };
    let volumes = match &areas {
        Some(areas) => areas.volumes(case)?,
        None => None,
    };
    let mut line = match (&areas, volumes.as_ref().and_then(|volumes| Some((volumes, volumes.house?)))) {
        (Some(areas), Some((volumes, house))) => by_house_meter(case, areas, volumes, house, even.is_some())?,
        _ => by_norm(case, even)?,
    };
    correction(case, volumes.as_ref(), even.is_some(), &mut line)?;
    Ok(line)
}

/// Heating months, where the region pays evenly over the year.
fn even_months(case: &Case<'_>) -> Result<Option<Exact>, Problem> {
    let Some(months) = parameter::find(&case.table.parameters, "even_months") else {
        return Ok(None);
    };
    let whole = months.rounded(0)?.compare(months)?.is_eq();
    let within = months.compare(Exact::ONE)?.is_ge() && months.compare(MONTHS_OF_YEAR.into())?.is_le();
    if !whole || !within {
        return Err(Problem::Table("число отопительных месяцев должно быть целым от 1 до 12".to_owned()));
    }
    Ok(Some(months))
}

/// Area × norm, under even payment the twelfth part of the heating months.
fn by_norm(case: &Case<'_>, even: Option<Exact>) -> Result<Line, Problem> {
    let Some(norm) = case.table.norm else {
        let message = "не задан норматив отопления, а общедомового прибора или его показаний нет";
        return Err(Problem::Table(message.to_owned()));
    };
    let mut trace = new_trace();
    let area = people::area(case.account, case.run.days, &mut trace)?.value;
    let mut volume = area.times(norm.into())?;
    trace.push(Operation::Start, Role::Area, area, Unit::SquareMetre)?;
    trace.push_decimal(Operation::Times, Role::Norm, norm, case.table.unit);
    if let Some(months) = even {
        volume = volume.times(months)?.divided(MONTHS_OF_YEAR.into(), PLACES)?;
        trace.push(Operation::Times, Role::Months, months, Unit::Month)?;
        trace.push(Operation::Divide, Role::Months, MONTHS_OF_YEAR.into(), Unit::Month)?;
    }
    let volume = volume.rounded(PLACES)?;
    trace.push(Operation::Equals, Role::Volume, volume, case.table.unit)?;
    let how = How { method: Method::Norm, reason: Some(Reason::NoMeter), norm: Some(norm), coefficient: None };
    case.plain(volume, how, trace)
}

/// The room's own heat and its share of what the house used beside the rooms.
fn by_house_meter(
    case: &Case<'_>,
    areas: &Areas<'_>,
    volumes: &Volumes,
    house: Exact,
    even: bool,
) -> Result<Line, Problem> {
    let mut trace = new_trace();
    let area = people::area(case.account, case.run.days, &mut trace)?.value;
    let meter = if even { ByMeter::EvenMonth } else { ByMeter::Month };
    let heat = Heat::with_share(case, (areas, volumes, house), area, meter, &mut trace)?;
    let how = How { reason: heat.reason, ..How::by(heat.method) };
    let mut line = case.plain(heat.volume, how, trace)?;
    // Of the months that a reading covers the room's own heat goes back, as the platform names it; shares of the house's
    // rest stay. Where one meter of the room does not count, no reading of another is charged that would cover them.
    if meter == ByMeter::Month && heat.method != Method::HouseShare {
        give_averages_back(case.consumption.averaged.iter(), &mut line)?;
    }
    Ok(line)
}

/// What all rooms used themselves, with or without meters, Гкал.
fn all_rooms(case: &Case<'_>, areas: &Areas<'_>, volumes: &Volumes, trace: &mut Trace) -> Result<Exact, Problem> {
    if volumes.metered_area.is_zero() || volumes.metered_area.compare(areas.rooms)?.is_eq() {
        return Ok(volumes.rooms);
    }
    let rooms = volumes.rooms.times(areas.rooms)?.divided(volumes.metered_area, PLACES)?;
    trace.push(Operation::Start, Role::HouseVolume, volumes.rooms, case.table.unit)?;
    trace.push(Operation::Times, Role::HouseArea, areas.rooms, Unit::SquareMetre)?;
    trace.push(Operation::Divide, Role::HouseArea, volumes.metered_area, Unit::SquareMetre)?;
    trace.push(Operation::Equals, Role::HouseVolume, rooms, case.table.unit)?;
    Ok(rooms)
}

/// What a room's meter is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ByMeter {
    /// The month's heat.
    Month,
    /// A month's heat of last year, for the days of this month on which the account was open.
    EvenMonth,
    /// A month's heat of last year.
    LastYear,
}

/// Heat of a room, Гкал.
struct Heat {
    volume: Exact,
    method: Method,
    reason: Option<Reason>,
}

impl Heat {
    /// The room's own and its share of what the `house` used beside all rooms: V_i + S × (V_house − ΣV_i) ÷ S_total.
    fn with_share(
        case: &Case<'_>,
        (areas, volumes, house): (&Areas<'_>, &Volumes, Exact),
        area: Exact,
        meter: ByMeter,
        trace: &mut Trace,
    ) -> Result<Heat, Problem> {
        let own = Heat::own(case, volumes, area, meter, trace)?;
        let rest = house.minus(all_rooms(case, areas, volumes, trace)?)?;
        if !volumes.metered_area.is_zero() {
            let rooms = house.minus(rest)?;
            trace.push(Operation::Start, Role::HouseVolume, house, case.table.unit)?;
            trace.push(Operation::Minus, Role::HouseVolume, rooms, case.table.unit)?;
            trace.push(Operation::Equals, Role::HouseVolume, rest, case.table.unit)?;
            trace.push(Operation::Start, Role::Volume, own.volume, case.table.unit)?;
        }
        let volume = own.volume.plus(area.times(rest)?.divided(areas.rooms, PLACES)?)?;
        trace.push(Operation::Plus, Role::Area, area, Unit::SquareMetre)?;
        trace.push(Operation::Times, Role::HouseVolume, rest, case.table.unit)?;
        trace.push(Operation::Divide, Role::HouseArea, areas.rooms, Unit::SquareMetre)?;
        trace.push(Operation::Equals, Role::Volume, volume, case.table.unit)?;
        // Rooms that metered more than the house leave a negative share; nobody is paid for heat.
        Ok(Heat { volume: if volume.is_negative() { Exact::ZERO } else { volume }, ..own })
    }

    /// By the room's meter, or as much a square metre as the metered rooms; nothing where no room has a meter.
    fn own(
        case: &Case<'_>,
        volumes: &Volumes,
        area: Exact,
        meter: ByMeter,
        trace: &mut Trace,
    ) -> Result<Heat, Problem> {
        let refused = |message: &str| Err(Problem::Account(message.to_owned()));
        let no_room_metered = volumes.metered_area.is_zero();
        let reason = match Heat::by_meter(case, meter, trace)? {
            Ok(_) if no_room_metered => {
                return refused("у помещения есть прибор отопления, но не задана площадь помещений с приборами в доме");
            }
            Ok(own) => return Ok(own),
            Err(reason) => reason,
        };
        if no_room_metered {
            if !volumes.rooms.is_zero() {
                return refused("есть объём отопления по приборам помещений, но не задана их площадь в доме");
            }
            return Ok(Heat { volume: Exact::ZERO, method: Method::HouseShare, reason: None });
        }
        let volume = area.times(volumes.rooms)?.divided(volumes.metered_area, PLACES)?;
        trace.push(Operation::Start, Role::Area, area, Unit::SquareMetre)?;
        trace.push(Operation::Times, Role::HouseVolume, volumes.rooms, case.table.unit)?;
        trace.push(Operation::Divide, Role::HouseArea, volumes.metered_area, Unit::SquareMetre)?;
        trace.push(Operation::Equals, Role::Volume, volume, case.table.unit)?;
        Ok(Heat { volume, method: Method::HouseShare, reason: Some(reason) })
    }

    /// By the room's meter, or why it does not count.
    fn by_meter(case: &Case<'_>, meter: ByMeter, trace: &mut Trace) -> Result<Result<Heat, Reason>, Problem> {
        if case.consumption.meters.is_empty() {
            return Ok(Err(Reason::NoMeter));
        }
        if meter != ByMeter::Month {
            // The house's figures are last year's monthly averages, so the room's must be too.
            // A meter that was not there all of last year has none: the room goes with those without a meter.
            let Some(volume) = parameter::find(&case.consumption.parameters, "average_volume") else {
                return Ok(Err(Reason::ReadingMissing));
            };
            if volume.is_negative() {
                return Err(Problem::Account("среднемесячный объём прибора отрицательный".to_owned()));
            }
            let volume = if meter == ByMeter::EvenMonth { of_open_days(case, volume, trace)? } else { volume };
            return Ok(Ok(Heat { volume, method: Method::Average, reason: None }));
        }
        Ok(match by_meters(case, trace)? {
            Metered::Norm { reason, .. } => Err(reason),
            Metered::Volume { volumes, method, reason } => Ok(Heat { volume: volumes.total()?, method, reason }),
        })
    }
}

/// The difference between the account's share of the house's year and what was charged over it.
fn correction(case: &Case<'_>, volumes: Option<&Volumes>, even: bool, line: &mut Line) -> Result<(), Problem> {
    let of_year = |name| parameter::find(&case.consumption.parameters, name);
    let (house, charged) = match (of_year("year_house_amount"), of_year("year_charged")) {
        (None, None) => return Ok(()),
        (Some(house), Some(charged)) => (house, charged),
        _ => {
            let message = "для годовой корректировки нужны и стоимость тепла дома за год, и начисленное за год";
            return Err(Problem::Account(message.to_owned()));
        }
    };
    if house.is_negative() || charged.is_negative() {
        return Err(Problem::Account("суммы годовой корректировки не могут быть отрицательными".to_owned()));
    }
    let (mut trace, share) = share_of_year(case, volumes, even)?;
    let amount = share.part.times(house)?.divided(share.whole, PLACES)?.minus(charged)?;
    trace.push(Operation::Start, share.roles.0, share.part, share.unit)?;
    trace.push(Operation::Divide, share.roles.1, share.whole, share.unit)?;
    trace.push(Operation::Times, Role::Other, house, Unit::Rouble)?;
    trace.push(Operation::Minus, Role::Other, charged, Unit::Rouble)?;
    trace.push(Operation::Equals, Role::Recalculation, amount, Unit::Rouble)?;
    line.trace.extend(trace.into_terms());
    let now = case.run.batch.period;
    let period = if now.month == DECEMBER { now } else { Period { year: now.year.saturating_sub(1), month: DECEMBER } };
    line.recalculations.push(Recalculation { basis: Basis::Correction, period, amount: amount.fit()? });
    Ok(())
}

/// An account's share of its house's year: `part` of the `whole`.
struct Share {
    part: Exact,
    whole: Exact,
    roles: (Role, Role),
    unit: Unit,
}

/// By area; where rooms are metered by heat, as in each month: the averages by which a month is paid evenly are those
/// of the year before, which is the one that is corrected. Where rooms metered more than the house used, its year is
/// divided by their own heat, so that the shares of a house always add up to it. Comes with the steps that lead to it
/// and that the month's own formula does not show.
fn share_of_year(case: &Case<'_>, volumes: Option<&Volumes>, even: bool) -> Result<(Trace, Share), Problem> {
    let areas = Areas::of(case)?;
    let area = Exact::from(case.account.area);
    let mut trace = new_trace();
    let metered = volumes.filter(|volumes| !volumes.metered_area.is_zero());
    let known = metered.and_then(|volumes| Some((volumes, volumes.house.filter(|house| !house.is_zero())?)));
    let Some((volumes, house)) = known else {
        let roles = (Role::Area, Role::HouseArea);
        return Ok((trace, Share { part: area, whole: areas.rooms, roles, unit: Unit::SquareMetre }));
    };
    if !even || case.run.batch.period.month == DECEMBER {
        let message = "в доме с приборами в помещениях год корректируют в январе, при оплате равномерно за год: тогда \
                       объёмы дома и помещений – за исправляемый год";
        return Err(Problem::Account(message.to_owned()));
    }
    let rooms = all_rooms(case, &areas, volumes, &mut trace)?;
    let (part, whole) = if rooms.compare(house)?.is_gt() {
        // A share of less than nothing is none, and those of the others would come to more than the house's year.
        (Heat::own(case, volumes, area, ByMeter::LastYear, &mut trace)?, rooms)
    } else {
        trace = new_trace();
        (Heat::with_share(case, (&areas, volumes, house), area, ByMeter::LastYear, &mut trace)?, house)
    };
    if case.account.spans.is_empty() {
        // The month is charged by the same volume: its formula shows how that came about.
        trace = new_trace();
    }
    let roles = (Role::Volume, Role::HouseVolume);
    Ok((trace, Share { part: part.volume, whole, roles, unit: case.table.unit }))
}
