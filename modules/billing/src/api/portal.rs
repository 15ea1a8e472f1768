//! What a resident's programs may ask. Sums are kopecks, quantities scaled by 10^7, about the active
//! account.

use std::sync::Arc;

use kabinet_contracts::{AccountId, Estimate, Estimates};
use kabinet_core::{Money, Quantity};
use kabinet_web::{ApiResult, Problem, Resident};
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};

use crate::charges::{ChargeLine, ChargePart};
use crate::documents::href;
use crate::estimate::Preliminary;
use crate::{charges, difference, documents, overview, payments};

pub(crate) struct PortalApi {
    pub(crate) estimates: Arc<Preliminary>,
}

/// What the account owes. Sums in kopecks; a debt is positive, an overpayment negative.
#[derive(Object)]
struct OverviewOut {
    /// The latest published period, `2026-10`.
    period: String,
    /// The last day to pay, `2026-11-16`.
    due: String,
    /// Balance at the start of the period.
    opening: i64,
    /// Lines, recalculation and penalty.
    charged: i64,
    /// Payments counted in the receipt.
    counted: i64,
    /// To pay for the period.
    to_pay: i64,
    /// Payments received after the receipt.
    uncounted: i64,
    /// Debt now.
    debt: i64,
    /// The estimate for the next period, if there is one.
    preliminary: Option<i64>,
    /// Debt with the estimate.
    to_pay_with_preliminary: Option<i64>,
}

/// The figures of an account.
#[derive(Object)]
struct OverviewAnswer {
    /// None before the first receipt.
    figures: Option<OverviewOut>,
}

/// One service of the latest receipt, in kopecks: opening + charged + recalculation + penalty − counted =
/// to_pay.
#[derive(Object)]
struct ServiceOut {
    /// Name of the service.
    name: String,
    /// Balance at the start.
    opening: i64,
    /// The month's charge.
    charged: i64,
    /// Corrections of earlier months.
    recalculation: i64,
    /// Penalty.
    penalty: i64,
    /// Payments counted; below zero where what was paid ahead pays other services of the receipt.
    counted: i64,
    /// To pay.
    to_pay: i64,
}

/// The services of a receipt.
#[derive(Object)]
struct ServicesOut {
    /// The period, `2026-10`; none before the first receipt.
    period: Option<String>,
    /// Its services.
    services: Vec<ServiceOut>,
}

/// A zone or range of a charge's volume.
#[derive(Object)]
struct ChargePartOut {
    /// «Т1, день», «свыше 3 900 кВт·ч».
    label: String,
    /// Volume, scaled by 10^7.
    volume: i64,
    /// Roubles a unit, scaled by 10^7.
    tariff: i64,
    /// Kopecks; the parts sum to `amount` without `excess`.
    amount: i64,
}

/// One charge with its reasons.
#[derive(Object)]
struct ChargeOut {
    /// Name of the service.
    service: String,
    /// Unit of the volume.
    unit: String,
    /// Billed volume, scaled by 10^7.
    volume: Option<i64>,
    /// How the volume was determined.
    method: Option<String>,
    /// Roubles a unit, scaled by 10^7; none for zones and ranges, which have their own in `parts`.
    tariff: Option<i64>,
    /// Unit of the tariff: «₽ за м³».
    tariff_unit: Option<String>,
    /// The norm, scaled by 10^7.
    norm: Option<i64>,
    /// Unit of the norm: «м³ на человека».
    norm_unit: Option<String>,
    /// The volume by zones and ranges; empty where all of it has one tariff.
    parts: Vec<ChargePartOut>,
    /// The raising coefficient, scaled by 10^7.
    coefficient: Option<i64>,
    /// What it adds, kopecks, part of `amount`.
    excess: Option<i64>,
    /// The formula in words.
    formula: Option<String>,
    /// The charge, kopecks.
    amount: i64,
    /// Corrections of earlier months, kopecks.
    recalculation: i64,
    /// Their basis.
    recalculation_reason: Option<String>,
    /// Penalty, kopecks.
    penalty: i64,
    /// How it came about: one sentence an interval of days.
    penalty_reasons: Vec<String>,
}

/// The charges of a month.
#[derive(Object)]
struct ChargesOut {
    /// The period, `2026-10`; none before the first receipt.
    period: Option<String>,
    /// All months that can be asked for, newest first.
    periods: Vec<String>,
    /// The charges.
    charges: Vec<ChargeOut>,
}

/// One cause of the difference between two months.
#[derive(Object)]
struct CauseOut {
    /// Name of the service.
    service: String,
    /// The cause in words.
    cause: String,
    /// What it adds, kopecks.
    amount: i64,
    /// «4 м³ → 6 м³»; empty where there is nothing to compare.
    detail: String,
}

