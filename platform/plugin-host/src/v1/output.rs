//! Contract types into host types; sums of money are rounded here, once.

use rust_decimal::Decimal;

use super::wit;
use crate::api;
use crate::error::PluginError;
use crate::{limits, money};

/// Most decimal places the contract allows in output.
const SCALE: u8 = 12;

type Fits<T> = Result<T, PluginError>;

pub(super) fn failure(failure: wit::Failure) -> PluginError {
    let cut = |message: String| message.chars().take(limits::TEXT).collect();
    match failure {
        wit::Failure::Account(failure) => {
            PluginError::Account { index: failure.index, service: failure.service, message: cut(failure.message) }
        }
        wit::Failure::Table(failure) => PluginError::Table { service: failure.service, message: cut(failure.message) },
        wit::Failure::Unsupported(message) => PluginError::Unsupported(cut(message)),
    }
}

pub(super) fn charges(accounts: Vec<wit::AccountCharges>) -> Fits<Vec<api::AccountCharges>> {
    let account = |account: wit::AccountCharges| {
        let lines = account.lines.into_iter().map(line).collect::<Fits<_>>()?;
        Ok(api::AccountCharges { index: account.index, lines })
    };
    accounts.into_iter().map(account).collect()
}

fn line(line: wit::Line) -> Fits<api::Line> {
    let exact_amount = decimal(line.amount)?;
    let exact_excess = decimal(line.excess)?;
    Ok(api::Line {
        service: line.service,
        method: method(line.method),
        reason: line.reason.map(reason),
        volume: decimal(line.volume)?,
        parts: line.parts.into_iter().map(part).collect::<Fits<_>>()?,
        norm: line.norm.map(decimal).transpose()?,
        coefficient: line.coefficient.map(decimal).transpose()?,
        amount: kopecks(exact_amount)?,
        excess: kopecks(exact_excess)?,
        exact_amount,
        exact_excess,
        recalculations: line.recalculations.into_iter().map(recalculation).collect::<Fits<_>>()?,
        trace: line.trace.into_iter().map(term).collect::<Fits<_>>()?,
    })
}

fn decimal(value: wit::Decimal) -> Fits<Decimal> {
    if value.scale > SCALE {
        return Err(PluginError::Output(format!(
            "a number has {} decimal places, at most {SCALE} are allowed",
            value.scale
        )));
    }
    Ok(Decimal::new(value.mantissa, u32::from(value.scale)))
}

fn kopecks(roubles: Decimal) -> Fits<i64> {
    money::kopecks(roubles).ok_or_else(|| PluginError::Output(format!("the sum {roubles} is out of range")))
}

fn part(part: wit::Part) -> Fits<api::Part> {
    Ok(api::Part {
        zone: zone(part.zone),
        above: decimal(part.above)?,
        volume: decimal(part.volume)?,
        tariff: decimal(part.tariff)?,
        exact_amount: decimal(part.amount)?,
    })
}

fn recalculation(recalculation: wit::Recalculation) -> Fits<api::Recalculation> {
    let exact_amount = decimal(recalculation.amount)?;
    Ok(api::Recalculation {
        basis: match recalculation.basis {
            wit::Basis::AverageReversed => api::Basis::AverageReversed,
            wit::Basis::Absence => api::Basis::Absence,
            wit::Basis::Correction => api::Basis::Correction,
            wit::Basis::Benefit => api::Basis::Benefit,
            wit::Basis::Other => api::Basis::Other,
        },
        period: api::Period { year: recalculation.period.year, month: recalculation.period.month },
        amount: kopecks(exact_amount)?,
        exact_amount,
    })
}

fn term(term: wit::Term) -> Fits<api::Term> {
    Ok(api::Term {
        operation: match term.operation {
            wit::Operation::Start => api::Operation::Start,
            wit::Operation::Times => api::Operation::Times,
            wit::Operation::Divide => api::Operation::Divide,
            wit::Operation::Plus => api::Operation::Plus,
            wit::Operation::Minus => api::Operation::Minus,
            wit::Operation::Equals => api::Operation::Equals,
        },
        role: role(term.role),
        value: decimal(term.value)?,
        unit: unit(term.unit),
    })
}

fn method(method: wit::Method) -> api::Method {
    match method {
        wit::Method::Meter => api::Method::Meter,
        wit::Method::Average => api::Method::Average,
        wit::Method::Norm => api::Method::Norm,
        wit::Method::NormRaised => api::Method::NormRaised,
        wit::Method::Derived => api::Method::Derived,
        wit::Method::Area => api::Method::Area,
        wit::Method::Persons => api::Method::Persons,
        wit::Method::HouseShare => api::Method::HouseShare,
        wit::Method::Fixed => api::Method::Fixed,
    }
}

fn reason(reason: wit::Reason) -> api::Reason {
    match reason {
        wit::Reason::NoMeter => api::Reason::NoMeter,
        wit::Reason::MeterPossible => api::Reason::MeterPossible,
        wit::Reason::ReadingMissing => api::Reason::ReadingMissing,
        wit::Reason::MeterFailed => api::Reason::MeterFailed,
        wit::Reason::VerificationExpired => api::Reason::VerificationExpired,
        wit::Reason::AccessRefused => api::Reason::AccessRefused,
    }
}

fn role(role: wit::Role) -> api::Role {
    match role {
        wit::Role::ReadingCurrent => api::Role::ReadingCurrent,
        wit::Role::ReadingPrevious => api::Role::ReadingPrevious,
        wit::Role::Volume => api::Role::Volume,
        wit::Role::History => api::Role::History,
        wit::Role::Months => api::Role::Months,
        wit::Role::Average => api::Role::Average,
        wit::Role::Norm => api::Role::Norm,
        wit::Role::Residents => api::Role::Residents,
        wit::Role::Owners => api::Role::Owners,
        wit::Role::Area => api::Role::Area,
        wit::Role::Tariff => api::Role::Tariff,
        wit::Role::Coefficient => api::Role::Coefficient,
        wit::Role::DaysCharged => api::Role::DaysCharged,
        wit::Role::DaysInMonth => api::Role::DaysInMonth,
        wit::Role::HouseVolume => api::Role::HouseVolume,
        wit::Role::HouseArea => api::Role::HouseArea,
        wit::Role::Share => api::Role::Share,
        wit::Role::Amount => api::Role::Amount,
        wit::Role::Excess => api::Role::Excess,
        wit::Role::Recalculation => api::Role::Recalculation,
        wit::Role::Other => api::Role::Other,
    }
}

fn unit(unit: wit::Unit) -> api::Unit {
    match unit {
        wit::Unit::CubicMetre => api::Unit::CubicMetre,
        wit::Unit::KilowattHour => api::Unit::KilowattHour,
        wit::Unit::Gigacalorie => api::Unit::Gigacalorie,
        wit::Unit::SquareMetre => api::Unit::SquareMetre,
        wit::Unit::Person => api::Unit::Person,
        wit::Unit::Rouble => api::Unit::Rouble,
        wit::Unit::Month => api::Unit::Month,
        wit::Unit::Day => api::Unit::Day,
        wit::Unit::One => api::Unit::One,
    }
}

fn zone(zone: wit::Zone) -> api::Zone {
    match zone {
        wit::Zone::WholeDay => api::Zone::WholeDay,
        wit::Zone::Day => api::Zone::Day,
        wit::Zone::Night => api::Zone::Night,
        wit::Zone::Peak => api::Zone::Peak,
        wit::Zone::HalfPeak => api::Zone::HalfPeak,
    }
}
