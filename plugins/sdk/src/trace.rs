//! The formula as data, written down while it is calculated.

use crate::{Decimal, Exact, Operation, Role, Term, TooLarge, Unit};

/// The formula of one line, step after step.
#[derive(Default)]
pub struct Trace {
    terms: Vec<Term>,
}

impl Trace {
    /// An empty formula with room for `terms` operands.
    pub fn with_capacity(terms: usize) -> Trace {
        Trace { terms: Vec::with_capacity(terms) }
    }

    /// Adds an operand; the first of a step starts it whatever `operation` says.
    pub fn push(&mut self, operation: Operation, role: Role, value: Exact, unit: Unit) -> Result<(), TooLarge> {
        self.push_decimal(operation, role, value.fit()?, unit);
        Ok(())
    }

    /// The same for a number that is already fit to go out.
    pub fn push_decimal(&mut self, operation: Operation, role: Role, value: Decimal, unit: Unit) {
        let first = self.terms.last().is_none_or(|last| last.operation == Operation::Equals);
        let operation = if first { Operation::Start } else { operation };
        self.terms.push(Term { operation, role, value, unit });
    }

    /// The operands in order.
    pub fn into_terms(self) -> Vec<Term> {
        self.terms
    }
}
