//! One service of one account, and how its line is put together.

use kabinet_tariff_sdk::{
    Account, Consumption, Decimal, Exact, Line, Method, Operation, Reason, Role, ServiceTable, Trace, Unit,
};

use crate::price::{PriceList, Priced};
use crate::problem::Problem;
use crate::run::Run;
use crate::volume::ZoneVolumes;

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
pub(crate) struct How {
    pub(crate) method: Method,
    pub(crate) reason: Option<Reason>,
    pub(crate) norm: Option<Decimal>,
    pub(crate) coefficient: Option<Decimal>,
}

impl How {
    /// A method that needs no reason.
    pub(crate) fn by(method: Method) -> How {
        How { method, reason: None, norm: None, coefficient: None }
    }
}

/// A formula with room for the usual operands.
pub(crate) fn new_trace() -> Trace {
    Trace::with_capacity(USUAL_TERMS)
}

impl Case<'_> {
    /// A volume of the whole day at the table's prices.
    pub(crate) fn plain(&self, volume: Exact, how: How, mut trace: Trace) -> Result<Line, Problem> {
        let priced = self.prices.charge(&ZoneVolumes::whole_day(volume), 1, &mut trace)?;
        self.finish(volume, priced, how, trace)
    }

    /// The line of a priced volume, with the excess where a coefficient applies.
    pub(crate) fn finish(&self, volume: Exact, priced: Priced, how: How, mut trace: Trace) -> Result<Line, Problem> {
        let mut excess = Exact::ZERO;
        if let Some(coefficient) = how.coefficient {
            let above_one = Exact::from(coefficient).minus(Exact::ONE)?;
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
