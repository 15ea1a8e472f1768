//! What a company charges for and by which terms: seen and changed by its staff.

use std::collections::BTreeSet;

use kabinet_core::calendar::CompanyCalendar;
use kabinet_core::{Day, PermissionKey};
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use rust_decimal::Decimal;

use super::fields::{begin, day, month, wrong};
use crate::catalog::{Dated, Service, Tariff, begins, code_problem, edit, enum_name, enum_value};
use crate::due_days::{DueDay, DueDays};
use crate::penalty::{PenaltyRate, PenaltyRates};
use crate::plugins::Plugins;
use crate::store;

/// The part of a package's tariffs that holds the rates: no service's code.
const PENALTY: &str = "penalty";

/// May change services, tariffs and rates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Catalog;

impl PermissionKey for Catalog {
    const KEY: &'static str = "billing.catalog";
}

pub(crate) struct CatalogApi {
    pub(crate) plugins: Plugins,
}

/// A service that the company charges for.
#[derive(Object)]
struct ServiceEntry {
    /// Stable code.
    #[oai(default)]
    code: String,
    /// The first month all of this holds for, `2026-12`; none: all months, and when it is put, the first that is not
    /// published.
    from: Option<String>,
    /// Name for residents.
    title: String,
    /// What it is: `cold_water`, `heating`, `maintenance`…
    resource: String,
    /// Unit of its volume: `cubic_metre`, `square_metre`…
    unit: String,
    /// The group of the receipt: `maintenance`, `common_property`, `utilities`, `capital_repair`, `other`.
    section: String,
    /// Code of the receipt kind it is billed on: one for all months once it was billed.
    receipt: String,
    /// The plugin's rule: `metered`, `area`…
    rule: String,
    /// Code of the service whose house meter it shares the rest of; empty for most.
    #[oai(default)]
    shares: String,
}

impl From<Dated<Service>> for ServiceEntry {
    fn from(Dated { from, what: service }: Dated<Service>) -> Self {
        Self {
            code: service.code,
            from: from.map(|from| from.to_string()),
            title: service.title,
            resource: enum_name(service.resource),
            unit: enum_name(service.unit),
            section: enum_name(service.section),
            receipt: service.kind,
            rule: service.rule,
            shares: service.shares,
        }
    }
}

/// The company's services, in their order; one that changes has an entry for each month in which it does.
#[derive(Object)]
struct ServiceList {
    items: Vec<ServiceEntry>,
}

/// Terms of a service from a month on, until the next terms.
#[derive(Object)]
struct TariffEntry {
    /// Code of the service.
    #[oai(default)]
    service: String,
    /// The first month, `2026-10`, or day, `2026-10-06`: within a month prices, norm and coefficient may change, and
    /// it is charged by days.
    #[oai(default)]
    from: String,
    /// `prices` (roubles by `zone` and `above`; none ends the service), `norm`, `coefficient`, `parameters`,
    /// `premises`, `variants`, and `rule` where the service is charged another way from this month on; numbers are
    /// texts.
    terms: serde_json::Value,
    /// Where they come from.
    #[oai(default)]
    note: String,
}

impl TryFrom<Tariff> for TariffEntry {
    type Error = Problem;

    fn try_from(tariff: Tariff) -> Result<Self, Problem> {
        let terms = serde_json::to_value(tariff.terms).map_err(|error| Problem::fault(&error))?;
        Ok(Self { service: tariff.service, from: begins(tariff.from), terms, note: tariff.note })
    }
}

/// The company's tariffs, by service and month.
#[derive(Object)]
struct TariffList {
    items: Vec<TariffEntry>,
}

/// A rate of penalty.
#[derive(Object)]
struct RateEntry {
    /// The first day, `2026-01-01`.
    from: String,
    /// The last day; none while it holds.
    until: Option<String>,
    /// Per cent a year: `9.5`.
    percent: String,
    /// Where it comes from.
    #[oai(default)]
    note: String,
}

/// The company's rates of penalty; none: it charges none.
#[derive(Object)]
struct RateList {
    items: Vec<RateEntry>,
}

/// Until which day bills are to be paid.
#[derive(Object)]
struct DueDayEntry {
    /// The first month whose bills are due by it, `2026-02`.
    #[oai(default)]
    from: String,
    /// Day of the following month, 1 to 28; on a day off the next working day.
    day: u32,
}

/// The days by which bills are due, by the month of the bill.
#[derive(Object)]
struct DueDayList {
    items: Vec<DueDayEntry>,
}

/// What was changed, in words; nothing when all was as asked.
#[derive(Object)]
pub(super) struct Changes {
    pub(super) changes: Vec<String>,
}

