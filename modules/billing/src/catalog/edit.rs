//! One entry of the catalogue changed by staff: the rest stays, and so do published months.

use std::collections::BTreeMap;

use kabinet_core::jobs::NewJob;
use kabinet_core::{Day, Period, Tx};
use rust_decimal::Decimal;

use super::package::remember_template;
use super::plugins::{first_month, refuse_unknown_rules, terms};
use super::terms::begins;
use super::{
    Activation, CheckedPlugin, Dated, History, PluginConfig, ReceiptKind, Service, TOPIC, Tariff, Terms,
    install_plugin, kinds, services, set_penalty_rates, set_receipt_kinds, set_receipt_template, set_services,
    set_tariffs,
};
use crate::due_days::{self, DueDay, DueDays};
use crate::error::{Entry, Error};
use crate::penalty::PenaltyRates;
use crate::runs::{self, ESTIMATES_JOB};
use crate::settings::{BillingSettings, MODULE};
use crate::store;

/// The largest number in terms: what a plugin is given holds it with nine decimal places.
const MOST: i64 = 1_000_000_000;

/// The company's receipt kinds in their order, each with what it was, is and will be.
pub async fn receipt_kinds(tx: &Tx) -> Result<Vec<Dated<ReceiptKind>>, Error> {
    Ok(kinds::stored(tx).await?.iter().flat_map(History::dated).collect())
}

/// The company's services in their order, each with what it was, is and will be.
pub async fn services(tx: &Tx) -> Result<Vec<Dated<Service>>, Error> {
    Ok(services::stored(tx).await?.iter().flat_map(History::dated).collect())
}

/// The company's tariffs by service and the first day they hold for.
pub async fn tariffs(tx: &Tx) -> Result<Vec<Tariff>, Error> {
    let rows = store::tariffs(tx).await?;
    let mut tariffs = Vec::with_capacity(rows.len());
    for row in rows {
        let terms = serde_json::from_str(&row.terms)?;
        tariffs.push(Tariff { service: row.service_code, from: row.from_on, terms, note: row.note });
    }
    tariffs.sort_by(|a, b| (&a.service, a.from).cmp(&(&b.service, b.from)));
    Ok(tariffs)
}

/// Adds a receipt kind behind the others, or changes one from a month on; its changes in words. A kind that becomes
/// the main one takes that from the other. A published month is refused ([`Error::PublishedTerms`]).
pub async fn put_receipt_kind(tx: &mut Tx, new: Dated<ReceiptKind>) -> Result<Vec<String>, Error> {
    lock(tx).await?;
    let mut all = in_force(&kinds::stored(tx).await?, store::open_period(tx).await?);
    if !new.what.main && all.iter().all(|known| !known.what.main || known.what.code == new.what.code) {
        return Err(Error::Field("main", "Главный вид квитанции должен быть один: сделайте главным другой"));
    }
    for other in all.iter_mut().filter(|_| new.what.main) {
        other.what.main = false;
    }
    let subject = format!("receipt_kind:{}", new.what.code);
    match all.iter_mut().find(|known| known.what.code == new.what.code) {
        Some(known) => *known = new,
        None => all.push(new),
    }
    let changes = set_receipt_kinds(tx, &all).await?;
    record(tx, &subject, &changes).await?;
    Ok(changes)
}

/// Adds a service behind the others, or changes one from a month on; its changes in words. Its rule must be one of
/// `rules`, which the company's plugin knows. Published months keep what they were billed with
/// ([`Error::PublishedTerms`]), and on which receipt ([`Error::ServiceBilled`]).
pub async fn put_service(tx: &mut Tx, new: Dated<Service>, rules: &[String]) -> Result<Vec<String>, Error> {
    lock(tx).await?;
    known_rule("rule", &new.what.rule, rules)?;
    let mut all = in_force(&services::stored(tx).await?, store::open_period(tx).await?);
    let subject = format!("service:{}", new.what.code);
    match all.iter_mut().find(|known| known.what.code == new.what.code) {
        Some(known) => *known = new,
        None => all.push(new),
    }
    let changes = set_services(tx, &all).await?;
    record(tx, &subject, &changes).await?;
    Ok(changes)
}

/// What holds in the month `open`.
pub(super) fn in_force<T: Clone + PartialEq>(stored: &[History<T>], open: Period) -> Vec<Dated<T>> {
    stored.iter().filter_map(|history| history.in_force(open)).cloned().map(Dated::from).collect()
}

/// Bills from a month on are due by another day; the changes in words. A published month is refused
/// ([`Error::PublishedTerms`]).
pub async fn put_due_day(tx: &mut Tx, new: DueDay) -> Result<Vec<String>, Error> {
    lock(tx).await?;
    let days = DueDays::of(tx).await?.with(new);
    let changes = due_days::set(tx, &days).await?;
    record(tx, &format!("due_day:{}", new.from_period), &changes).await?;
    Ok(changes)
}