/// A month beside the month before it.
#[derive(Object)]
struct DifferenceOut {
    /// The earlier month, `2026-09`.
    before: String,
    /// The later one.
    after: String,
    /// What the earlier month added, kopecks.
    from: i64,
    /// What the later one added, kopecks.
    to: i64,
    /// The causes; they sum to `to` − `from`.
    causes: Vec<CauseOut>,
}

/// A payment.
#[derive(Object)]
struct PaymentOut {
    /// Identifier.
    id: String,
    /// The day it was paid, `2026-11-12`.
    date: String,
    /// The sum, kopecks.
    amount: i64,
    /// Where it came from, in words.
    source: String,
    /// The period of the receipt that counts it; none while there is none.
    counted_in: Option<String>,
}

/// A page of payments, newest first.
#[derive(Object)]
struct PaymentsOut {
    /// The payments.
    items: Vec<PaymentOut>,
    /// Cursor of the next page; none on the last.
    next: Option<String>,
}

/// A receipt.
#[derive(Object)]
struct DocumentOut {
    /// The month, `2026-10`.
    period: String,
    /// Code of the kind.
    kind: String,
    /// Title of the kind.
    title: String,
    /// To pay, kopecks.
    amount: i64,
    /// Address of the PDF.
    href: String,
}

/// The receipts of an account, newest first.
#[derive(Object)]
struct DocumentsOut {
    /// The receipts.
    items: Vec<DocumentOut>,
}

#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum EstimateState {
    /// There is a figure.
    Computed,
    /// There is none now; the reason is in words.
    Unavailable,
    /// None was asked for yet.
    Absent,
}

/// The preliminary charge, outside the balance.
#[derive(Object)]
struct EstimateOut {
    /// Whether there is a figure.
    state: EstimateState,
    /// The month, `2026-11`.
    period: Option<String>,
    /// Kopecks.
    total: Option<i64>,
    /// How it differs from the one before, kopecks.
    change: Option<i64>,
    /// Why there is none.
    reason: Option<String>,
}

#[OpenApi]
impl PortalApi {
    /// What the active account owes.
    #[oai(path = "/overview", method = "get", operation_id = "getOverview")]
    async fn overview(&self, resident: Resident) -> ApiResult<OverviewAnswer> {
        let account = AccountId(resident.account_with_sums()?.id);
        let (tx, found) = overview::up_to_date(resident.read().await?, &self.estimates, account).await?;
        tx.commit().await?;
        let figures = found.figures.map(|f| OverviewOut {
            period: f.period.to_string(),
            due: f.due.iso(),
            opening: f.opening.0,
            charged: f.charged.0,
            counted: f.counted.0,
            to_pay: f.to_pay.0,
            uncounted: f.uncounted.0,
            debt: f.debt.0,
            preliminary: f.preliminary.map(|sum| sum.0),
            to_pay_with_preliminary: f.to_pay_with_preliminary.map(|sum| sum.0),
        });
        Ok(Json(OverviewAnswer { figures }))
    }

    /// The services of the active account's latest receipt.
    #[oai(path = "/services", method = "get", operation_id = "listServices")]
    async fn services(&self, resident: Resident) -> ApiResult<ServicesOut> {
        let account = AccountId(resident.account_with_sums()?.id);
        let tx = resident.read().await?;
        let latest = charges::months(&tx, account).await?.into_iter().next();
        let Some(latest) = latest else { return Ok(Json(ServicesOut { period: None, services: Vec::new() })) };
        let month = charges::frozen(&tx, account, latest.run_id).await?;
        tx.commit().await?;
        let service = |row: &crate::entity::charge::Model| ServiceOut {
            name: month.snapshot.service(&row.service_code).map(|s| s.title.clone()).unwrap_or_default(),
            opening: row.opening.0,
            charged: row.charged.0,
            recalculation: row.recalculation.0,
            penalty: row.penalty.0,
            counted: row.counted.0,
            to_pay: row.to_pay.0,
        };
        let services = month.charges.iter().map(service).collect();
        Ok(Json(ServicesOut { period: Some(latest.period.to_string()), services }))
    }

    /// The active account's charges of a month (the latest without one), with their reasons.
    #[oai(path = "/charges", method = "get", operation_id = "listCharges")]
    async fn charges(&self, resident: Resident, period: Query<Option<String>>) -> ApiResult<ChargesOut> {
        let account = AccountId(resident.account_with_sums()?.id);
        let tx = resident.read().await?;
        let months = charges::months(&tx, account).await?;
        let chosen = charges::chosen(&months, period.0.as_deref())?;
        let lines = match chosen {
            Some(month) => charges::lines(&charges::frozen(&tx, account, month.run_id).await?),
            None => Vec::new(),
        };
        tx.commit().await?;
        Ok(Json(ChargesOut {
            period: chosen.map(|month| month.period.to_string()),
            periods: months.iter().map(|month| month.period.to_string()).collect(),
            charges: lines.into_iter().map(ChargeOut::from).collect(),
        }))
    }

