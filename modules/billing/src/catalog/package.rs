//! The catalogue of a company's package, brought in as a change to the package before: what staff changed since by
//! the API stays, unless the package changes the same entry.

use kabinet_core::{Period, Tx};
use serde::{Deserialize, Serialize};

use super::edit::{in_force, tariffs as stored_tariffs};
use super::{
    Dated, History, ReceiptKind, Service, Tariff, kinds, services, set_penalty_rates, set_receipt_kinds, set_services,
    set_tariffs,
};
use crate::due_days::{self, DueDay, DueDays};
use crate::error::Error;
use crate::penalty::PenaltyRates;
use crate::store;

/// The name under which the catalogue of the package that was applied last is kept.
const SETTINGS: &str = "billing.package";

/// The catalogue as a package says it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PackageCatalog {
    /// Until which day bills are to be paid.
    pub due_days: Vec<DueDay>,
    /// Kinds of receipts in their order; one is the main kind.
    pub receipt_kinds: Vec<Dated<ReceiptKind>>,
    /// Services in their order.
    pub services: Vec<Dated<Service>>,
    /// Tariffs by service, each service's earliest first.
    pub tariffs: Vec<Tariff>,
    /// Rates of penalty; none where the company charges none.
    pub penalty_rates: PenaltyRates,
}

/// Brings in what differs between the package and the one applied before it; its changes in words. What a published
/// month was calculated with is not changed: [`Error::PublishedTerms`], [`Error::TariffInUse`],
/// [`Error::ServiceBilled`].
pub async fn apply_package(tx: &mut Tx, package: &PackageCatalog) -> Result<Vec<String>, Error> {
    let applied: Option<PackageCatalog> = tx.tenant().settings(SETTINGS)?;
    let first = applied.is_none();
    let before = applied.unwrap_or_default();
    let mut changes = receipt_kinds(tx, &before.receipt_kinds, &package.receipt_kinds).await?;
    changes.extend(services_of(tx, &before.services, &package.services).await?);
    let tariffs = merged(stored_tariffs(tx).await?, &before.tariffs, &package.tariffs, Tariff::is_same_entry);
    changes.extend(set_tariffs(tx, &tariffs).await?);
    if first || before.penalty_rates != package.penalty_rates {
        changes.extend(set_penalty_rates(tx, &package.penalty_rates).await?);
    }
    let same = |a: &DueDay, b: &DueDay| a.from_period == b.from_period;
    let days = merged(due_days::stored(tx).await?, &before.due_days, &package.due_days, same);
    changes.extend(due_days::set(tx, &DueDays::new(days)).await?);
    tx.set_settings(SETTINGS, package).await?;
    Ok(changes)
}

async fn receipt_kinds(
    tx: &mut Tx,
    before: &[Dated<ReceiptKind>],
    package: &[Dated<ReceiptKind>],
) -> Result<Vec<String>, Error> {
    let (histories, open) = (kinds::stored(tx).await?, store::open_period(tx).await?);
    let mut changes = Vec::new();
    for (history, entry) in taken_back(&histories, before, package, open) {
        kinds::bring(tx, Some(history), &entry, open).await?;
        changes.push(format!("вид квитанции {}: изменение отменено", entry.what.code));
    }
    let stored = in_force(&kinds::stored(tx).await?, open);
    let mut wanted = kept(&stored, before, package, |a, b| a.code == b.code);
    // One kind is the main one: that of the package where the package changes it, else the one that is.
    let main = match main_of(&stored) {
        Some(main) if main_of(before) == main_of(package) => Some(main),
        _ => main_of(package),
    };
    for kind in &mut wanted {
        kind.what.main = main == Some(&kind.what.code);
    }
    changes.extend(set_receipt_kinds(tx, &wanted).await?);
    Ok(changes)
}

fn main_of(kinds: &[Dated<ReceiptKind>]) -> Option<&String> {
    kinds.iter().map(|kind| &kind.what).find(|kind| kind.main).map(|kind| &kind.code)
}

async fn services_of(tx: &mut Tx, before: &[Dated<Service>], package: &[Dated<Service>]) -> Result<Vec<String>, Error> {
    let (histories, open) = (services::stored(tx).await?, store::open_period(tx).await?);
    let mut changes = Vec::new();
    for (history, entry) in taken_back(&histories, before, package, open) {
        services::bring(tx, Some(history), &entry, open).await?;
        changes.push(format!("услуга {}: изменение отменено", entry.what.code));
    }
    let stored = in_force(&services::stored(tx).await?, open);
    let wanted = kept(&stored, before, package, |a, b| a.code == b.code);
    changes.extend(set_services(tx, &wanted).await?);
    Ok(changes)
}

