//! What a billed volume is made of, as far as the frozen month tells it: so that the reader of another volume learns
//! whether more was consumed, other people or days counted, or the norm is another.

use kabinet_plugin_host::api::{Method, Operation, Role, Term};
use rust_decimal::Decimal;

use super::Cause;

/// As far apart may rounding bring two volumes that are made alike: each is rounded to seven places, and a factor that
/// was divided out of it carries that on.
const CRUMB: Decimal = Decimal::from_parts(2, 0, 0, false, 7);

/// How a portion of a volume is determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// As much as was consumed.
    Use,
    /// As many as there are people or square metres.
    People,
    /// So much for each of them.
    Norm,
    /// A share of what the house consumed.
    House,
}

/// A portion of a volume: the product of its factors, of which those that have no say in it are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Portion {
    /// Code of the service that it was billed for: the water's, where a volume is made of water.
    service: String,
    by: By,
    /// What was consumed; by the whole house where this is a share of it.
    used: Decimal,
    /// People or square metres by the days they count; of a house, the share of its area.
    people: Decimal,
    /// Units for each of them.
    norm: Decimal,
}

impl Portion {
    fn volume(&self) -> Option<Decimal> {
        product([self.used, self.people, self.norm])
    }

    fn is_like(&self, other: &Self) -> bool {
        self.by == other.by && self.service == other.service
    }

    /// Its factors; the one that was divided out of a rounded volume is that of `old` where rounding alone tells them
    /// apart.
    fn beside(&self, old: &Self) -> [Decimal; 3] {
        let alike = |one: Decimal, other: Decimal, unit: Decimal| {
            (one - other).abs().checked_mul(unit).is_some_and(|apart| apart <= CRUMB)
        };
        let (mut used, mut people) = (self.used, self.people);
        if self.by == By::House && alike(used, old.used, people.min(old.people)) {
            used = old.used;
        }
        if self.by == By::Norm && alike(people, old.people, self.norm.min(old.norm)) {
            people = old.people;
        }
        [used, people, self.norm]
    }
}

/// None where the product is too large for a decimal: nothing that a plugin says may stop a page.
fn product([used, people, norm]: [Decimal; 3]) -> Option<Decimal> {
    used.checked_mul(people)?.checked_mul(norm)
}

/// What a volume that is not made of others is made of.
pub(super) fn own(
    service: &str,
    method: Option<Method>,
    volume: Decimal,
    norm: Option<Decimal>,
    terms: &[Term],
) -> Vec<Portion> {
    let one = Decimal::ONE;
    let portion = |by, used, people, norm| Portion { service: service.to_owned(), by, used, people, norm };
    match (method, norm.filter(|norm| !norm.is_zero()), Share::of(terms)) {
        (Some(Method::Norm | Method::NormRaised | Method::HouseShare), Some(norm), _) => {
            vec![portion(By::Norm, one, volume / norm, norm)]
        }
        (Some(Method::Norm | Method::NormRaised | Method::Persons | Method::Area), ..) => {
            vec![portion(By::People, one, volume, one)]
        }
        (Some(Method::HouseShare), None, Some(Share { part, .. })) => {
            vec![portion(By::House, volume / part, part, one)]
        }
        (Some(Method::Meter | Method::Average), _, Some(Share { own, part })) => {
            vec![portion(By::Use, own, one, one), portion(By::House, (volume - own) / part, part, one)]
        }
        _ => vec![portion(By::Use, volume, one, one)],
    }
}

/// What a volume is made of that is `rate` times as much as its water; none where that does not make `volume`.
pub(super) fn made_of<'a>(
    water: impl Iterator<Item = &'a Portion>,
    rate: Decimal,
    volume: Decimal,
) -> Option<Vec<Portion>> {
    let times = |portion: &Portion| Some(Portion { norm: portion.norm.checked_mul(rate)?, ..portion.clone() });
    let portions: Vec<Portion> = water.map(times).collect::<Option<_>>()?;
    let sum = portions.iter().try_fold(Decimal::ZERO, |sum, portion| sum.checked_add(portion.volume()?))?;
    (!portions.is_empty() && (sum - volume).abs() <= CRUMB).then_some(portions)
}

/// By how much each cause changes the volume, each at the new values of those before it; only those that do. None where
/// the figures are too large to tell.
pub(super) fn changes(before: &[Portion], after: &[Portion]) -> Option<Vec<(Cause, Decimal)>> {
    let [mut volume, mut people, mut norm] = [Decimal::ZERO; 3];
    for new in after {
        let Some(old) = before.iter().find(|old| old.is_like(new)) else {
            volume = volume.checked_add(new.volume()?)?;
            continue;
        };
        let [used, counted, each] = new.beside(old);
        volume = volume.checked_add(product([used - old.used, old.people, old.norm])?)?;
        people = people.checked_add(product([used, counted - old.people, old.norm])?)?;
        norm = norm.checked_add(product([used, counted, each - old.norm])?)?;
    }
    for old in before.iter().filter(|old| !after.iter().any(|new| new.is_like(old))) {
        volume = volume.checked_sub(old.volume()?)?;
    }
    let all = [(Cause::Volume, volume), (Cause::People, people), (Cause::Norm, norm)];
    Some(all.into_iter().filter(|(_, change)| !change.is_zero()).collect())
}

/// The account's share of what its house consumed.
pub(crate) struct Share {
    /// What it consumed itself, which the share is added to.
    pub(crate) own: Decimal,
    /// Its area in parts of the house's.
    part: Decimal,
}

impl Share {
    /// The share that the formula's last volume was computed with, if it was.
    pub(crate) fn of(terms: &[Term]) -> Option<Self> {
        let shares = |step: &&[Term]| {
            let ends = step.last().is_some_and(|term| term.role == Role::Volume);
            ends && step.iter().any(|term| term.operation == Operation::Divide && term.role == Role::HouseArea)
        };
        let is_result = |term: &Term| term.operation == Operation::Equals;
        // What follows the charge explains recalculations.
        let charge = terms.split(|term| is_result(term) && term.role == Role::Amount).next()?;
        let step = charge.split_inclusive(is_result).rfind(shares)?;
        let part = step.iter().try_fold(Decimal::ONE, |part, term| match (term.operation, term.role) {
            (_, Role::Area) => part.checked_mul(term.value),
            (Operation::Divide, Role::HouseArea) => part.checked_div(term.value),
            _ => Some(part),
        })?;
        let own = step.first().filter(|term| term.role == Role::Volume).map_or(Decimal::ZERO, |term| term.value);
        // No flat is so small a part of its house; what is divided by it stays within a decimal.
        (part > CRUMB).then_some(Self { own, part })
    }
}