/// The company's days beside the general working calendar of Russia.
#[derive(Object)]
struct CalendarEntry {
    /// Days off that the general calendar has as working days: `2026-12-30`.
    #[oai(default)]
    off: Vec<String>,
    /// Days worked that it has as days off.
    #[oai(default)]
    working: Vec<String>,
}

#[OpenApi]
impl CatalogApi {
    /// The company's own days off and working days.
    #[oai(path = "/billing/catalog/calendar", method = "get", operation_id = "getCalendar")]
    async fn calendar(&self, staff: Staff<Catalog>) -> ApiResult<CalendarEntry> {
        let tx = staff.read().await?;
        let own = CompanyCalendar::of(tx.tenant())?;
        tx.commit().await?;
        let days = |days: &BTreeSet<Day>| days.iter().map(|day| day.iso()).collect();
        Ok(Json(CalendarEntry { off: days(&own.off), working: days(&own.working) }))
    }

    /// Set the company's own days: due days and deadlines to come go by them, those of the past stay.
    #[oai(path = "/billing/catalog/calendar", method = "put", operation_id = "putCalendar")]
    async fn put_calendar(&self, staff: Staff<Catalog>, entry: Json<CalendarEntry>) -> ApiResult<CalendarEntry> {
        let days = |texts: &[String], field: &str| texts.iter().map(|text| day(text, field)).collect::<Result<_, _>>();
        let own = CompanyCalendar { off: days(&entry.0.off, "off")?, working: days(&entry.0.working, "working")? };
        if let Some(both) = own.off.intersection(&own.working).next() {
            return Err(wrong("working", &format!("{both} – и выходной, и рабочий день")));
        }
        let mut tx = staff.begin().await?;
        own.save(&mut tx).await?;
        tx.commit().await?;
        Ok(entry)
    }

    /// The company's services with the months they hold from.
    #[oai(path = "/billing/catalog/services", method = "get", operation_id = "listCatalogServices")]
    async fn services(&self, staff: Staff<Catalog>) -> ApiResult<ServiceList> {
        let tx = staff.read().await?;
        let services = edit::services(&tx).await?;
        tx.commit().await?;
        Ok(Json(ServiceList { items: services.into_iter().map(ServiceEntry::from).collect() }))
    }

    /// Add a service, or change one from a month on that is not published.
    #[oai(path = "/billing/catalog/services/:code", method = "put", operation_id = "putService")]
    async fn put_service(
        &self,
        staff: Staff<Catalog>,
        code: Path<String>,
        entry: Json<ServiceEntry>,
    ) -> ApiResult<Changes> {
        let service = service(code.0, entry.0)?;
        let mut tx = staff.begin().await?;
        let rules = self.plugins.rules(&tx).await?;
        let changes = edit::put_service(&mut tx, service, &rules).await?;
        tx.commit().await?;
        Ok(Json(Changes { changes }))
    }

    /// The company's tariffs, norms and coefficients with the months or days they hold from.
    #[oai(path = "/billing/catalog/tariffs", method = "get", operation_id = "listTariffs")]
    async fn tariffs(&self, staff: Staff<Catalog>) -> ApiResult<TariffList> {
        let tx = staff.read().await?;
        let tariffs = edit::tariffs(&tx).await?;
        tx.commit().await?;
        let items = tariffs.into_iter().map(TariffEntry::try_from).collect::<Result<_, _>>()?;
        Ok(Json(TariffList { items }))
    }

    /// Add or change the terms of a service from a month on that is not published, or from a day of it.
    #[oai(path = "/billing/catalog/tariffs/:service/:from", method = "put", operation_id = "putTariff")]
    async fn put_tariff(
        &self,
        staff: Staff<Catalog>,
        service: Path<String>,
        from: Path<String>,
        entry: Json<TariffEntry>,
    ) -> ApiResult<Changes> {
        let TariffEntry { terms, note, .. } = entry.0;
        let terms = serde_json::from_value(terms).map_err(|error| wrong("terms", &format!("Условия: {error}")))?;
        let tariff = Tariff { service: service.0, from: begin(&from.0, "from")?, terms, note };
        let mut tx = staff.begin().await?;
        let rules = self.plugins.rules(&tx).await?;
        let changes = edit::put_tariff(&mut tx, tariff, &rules).await?;
        tx.commit().await?;
        Ok(Json(Changes { changes }))
    }

    /// Drop terms of a month to come; those before hold on.
    #[oai(path = "/billing/catalog/tariffs/:service/:from", method = "delete", operation_id = "dropTariff")]
    async fn drop_tariff(
        &self,
        staff: Staff<Catalog>,
        service: Path<String>,
        from: Path<String>,
    ) -> ApiResult<Changes> {
        let from = begin(&from.0, "from")?;
        let mut tx = staff.begin().await?;
        let changes = edit::drop_tariff(&mut tx, &service.0, from).await?;
        tx.commit().await?;
        Ok(Json(Changes { changes }))
    }

