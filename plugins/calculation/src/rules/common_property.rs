//! Resources that the common property of a house uses, shared by area.

use kabinet_tariff_sdk::{Exact, Line, Method, Operation, Role, Trace, Unit};

use crate::case::{Case, How, new_trace};
use crate::house::{Areas, Volumes};
use crate::parameter;
use crate::people;
use crate::problem::Problem;
use crate::volume::PLACES;

/// The account's share by norm, or of the house meter's volume beyond the rooms'.
pub(crate) fn common_property(case: &Case<'_>, _: &[Option<Line>]) -> Result<Line, Problem> {
    let by_meter = by_house_meter(case)?;
    let areas = Areas::of(case)?;
    let mut trace = new_trace();
    let area = people::area(case.account, case.run.days, &mut trace)?.value;
    let volumes = if by_meter { areas.volumes(case)? } else { None };
    match volumes.as_ref().and_then(|volumes| Some((volumes, volumes.house?))) {
        Some((volumes, house)) => of_rest(case, area, &areas, volumes, house, trace),
        None => of_norm(case, area, &areas, trace),
    }
}

/// Whether the company charges by house meter where there is one.
fn by_house_meter(case: &Case<'_>) -> Result<bool, Problem> {
    match parameter::find(&case.table.parameters, "by_house_meter") {
        None => Ok(false),
        Some(value) if value.is_zero() => Ok(false),
        Some(value) if value.compare(Exact::ONE)?.is_eq() => Ok(true),
        Some(_) => Err(Problem::Table("параметр by_house_meter должен быть 0 или 1".to_owned())),
    }
}

/// (house − rooms) × area ÷ area of all rooms; nothing where the rooms used more than the house.
fn of_rest(
    case: &Case<'_>,
    area: Exact,
    areas: &Areas<'_>,
    volumes: &Volumes,
    house: Exact,
    mut trace: Trace,
) -> Result<Line, Problem> {
    let rest = house.minus(volumes.rooms)?;
    trace.push(Operation::Start, Role::HouseVolume, house, case.table.unit)?;
    trace.push(Operation::Minus, Role::HouseVolume, volumes.rooms, case.table.unit)?;
    trace.push(Operation::Equals, Role::HouseVolume, rest, case.table.unit)?;
    if rest.is_negative() {
        return case.plain(Exact::ZERO, How::by(Method::HouseShare), trace);
    }
    trace.push(Operation::Start, Role::HouseVolume, rest, case.table.unit)?;
    let volume = share(case, rest, area, areas, &mut trace)?;
    case.plain(volume, How::by(Method::HouseShare), trace)
}

/// norm × common area × area ÷ area of all rooms.
fn of_norm(case: &Case<'_>, area: Exact, areas: &Areas<'_>, mut trace: Trace) -> Result<Line, Problem> {
    let Some(norm) = case.table.norm else {
        let message = "не задан норматив на общее имущество, а общедомового прибора или его показаний нет";
        return Err(Problem::Table(message.to_owned()));
    };
    if areas.common.is_zero() {
        return Err(Problem::Account("у дома не задана площадь мест общего пользования".to_owned()));
    }
    trace.push_decimal(Operation::Start, Role::Norm, norm, case.table.unit);
    trace.push(Operation::Times, Role::HouseArea, areas.common, Unit::SquareMetre)?;
    let volume = share(case, areas.common.times(norm.into())?, area, areas, &mut trace)?;
    case.plain(volume, How { norm: Some(norm), ..How::by(Method::HouseShare) }, trace)
}

/// `of` × area ÷ area of all rooms, with the end of its formula.
fn share(case: &Case<'_>, of: Exact, area: Exact, areas: &Areas<'_>, trace: &mut Trace) -> Result<Exact, Problem> {
    let volume = of.times(area)?.divided(areas.rooms, PLACES)?;
    trace.push(Operation::Times, Role::Area, area, Unit::SquareMetre)?;
    trace.push(Operation::Divide, Role::HouseArea, areas.rooms, Unit::SquareMetre)?;
    trace.push(Operation::Equals, Role::Volume, volume, case.table.unit)?;
    Ok(volume)
}