    /// Why the active account's month (the latest without one) differs from the month before it.
    #[oai(path = "/charges/difference", method = "get", operation_id = "explainDifference")]
    async fn difference(&self, resident: Resident, period: Query<Option<String>>) -> ApiResult<DifferenceOut> {
        let account = AccountId(resident.account_with_sums()?.id);
        let tx = resident.read().await?;
        let found = difference::of_month(&tx, account, period.0.as_deref()).await?;
        tx.commit().await?;
        let cause = |step: difference::Step| CauseOut {
            service: step.service,
            cause: step.cause.title().to_owned(),
            amount: step.amount.0,
            detail: step.detail,
        };
        Ok(Json(DifferenceOut {
            before: found.before.to_string(),
            after: found.after.to_string(),
            from: found.from.0,
            to: found.to.0,
            causes: found.steps.into_iter().map(cause).collect(),
        }))
    }

    /// The active account's payments, newest first.
    #[oai(path = "/payments", method = "get", operation_id = "listPayments")]
    async fn payments(
        &self,
        resident: Resident,
        #[oai(default = "default_limit", validator(minimum(value = "1"), maximum(value = "100")))] limit: Query<u16>,
        cursor: Query<Option<String>>,
    ) -> ApiResult<PaymentsOut> {
        let account = AccountId(resident.account_with_sums()?.id);
        let after = match &cursor.0 {
            Some(text) => Some(payments::Cursor::parse(text).ok_or_else(Problem::wrong_cursor)?),
            None => None,
        };
        let tx = resident.read().await?;
        let (lines, next) = payments::list(&tx, account, after, limit.0).await?;
        tx.commit().await?;
        let item = |line: payments::PaymentLine| PaymentOut {
            id: line.id.to_string(),
            date: line.paid_on.iso(),
            amount: line.amount.0,
            source: payments::source_words(&line.source).to_owned(),
            counted_in: line.counted_in.map(|period| period.to_string()),
        };
        let items = lines.into_iter().map(item).collect();
        Ok(Json(PaymentsOut { items, next: next.map(|cursor| cursor.to_string()) }))
    }

    /// The active account's receipts, newest first.
    #[oai(path = "/documents", method = "get", operation_id = "listDocuments")]
    async fn documents(&self, resident: Resident) -> ApiResult<DocumentsOut> {
        let account = resident.account_with_sums()?;
        let tx = resident.read().await?;
        let mut list = documents::list(&tx, AccountId(account.id)).await?;
        tx.commit().await?;
        list.retain(|document| account.shows_receipt(document.period));
        let item = |document: documents::Document| DocumentOut {
            href: href(document.period, Some(&document.kind)),
            period: document.period.to_string(),
            kind: document.kind,
            title: document.title,
            amount: document.amount.0,
        };
        Ok(Json(DocumentsOut { items: list.into_iter().map(item).collect() }))
    }

    /// The active account's preliminary charge for the month after the latest receipt.
    #[oai(path = "/estimate", method = "get", operation_id = "getEstimate")]
    async fn estimate(&self, resident: Resident) -> ApiResult<EstimateOut> {
        let account = AccountId(resident.account_with_sums()?.id);
        let estimate = self.estimates.current(resident.tenant(), account).await?;
        let empty = EstimateOut { state: EstimateState::Absent, period: None, total: None, change: None, reason: None };
        Ok(Json(match estimate {
            None => empty,
            Some(Estimate::Computed { period, total, change }) => EstimateOut {
                state: EstimateState::Computed,
                period: Some(period.to_string()),
                total: Some(total.0),
                change: change.map(|sum| sum.0),
                reason: None,
            },
            Some(Estimate::Unavailable(reason)) => {
                EstimateOut { state: EstimateState::Unavailable, reason: Some(reason), ..empty }
            }
        }))
    }
}

fn default_limit() -> u16 {
    24
}

impl From<ChargeLine> for ChargeOut {
    fn from(line: ChargeLine) -> Self {
        let scaled = |quantity: Option<Quantity>| quantity.map(|quantity| quantity.0);
        Self {
            service: line.service,
            unit: line.unit,
            volume: scaled(line.volume),
            method: line.method,
            tariff: scaled(line.tariff),
            tariff_unit: line.tariff_unit,
            norm: scaled(line.norm),
            norm_unit: line.norm_unit,
            parts: line.parts.into_iter().map(ChargePartOut::from).collect(),
            coefficient: scaled(line.coefficient),
            excess: line.excess.map(|Money(sum)| sum),
            formula: line.formula,
            amount: line.amount.0,
            recalculation: line.recalculation.0,
            recalculation_reason: line.recalculation_reason,
            penalty: line.penalty.0,
            penalty_reasons: line.penalty_reasons,
        }
    }
}

impl From<ChargePart> for ChargePartOut {
    fn from(part: ChargePart) -> Self {
        Self { label: part.label, volume: part.volume.0, tariff: part.tariff.0, amount: part.amount.0 }
    }
}
