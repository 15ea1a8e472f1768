//! The catalogue of a company's package, brought in as a change to the package before: what staff changed since by
//! the API stays, unless the package changes the same entry.

use kabinet_core::{Period, Tx};
use kabinet_render::typeset::DEFAULT_TEMPLATE;
use serde::{Deserialize, Serialize};

use super::edit::{in_force, lock, tariffs as stored_tariffs};
use super::plugins::{CheckedPlugin, calculating, install_plugin, refuse_unknown_rules};
use super::templates::{self, set_receipt_template};
use super::{
    Activation, Dated, History, ReceiptKind, Service, Tariff, kinds, services, set_penalty_rates, set_receipt_kinds,
    set_services, set_tariffs,
};
use crate::due_days::{self, DueDay, DueDays};
use crate::error::Error;
use crate::penalty::PenaltyRates;
use crate::settings::BillingSettings;
use crate::store;

/// The name under which the catalogue of the package that was applied last is kept.
const SETTINGS: &str = "billing.package";
/// The names under which is kept what that package said of the plugin and of the receipt template.
const PLUGIN: &str = "billing.package.plugin";
const TEMPLATE: &str = "billing.package.template";
/// What a package says that has no template of its own.
const OF_PLATFORM: &str = "of the platform";

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
    lock(tx).await?;
    let applied: Option<PackageCatalog> = tx.stored_settings(SETTINGS).await?;
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

/// What a package said of something that staff may put another in the place of, and what it came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Applied {
    said: String,
    made: String,
}

impl Applied {
    /// Whether what is there `now` stays: staff put it there, and the package says nothing new.
    fn leaves(&self, now: &str, said: &str) -> bool {
        self.said == said && self.made != now
    }
}

/// Lets the plugin of a package calculate; its changes in words. One that staff put in its place stays while the
/// package says the same of its own: `said`, whatever of the plugin itself comes with the platform. It must have every rule
/// that the catalogue names ([`Error::UnknownRules`]).
pub async fn apply_plugin(
    tx: &mut Tx,
    plugin: &CheckedPlugin,
    wanted: &Activation,
    said: &str,
) -> Result<Vec<String>, Error> {
    let from = wanted.from.max(store::open_period(tx).await?);
    let applied: Option<Applied> = tx.stored_settings(PLUGIN).await?;
    let leaves = match &applied {
        Some(applied) => applied.leaves(&identity(tx, from).await?, said),
        // An earlier release kept neither what a package said nor any `plugin.toml`: staff put that one there.
        None => calculating(tx, from).await?.is_some_and(|row| !row.manifest.is_empty()),
    };
    if leaves {
        if applied.is_none() {
            tx.set_settings(PLUGIN, &Applied { said: said.to_owned(), made: String::new() }).await?;
        }
        return Ok(Vec::new());
    }
    // Staff may have let services go over to rules of the plugin that was there.
    refuse_unknown_rules(tx, &plugin.info, from).await?;
    let changes = install_plugin(tx, plugin, wanted).await?;
    let made = identity(tx, from).await?;
    tx.set_settings(PLUGIN, &Applied { said: said.to_owned(), made }).await?;
    Ok(changes)
}

/// The plugin that calculates `period`, with its numbers and limits, as one text.
async fn identity(tx: &Tx, period: Period) -> Result<String, Error> {
    let row = calculating(tx, period).await?;
    Ok(row.map(|row| [row.hash, row.config, row.limits].join(" ")).unwrap_or_default())
}

/// Stores the receipt template of a package, the platform's own where it has none: the hash of the one that holds,
/// and the changes in words. One that staff put in its place stays while the package says the same. The platform's is
/// stored like any other, so that the next release prints old months as they were.
pub async fn apply_template(tx: &mut Tx, own: Option<&str>) -> Result<(String, Vec<String>), Error> {
    let now = BillingSettings::stored(tx).await?.receipt_template;
    let said = own.map_or_else(|| OF_PLATFORM.to_owned(), templates::hash);
    let applied: Applied = tx.stored_settings(TEMPLATE).await?;
    if applied.leaves(&now, &said) {
        return Ok((now, Vec::new()));
    }
    let (made, changes) = set_receipt_template(tx, own.unwrap_or(DEFAULT_TEMPLATE)).await?;
    tx.set_settings(TEMPLATE, &Applied { said, made: made.clone() }).await?;
    Ok((made, changes))
}

/// Remembers, before staff put another in its place, that `now` is the template of a package which an earlier release
/// applied; nothing where it is known what the package said.
pub(super) async fn remember_template(tx: &mut Tx, now: &str) -> Result<(), Error> {
    if tx.stored_settings::<Option<Applied>>(TEMPLATE).await?.is_some() {
        return Ok(());
    }
    let of_platform = now.is_empty() || now == templates::hash(DEFAULT_TEMPLATE);
    let said = if of_platform { OF_PLATFORM } else { now }.to_owned();
    tx.set_settings(TEMPLATE, &Applied { said, made: now.to_owned() }).await?;
    Ok(())
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
        Tariff { service: service.to_owned(), from: Period(from).first_day(), terms, note: note.to_owned() }
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
    fn what_staff_put_in_its_place_stays_while_the_package_says_the_same() {
        let applied = Applied { said: "heat".into(), made: "1.0".into() };
        assert!(applied.leaves("of staff", "heat"));
        assert!(!applied.leaves("of staff", "another"), "the package says something new");
        assert!(!applied.leaves("1.0", "heat"), "a release may bring a new one");
        assert!(!Applied::default().leaves("1.0", "heat"), "nothing was applied");
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