/// What the package said of months to come and says no more: each with what holds before it in its place.
fn taken_back<'h, T: Clone + PartialEq>(
    stored: &'h [History<T>],
    before: &[Dated<T>],
    package: &[Dated<T>],
    open: Period,
) -> Vec<(&'h History<T>, Dated<T>)> {
    let gone = before.iter().filter(|old| !package.contains(old));
    let back = gone.filter_map(|old| {
        let from = old.from.filter(|from| *from >= open)?;
        let there = |entry: &(Period, T)| entry.0 == from && entry.1 == old.what;
        let history = stored.iter().find(|history| history.entries().iter().any(there))?;
        let what = history.in_force(from.previous())?.clone();
        Some((history, Dated { from: Some(from), what }))
    });
    back.collect()
}

/// The entries of the package; those that it does not change are as they are stored.
fn kept<T: Clone + PartialEq>(
    stored: &[Dated<T>],
    before: &[Dated<T>],
    package: &[Dated<T>],
    same: impl Fn(&T, &T) -> bool,
) -> Vec<Dated<T>> {
    let now = |new: &Dated<T>| stored.iter().find(|old| before.contains(new) && same(&old.what, &new.what));
    package.iter().map(|new| now(new).unwrap_or(new).clone()).collect()
}

/// What is stored with the entries that the package changed, and without those it dropped.
fn merged<T: Clone + PartialEq>(
    mut stored: Vec<T>,
    before: &[T],
    package: &[T],
    same: impl Fn(&T, &T) -> bool,
) -> Vec<T> {
    let dropped = |old: &T| before.iter().any(|b| same(b, old)) && !package.iter().any(|new| same(new, old));
    stored.retain(|old| !dropped(old));
    for new in package.iter().filter(|new| !before.contains(new)) {
        stored.retain(|old| !same(old, new));
        stored.push(new.clone());
    }
    stored
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ALWAYS;

    fn tariff(service: &str, from: i32, note: &str) -> Tariff {
        let terms = super::super::Terms::default();
        Tariff { service: service.to_owned(), from: Period(from), terms, note: note.to_owned() }
    }

    fn merge(stored: Vec<Tariff>, before: &[Tariff], package: &[Tariff]) -> Vec<Tariff> {
        merged(stored, before, package, Tariff::is_same_entry)
    }

    #[test]
    fn what_a_package_said_of_months_to_come_is_taken_back_when_it_says_so_no_more() {
        let (from, open) = (Period(202_701), Period(202_612));
        let stored = [History::new(vec![(ALWAYS, "usual"), (from, "new")])];
        let (usual, new) = (Dated::from("usual"), Dated { from: Some(from), what: "new" });
        let back = |stored, before: &[_], package: &[_], open| taken_back(stored, before, package, open).pop();
        let (before, now) = ([new], [usual]);
        let wanted = Dated { from: Some(from), what: "usual" };
        assert_eq!(back(&stored, &before, &now, open), Some((&stored[0], wanted)));
        assert_eq!(back(&stored, &before, &before, open), None, "it says so still");
        assert_eq!(back(&stored, &before, &now, from.next()), None, "it is published");
        let by_staff = [History::new(vec![(ALWAYS, "usual"), (from, "other")])];
        assert_eq!(back(&by_staff, &before, &now, open), None, "staff changed it since");
    }

    #[test]
    fn what_staff_changed_stays_until_the_package_changes_the_same_entry() {
        let package = [tariff("water", 202_601, "package"), tariff("waste", 202_601, "package")];
        // Nothing was applied before: everything of the package comes in.
        assert_eq!(merge(Vec::new(), &[], &package), package);
        // Staff raised water and added a month to come; the same package again changes neither.
        let stored = vec![
            tariff("water", 202_601, "staff"),
            tariff("waste", 202_601, "package"),
            tariff("water", 202_612, "staff"),
        ];
        assert_eq!(merge(stored.clone(), &package, &package), stored);
        // A package that changes water, and one that drops waste.
        let newer = [tariff("water", 202_601, "newer")];
        let result = merge(stored, &package, &newer);
        assert_eq!(result, [tariff("water", 202_612, "staff"), tariff("water", 202_601, "newer")]);
    }
}
