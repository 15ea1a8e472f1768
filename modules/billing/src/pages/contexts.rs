//! What the templates see; each matches the head comment of its template.

use kabinet_core::{Day, Money, Period, Quantity};
use kabinet_web::AccountRef;
use serde::Serialize;

use super::overdue;
use crate::awards::Award;
use crate::charges::{ChargeLine, ChargePart};
use crate::difference::{Cause, Difference};
use crate::documents::{Document, href};
use crate::entity::charge;
use crate::instalments::Plan;
use crate::overview::{Figures, LastPayment};
use crate::payments::{PaymentLine, source_words};
use crate::plan::Snapshot;
use crate::totals::Totals;

#[derive(Serialize)]
pub(super) struct FiguresContext {
    period: Period,
    due: Option<Day>,
    overdue: bool,
    opening: Money,
    charged: Money,
    counted: Money,
    to_pay: Money,
    uncounted: Money,
    debt: Money,
    preliminary_period: Period,
    preliminary: Option<Money>,
    to_pay_with_preliminary: Option<Money>,
    receipt_href: Option<String>,
}

impl FiguresContext {
    pub(super) fn new(figures: &Figures, today: Day, account: &AccountRef) -> Self {
        Self {
            period: figures.period,
            due: Some(figures.due),
            overdue: overdue(figures.debt, figures.due, today),
            opening: figures.opening,
            charged: figures.charged,
            counted: figures.counted,
            to_pay: figures.to_pay,
            uncounted: figures.uncounted,
            debt: figures.debt,
            preliminary_period: figures.preliminary_period,
            preliminary: figures.preliminary,
            to_pay_with_preliminary: figures.to_pay_with_preliminary,
            receipt_href: account.shows_receipt(figures.period).then(|| href(figures.period, None)),
        }
    }
}

/// Debt in instalments that no receipt has asked for yet.
#[derive(Serialize)]
pub(super) struct InstalmentsContext {
    service: String,
    basis: String,
    remaining: Money,
}

impl InstalmentsContext {
    /// None where nothing is left.
    pub(super) fn left(snapshot: &Snapshot, plan: Plan) -> Option<Self> {
        let Plan { remaining, basis, service, .. } = plan;
        let title = snapshot.service(&service).map_or(service.clone(), |known| known.title.clone());
        (remaining > Money::ZERO).then_some(Self { service: title, basis, remaining })
    }
}

/// What is left of a court's award.
#[derive(Serialize)]
pub(super) struct AwardContext {
    basis: String,
    remaining: Money,
}

impl AwardContext {
    /// None where nothing is left.
    pub(super) fn left(award: Award) -> Option<Self> {
        (award.remaining > Money::ZERO).then_some(Self { basis: award.basis, remaining: award.remaining })
    }
}

#[derive(Serialize)]
pub(super) struct PaymentContext {
    date: Day,
    amount: Money,
    source: String,
    counted_in: Option<Period>,
}

impl PaymentContext {
    pub(super) fn last(payment: LastPayment) -> Self {
        let source = source_words(&payment.source).to_owned();
        Self { date: payment.date, amount: payment.amount, source, counted_in: payment.counted_in }
    }

    pub(super) fn line(payment: PaymentLine) -> Self {
        let source = source_words(&payment.source).to_owned();
        Self { date: payment.paid_on, amount: payment.amount, source, counted_in: payment.counted_in }
    }
}

#[derive(Serialize)]
pub(super) struct ServiceContext {
    name: String,
    #[serde(flatten)]
    sums: SumsContext,
}

impl ServiceContext {
    pub(super) fn new(snapshot: &Snapshot, row: &charge::Model) -> Self {
        let name = snapshot.service(&row.service_code).map_or(row.service_code.as_str(), |service| &service.title);
        Self { name: name.to_owned(), sums: SumsContext::new(row.into()) }
    }
}

#[derive(Serialize)]
pub(super) struct SumsContext {
    opening: Money,
    charged: Money,
    recalculation: Money,
    penalty: Money,
    counted: Money,
    to_pay: Money,
}

impl SumsContext {
    pub(super) fn new(totals: Totals) -> Self {
        Self {
            opening: totals.opening,
            charged: totals.charged,
            recalculation: totals.recalculation,
            penalty: totals.penalty,
            counted: totals.counted,
            to_pay: totals.to_pay,
        }
    }
}

