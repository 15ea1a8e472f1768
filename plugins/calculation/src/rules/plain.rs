//! Rates for a square metre and for a person.

use kabinet_tariff_sdk::{Decimal, Line, Method, ServiceKind};

use crate::absence;
use crate::case::{Case, How, new_trace};
use crate::people;
use crate::problem::Problem;

/// Square metres × rate.
pub(crate) fn area(case: &Case<'_>, _: &[Option<Line>]) -> Result<Line, Problem> {
    let mut trace = new_trace();
    let area = people::area(case.account, case.run.days, &mut trace)?;
    case.plain(area.value, How::by(Method::Area), trace)
}

/// People × rate; people who are away make no waste.
pub(crate) fn persons(case: &Case<'_>, _: &[Option<Line>]) -> Result<Line, Problem> {
    let mut trace = new_trace();
    let people = people::people(case.account, case.run.days, &mut trace)?;
    let mut line = case.plain(people.value, How::by(Method::Persons), trace)?;
    if case.table.kind == ServiceKind::Waste {
        let person_days = absence::person_days(case, people.value)?;
        let one = Decimal { mantissa: 1, scale: 0 };
        absence::give_back(case, absence::volume(case, person_days, one)?, &mut line)?;
    }
    Ok(line)
}
