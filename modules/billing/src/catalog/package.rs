//! The terms of a company's package, brought in as a change to the package before: what staff changed since by the
//! API stays, unless the package changes the same entry.

use kabinet_core::Tx;
use serde::{Deserialize, Serialize};

use super::edit::tariffs as stored_tariffs;
use super::{Tariff, set_penalty_rates, set_tariffs};
use crate::error::Error;
use crate::penalty::PenaltyRates;

/// The name under which the terms of the package that was applied last are kept.
const SETTINGS: &str = "billing.package";

/// Terms as a package says them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct PackageTerms {
    /// Whether a package was applied at all.
    applied: bool,
    tariffs: Vec<Tariff>,
    penalty_rates: PenaltyRates,
}

/// Brings in what differs between the package and the one applied before it; its changes in words. Terms of a
/// published month are refused ([`Error::TariffInUse`]).
pub async fn apply_terms(tx: &mut Tx, tariffs: &[Tariff], rates: &PenaltyRates) -> Result<Vec<String>, Error> {
    let before: PackageTerms = tx.tenant().settings(SETTINGS)?;
    let stored = stored_tariffs(tx).await?;
    let mut changes = set_tariffs(tx, &merged(stored, &before.tariffs, tariffs)).await?;
    if !before.applied || before.penalty_rates != *rates {
        changes.extend(set_penalty_rates(tx, rates).await?);
    }
    let now = PackageTerms { applied: true, tariffs: tariffs.to_vec(), penalty_rates: rates.clone() };
    tx.set_settings(SETTINGS, &now).await?;
    Ok(changes)
}

/// What is stored with the entries that the package changed, and without those it dropped.
fn merged(mut stored: Vec<Tariff>, before: &[Tariff], package: &[Tariff]) -> Vec<Tariff> {
    let same = |a: &Tariff, b: &Tariff| a.service == b.service && a.from == b.from;
    let dropped = |old: &Tariff| before.iter().any(|b| same(b, old)) && !package.iter().any(|new| same(new, old));
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
    use kabinet_core::Period;

    fn tariff(service: &str, from: i32, note: &str) -> Tariff {
        let terms = super::super::Terms::default();
        Tariff { service: service.to_owned(), from: Period(from), terms, note: note.to_owned() }
    }

    #[test]
    fn what_staff_changed_stays_until_the_package_changes_the_same_entry() {
        let package = [tariff("water", 202_601, "package"), tariff("waste", 202_601, "package")];
        // Nothing was applied before: everything of the package comes in.
        assert_eq!(merged(Vec::new(), &[], &package), package);
        // Staff raised water and added a month to come; the same package again changes neither.
        let stored = vec![
            tariff("water", 202_601, "staff"),
            tariff("waste", 202_601, "package"),
            tariff("water", 202_612, "staff"),
        ];
        assert_eq!(merged(stored.clone(), &package, &package), stored);
        // A package that changes water, and one that drops waste.
        let newer = [tariff("water", 202_601, "newer")];
        let result = merged(stored, &package, &newer);
        assert_eq!(result, [tariff("water", 202_612, "staff"), tariff("water", 202_601, "newer")]);
    }
}