#[derive(Serialize)]
pub(super) struct PartContext {
    label: String,
    volume: Quantity,
    tariff: Quantity,
    amount: Money,
}

impl From<ChargePart> for PartContext {
    fn from(part: ChargePart) -> Self {
        Self { label: part.label, volume: part.volume, tariff: part.tariff, amount: part.amount }
    }
}

#[derive(Serialize)]
pub(super) struct ChargeContext {
    service: String,
    unit: String,
    tariff: Option<Quantity>,
    tariff_unit: Option<String>,
    norm: Option<Quantity>,
    norm_unit: Option<String>,
    volume: Option<Quantity>,
    method: Option<String>,
    formula: Option<String>,
    parts: Vec<PartContext>,
    coefficient: Option<Quantity>,
    excess: Option<Money>,
    amount: Money,
    recalculation: Money,
    recalculation_reason: Option<String>,
    penalty: Money,
    penalty_reasons: Vec<String>,
}

impl From<ChargeLine> for ChargeContext {
    fn from(line: ChargeLine) -> Self {
        Self {
            service: line.service,
            unit: line.unit,
            tariff: line.tariff,
            tariff_unit: line.tariff_unit,
            norm: line.norm,
            norm_unit: line.norm_unit,
            volume: line.volume,
            method: line.method,
            formula: line.formula,
            parts: line.parts.into_iter().map(PartContext::from).collect(),
            coefficient: line.coefficient,
            excess: line.excess,
            amount: line.amount,
            recalculation: line.recalculation,
            recalculation_reason: line.recalculation_reason,
            penalty: line.penalty,
            penalty_reasons: line.penalty_reasons,
        }
    }
}

#[derive(Serialize)]
pub(super) struct DifferenceContext {
    before: Period,
    after: Period,
    from: Money,
    to: Money,
    change: Money,
    causes: Vec<CauseContext>,
    services: Vec<ServiceDifference>,
}

#[derive(Serialize)]
struct CauseContext {
    title: &'static str,
    amount: Money,
    detail: String,
}

#[derive(Serialize)]
struct ServiceDifference {
    service: String,
    change: Money,
    causes: Vec<CauseContext>,
}

impl From<Difference> for DifferenceContext {
    fn from(found: Difference) -> Self {
        let total =
            |(cause, amount): (Cause, Money)| CauseContext { title: cause.title(), amount, detail: String::new() };
        let causes = found.by_cause().into_iter().map(total).collect();
        let mut services: Vec<ServiceDifference> = Vec::new();
        for step in found.steps {
            let cause = CauseContext { title: step.cause.title(), amount: step.amount, detail: step.detail };
            match services.last_mut().filter(|last| last.service == step.service) {
                Some(last) => {
                    last.change += cause.amount;
                    last.causes.push(cause);
                }
                None => {
                    services.push(ServiceDifference {
                        service: step.service,
                        change: cause.amount,
                        causes: vec![cause],
                    });
                }
            }
        }
        let (from, to) = (found.from, found.to);
        Self { before: found.before, after: found.after, from, to, change: to - from, causes, services }
    }
}

#[derive(Serialize)]
pub(super) struct TotalsContext {
    charged: Money,
    recalculation: Money,
    penalty: Money,
    total: Money,
}

impl TotalsContext {
    pub(super) fn new(totals: Totals) -> Self {
        Self {
            charged: totals.charged,
            recalculation: totals.recalculation,
            penalty: totals.penalty,
            total: totals.added(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct MonthContext {
    period: Period,
    receipts: Vec<ReceiptContext>,
}

#[derive(Serialize)]
struct ReceiptContext {
    kind: String,
    title: String,
    amount: Money,
    href: String,
}

impl MonthContext {
    /// Documents in their order, grouped by month; a month's only receipt has the short address.
    pub(super) fn group(documents: Vec<Document>) -> Vec<Self> {
        let mut months: Vec<Self> = Vec::new();
        for document in documents {
            let address = href(document.period, Some(&document.kind));
            let receipt =
                ReceiptContext { kind: document.kind, title: document.title, amount: document.amount, href: address };
            match months.last_mut().filter(|month| month.period == document.period) {
                Some(month) => month.receipts.push(receipt),
                None => months.push(Self { period: document.period, receipts: vec![receipt] }),
            }
        }
        for month in &mut months {
            if let [only] = month.receipts.as_mut_slice() {
                only.href = href(month.period, None);
            }
        }
        months
    }
}