    /// Until which day bills are to be paid, by the month of the bill.
    #[oai(path = "/billing/catalog/due-days", method = "get", operation_id = "listDueDays")]
    async fn due_days(&self, staff: Staff<Catalog>) -> ApiResult<DueDayList> {
        let tx = staff.read().await?;
        let days = DueDays::of(&tx).await?;
        tx.commit().await?;
        let entry = |rule: DueDay| DueDayEntry { from: rule.from_period.to_string(), day: rule.day };
        Ok(Json(DueDayList { items: days.rules().map(entry).collect() }))
    }

    /// Let bills be due by another day from a month on that is not published.
    #[oai(path = "/billing/catalog/due-days/:from", method = "put", operation_id = "putDueDay")]
    async fn put_due_day(
        &self,
        staff: Staff<Catalog>,
        from: Path<String>,
        entry: Json<DueDayEntry>,
    ) -> ApiResult<Changes> {
        let from_period = month(&from.0, "from")?;
        if !(1..=28).contains(&entry.0.day) {
            return Err(wrong("day", "День – число от 1 до 28"));
        }
        let mut tx = staff.begin().await?;
        let changes = edit::put_due_day(&mut tx, DueDay { from_period, day: entry.0.day }).await?;
        tx.commit().await?;
        Ok(Json(Changes { changes }))
    }

    /// The company's rates of penalty.
    #[oai(path = "/billing/catalog/penalty-rates", method = "get", operation_id = "listPenaltyRates")]
    async fn rates(&self, staff: Staff<Catalog>) -> ApiResult<RateList> {
        let tx = staff.read().await?;
        let rates = store::penalty_rates(&tx).await?;
        tx.commit().await?;
        let entry = |rate: &PenaltyRate| RateEntry {
            from: rate.from.iso(),
            until: rate.until.map(Day::iso),
            percent: rate.percent.normalize().to_string(),
            note: rate.note.clone(),
        };
        Ok(Json(RateList { items: rates.as_slice().iter().map(entry).collect() }))
    }

    /// Set the rates of penalty; days of published months keep theirs.
    #[oai(path = "/billing/catalog/penalty-rates", method = "put", operation_id = "putPenaltyRates")]
    async fn put_rates(&self, staff: Staff<Catalog>, list: Json<RateList>) -> ApiResult<Changes> {
        let rates = list.0.items.into_iter().map(rate).collect::<Result<Vec<_>, _>>()?;
        let claimed = |day: Day| wrong("items", &format!("На {} заданы две ставки", day.iso()));
        let rates = PenaltyRates::new(rates).map_err(claimed)?;
        let mut tx = staff.begin().await?;
        let changes = edit::put_penalty_rates(&mut tx, &rates).await?;
        tx.commit().await?;
        Ok(Json(Changes { changes }))
    }
}

fn service(code: String, entry: ServiceEntry) -> Result<Dated<Service>, Problem> {
    if let Some(problem) = code_problem(&code) {
        return Err(wrong("code", problem));
    }
    if code == PENALTY {
        return Err(wrong("code", "Это слово занято ставками пеней: дайте услуге другой код"));
    }
    if entry.title.trim().is_empty() {
        return Err(wrong("title", "Укажите название услуги"));
    }
    let from = entry.from.map(|from| month(&from, "from")).transpose()?;
    let what = Service {
        code,
        title: entry.title.trim().to_owned(),
        resource: enum_value(&entry.resource).map_err(|_| wrong("resource", "Такого вида услуги нет"))?,
        unit: enum_value(&entry.unit).map_err(|_| wrong("unit", "Такой единицы нет"))?,
        section: enum_value(&entry.section).map_err(|_| wrong("section", "Такого раздела квитанции нет"))?,
        kind: entry.receipt,
        rule: entry.rule,
        shares: entry.shares,
    };
    Ok(Dated { from, what })
}

fn rate(entry: RateEntry) -> Result<PenaltyRate, Problem> {
    let percent = entry.percent.replace(',', ".").parse().ok();
    let known = Decimal::ZERO..=Decimal::ONE_HUNDRED;
    let percent = percent.filter(|percent: &Decimal| known.contains(percent) && percent.scale() <= 7);
    Ok(PenaltyRate {
        from: day(&entry.from, "from")?,
        until: entry.until.map(|until| day(&until, "until")).transpose()?,
        percent: percent.ok_or_else(|| wrong("percent", "Ставка – от 0 до 100 процентов годовых, например 9,5"))?,
        note: entry.note,
    })
}