/// Adds or changes the terms of a service from a day on; its changes in words. Their rule, if they have one, must
/// be one of `rules`, which the company's plugin knows. Terms of a published month are refused
/// ([`Error::TariffInUse`]).
pub async fn put_tariff(tx: &mut Tx, new: Tariff, rules: &[String]) -> Result<Vec<String>, Error> {
    if let Some(problem) = problem(&new.terms) {
        return Err(Error::Field("terms", problem));
    }
    new.terms.rule.iter().try_for_each(|rule| known_rule("terms", rule, rules))?;
    lock(tx).await?;
    let mut all = tariffs(tx).await?;
    all.retain(|known| (&known.service, known.from) != (&new.service, new.from));
    let subject = format!("tariff:{}:{}", new.service, begins(new.from));
    all.push(new);
    let changes = set_tariffs(tx, &all).await?;
    record(tx, &subject, &changes).await?;
    Ok(changes)
}

/// Drops the terms of a service from a day of a month to come; those before hold on.
pub async fn drop_tariff(tx: &mut Tx, service: &str, from: Day) -> Result<Vec<String>, Error> {
    lock(tx).await?;
    let published = store::latest_period(tx).await?.unwrap_or(Period(0));
    if from.period() <= published {
        return Err(Error::TariffInUse { service: service.to_owned(), from, period: published });
    }
    let mut all = tariffs(tx).await?;
    all.retain(|known| (known.service.as_str(), known.from) != (service, from));
    let changes = set_tariffs(tx, &all).await?;
    record(tx, &format!("tariff:{service}:{}", begins(from)), &changes).await?;
    Ok(changes)
}

/// The rates of penalty as given; days of published months keep theirs.
pub async fn put_penalty_rates(tx: &mut Tx, rates: &PenaltyRates) -> Result<Vec<String>, Error> {
    lock(tx).await?;
    let changes = set_penalty_rates(tx, rates).await?;
    record(tx, "penalty_rates", &changes).await?;
    Ok(changes)
}

/// Lets a checked plugin calculate with the company's numbers from a month on; the changes in words. `rules` says which
/// services go over to another rule in that month. It must have every rule that the catalogue then names
/// ([`Error::UnknownRules`]). A published month is refused ([`Error::PublishedTerms`]), one that is calculated and not
/// published is given up.
pub async fn put_plugin(
    tx: &mut Tx,
    plugin: &CheckedPlugin,
    new: &Dated<PluginConfig>,
    rules: &BTreeMap<String, String>,
) -> Result<Vec<String>, Error> {
    lock(tx).await?;
    let open = store::open_period(tx).await?;
    let from = match new.from {
        Some(from) => from,
        None => first_month(tx).await?,
    };
    if from < open {
        return Err(Error::PublishedTerms { entry: Entry::Plugin, period: open.previous() });
    }
    let mut changes = put_rules(tx, from, rules).await?;
    refuse_unknown_rules(tx, &plugin.info, from).await?;
    changes.extend(install_plugin(tx, plugin, &Activation { from, config: new.what.clone() }).await?);
    if !changes.is_empty() {
        runs::outdate(tx, from, "изменился плагин расчёта: рассчитайте месяц заново").await?;
    }
    record(tx, &format!("plugin:{from}"), &changes).await?;
    Ok(changes)
}

/// Lets services be charged by other rules from a month on that is not published. Terms that name a rule themselves
/// would go before it: [`Error::RuleOfTerms`].
async fn put_rules(tx: &Tx, from: Period, rules: &BTreeMap<String, String>) -> Result<Vec<String>, Error> {
    let (stored, open) = (services::stored(tx).await?, store::open_period(tx).await?);
    let terms = terms(tx, from).await?;
    let mut changes = Vec::new();
    for (code, rule) in rules {
        let goes_before = |one: &&Tariff| one.service == *code && one.terms.rule.as_ref().is_some_and(|of| of != rule);
        if let Some(Tariff { service, from, .. }) = terms.iter().find(goes_before) {
            return Err(Error::RuleOfTerms { service: service.clone(), from: from.period() });
        }
        let history = stored.iter().find(|history| history.entries().iter().any(|(_, service)| service.code == *code));
        let service = history.and_then(|history| history.in_force(from));
        let service = service.ok_or_else(|| Error::Catalog(format!("услуги {code} нет")))?;
        let wanted = Dated { from: Some(from), what: Service { rule: rule.clone(), ..service.clone() } };
        if services::bring(tx, history, &wanted, open).await?.is_some() {
            changes.push(format!("услуга {code}: правило {rule} с {from}"));
        }
    }
    Ok(changes)
}

/// Prints the receipts of runs that are started from now on with a checked template; the
/// changes in words. What is published stays.
pub async fn put_receipt_template(tx: &mut Tx, source: &str) -> Result<Vec<String>, Error> {
    lock(tx).await?;
    let (receipt_template, _) = set_receipt_template(tx, source).await?;
    let subject = format!("receipt_template:{receipt_template}");
    let before = BillingSettings::stored(tx).await?;
    remember_template(tx, &before.receipt_template).await?;
    let settings = BillingSettings { receipt_template, ..before };
    if !tx.set_settings(MODULE, &settings).await? {
        return Ok(Vec::new());
    }
    let changes = vec!["квитанции печатаются по нему, начиная со следующего расчёта".to_owned()];
    tx.audit("billing.catalog_changed", subject, serde_json::json!({ "changes": changes })).await?;
    Ok(changes)
}

/// Whoever changes the catalogue as well waits until the transaction ends, and then sees what was changed.
pub(super) async fn lock(tx: &mut Tx) -> Result<(), Error> {
    Ok(tx.touch(TOPIC).await?)
}

async fn record(tx: &mut Tx, subject: &str, changes: &[String]) -> Result<(), Error> {
    if !changes.is_empty() {
        tx.audit("billing.catalog_changed", subject, serde_json::json!({ "changes": changes })).await?;
        // Preliminary charges were computed with what held before.
        tx.enqueue(NewJob::new(MODULE, ESTIMATES_JOB, serde_json::json!({})).once("estimates")).await?;
    }
    Ok(())
}

fn known_rule(field: &'static str, rule: &String, rules: &[String]) -> Result<(), Error> {
    if rules.contains(rule) {
        Ok(())
    } else {
        Err(Error::Field(field, "Плагин компании не знает такого правила"))
    }
}

/// What is wrong with terms, in words for the accountant.
fn problem(terms: &Terms) -> Option<&'static str> {
    let prices = std::iter::once(&terms.prices).chain(terms.variants.iter().map(|variant| &variant.prices));
    let norms = std::iter::once(terms.norm).chain(terms.variants.iter().map(|variant| variant.norm));
    let coefficients = std::iter::once(terms.coefficient).chain(terms.variants.iter().map(|of| of.coefficient));
    let fits = |number: Decimal| number.abs() <= Decimal::from(MOST) && number.scale() <= 9;
    if prices.clone().flatten().any(|price| price.amount < Decimal::ZERO || !fits(price.amount)) {
        return Some("Тариф – число от 0 до миллиарда, не больше 9 знаков после запятой");
    }
    if prices.clone().flatten().any(|price| !fits(price.above)) {
        return Some("Граница диапазона – число до миллиарда, не больше 9 знаков после запятой");
    }
    if norms.flatten().any(|norm| norm < Decimal::ZERO || !fits(norm)) {
        return Some("Норматив – число от 0 до миллиарда, не больше 9 знаков после запятой");
    }
    if coefficients.flatten().any(|coefficient| coefficient < Decimal::ONE || !fits(coefficient)) {
        return Some("Повышающий коэффициент – число от 1 до миллиарда, не больше 9 знаков после запятой");
    }
    if !terms.parameters.values().all(|value| fits(*value)) {
        return Some("Параметр правила – число до миллиарда, не больше 9 знаков после запятой");
    }
    prices.map(|prices| ranges_problem(prices)).find(Option::is_some).flatten()
}

fn ranges_problem(prices: &[kabinet_plugin_host::api::Price]) -> Option<&'static str> {
    for (at, price) in prices.iter().enumerate() {
        let before = prices[..at].iter().rev().find(|before| before.zone == price.zone);
        match before {
            None if !price.above.is_zero() => return Some("Первый диапазон каждой зоны начинается с нуля"),
            Some(before) if before.above >= price.above => return Some("Границы диапазонов зоны должны возрастать"),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Option<&'static str> {
        problem(&serde_json::from_str(text).expect("terms"))
    }

    #[test]
    fn wrong_terms_are_named() {
        assert_eq!(terms(r#"{"prices":[{"amount":"39.56"}],"norm":"4.85","coefficient":"3"}"#), None);
        let wrong = [
            r#"{"prices":[{"amount":"-1"}]}"#,
            r#"{"prices":[{"amount":"79228162514264337593543950335"}]}"#,
            r#"{"prices":[{"amount":"1"}],"norm":"-1"}"#,
            r#"{"prices":[{"amount":"1"}],"parameters":{"days":"1000000001"}}"#,
            r#"{"prices":[{"amount":"1"}],"coefficient":"0.5"}"#,
            r#"{"prices":[{"above":"100","amount":"1"}]}"#,
            r#"{"prices":[{"amount":"1"},{"above":"0","amount":"2"}]}"#,
            r#"{"prices":[{"amount":"1"}],"variants":[{"premises":["flat"],"prices":[{"above":"5","amount":"1"}]}]}"#,
        ];
        for text in wrong {
            assert!(terms(text).is_some(), "{text}");
        }
    }
}
