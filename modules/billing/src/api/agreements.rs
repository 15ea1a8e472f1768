//! Instalments and courts' awards, recorded by staff.

use kabinet_contracts::AccountId;
use kabinet_core::Money;
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::corrections::Correct;
use super::fields::{day, month, number, sum};
use crate::awards::{self, Award, AwardId, NewAward, NewAwardPayment};
use crate::instalments::{self, NewPlan, Plan, PlanId};
use crate::store;

pub(crate) struct AgreementsApi;

/// An agreement on instalments to make.
#[derive(Object)]
struct InstalmentsIn {
    /// Code of the service that is owed for.
    service: String,
    /// The debt that is divided, kopecks; no more than the service owes.
    total: i64,
    /// In how many equal monthly parts, 1 to 60.
    parts: u32,
    /// The first month whose bill has a part, `2026-12`; not published yet.
    from: String,
    /// Interest, per cent a year: `7,5`; none without.
    percent: Option<String>,
    /// The agreement, at most 200 characters.
    basis: String,
}

/// An agreement on instalments.
#[derive(Object)]
struct InstalmentsOut {
    /// Identifier.
    id: String,
    /// Code of the service.
    service: String,
    /// The debt that was divided, kopecks.
    total: i64,
    /// In how many parts.
    parts: u32,
    /// The first month with a part, `2026-12`.
    from: String,
    /// Interest, per cent a year.
    percent: String,
    /// The agreement.
    basis: String,
    /// What no bill has asked for yet, kopecks.
    remaining: i64,
    /// Whether it was cancelled.
    cancelled: bool,
}

impl From<Plan> for InstalmentsOut {
    fn from(plan: Plan) -> Self {
        Self {
            id: plan.id.to_string(),
            service: plan.service,
            total: plan.total.0,
            parts: plan.parts,
            from: plan.from.to_string(),
            percent: plan.percent.to_string(),
            basis: plan.basis,
            remaining: plan.remaining.0,
            cancelled: plan.cancelled,
        }
    }
}

/// Agreements on instalments, the latest first.
#[derive(Object)]
struct InstalmentsList {
    items: Vec<InstalmentsOut>,
}

/// Debt of one service that a court awarded.
#[derive(Object)]
struct AwardedDebt {
    /// Code of the service.
    service: String,
    /// Kopecks; no more than the service owes.
    amount: i64,
}

/// A court's award to record.
#[derive(Object)]
struct AwardIn {
    /// The decision, at most 200 characters: «судебный приказ № 2-114/2026 от 12.05.2026».
    basis: String,
    /// The debt it is for; services of one receipt kind.
    debts: Vec<AwardedDebt>,
    /// Fees and penalties that it adds, kopecks.
    #[oai(default)]
    costs: i64,
}

/// A court's award.
#[derive(Object)]
struct AwardOut {
    /// Identifier.
    id: String,
    /// Code of the receipt kind.
    receipt: String,
    /// The decision.
    basis: String,
    /// What was awarded, kopecks.
    total: i64,
    /// What is not paid of it, kopecks.
    remaining: i64,
}

impl From<Award> for AwardOut {
    fn from(award: Award) -> Self {
        Self {
            id: award.id.to_string(),
            receipt: award.kind_code,
            basis: award.basis,
            total: award.total.0,
            remaining: award.remaining.0,
        }
    }
}

/// Awards, the latest first.
#[derive(Object)]
struct AwardList {
    items: Vec<AwardOut>,
}

/// A payment on an award.
#[derive(Object)]
struct AwardPaymentIn {
    /// Kopecks; no more than is left.
    amount: i64,
    /// The day it was paid, `2026-11-20`.
    paid_on: String,
    /// Where it came from: `bailiffs`, `bank`…
    source: String,
    /// Its number there; the same source and number again change nothing.
    external_id: String,
}

#[OpenApi]
impl AgreementsApi {
    /// Agree on instalments: the next bill takes the debt out of its service's balance and brings it back in parts.
    #[oai(path = "/billing/accounts/:id/instalments", method = "post", operation_id = "agreeInstalments")]
    async fn agree(
        &self,
        staff: Staff<Correct>,
        id: Path<Uuid>,
        new: Json<InstalmentsIn>,
    ) -> ApiResult<InstalmentsOut> {
        let new = plan(new.0)?;
        let mut tx = staff.begin().await?;
        let made = instalments::agree(&mut tx, AccountId(id.0), &new).await?;
        tx.commit().await?;
        Ok(Json(made.into()))
    }

    /// The account's agreements on instalments.
    #[oai(path = "/billing/accounts/:id/instalments", method = "get", operation_id = "listInstalments")]
    async fn plans(&self, staff: Staff<Correct>, id: Path<Uuid>) -> ApiResult<InstalmentsList> {
        let tx = staff.read().await?;
        store::account_exists(&tx, AccountId(id.0)).await?;
        let found = instalments::list(&tx, AccountId(id.0)).await?;
        tx.commit().await?;
        Ok(Json(InstalmentsList { items: found.into_iter().map(InstalmentsOut::from).collect() }))
    }

    /// Cancel an agreement: what no bill has asked for yet is due with the next one.
    #[oai(path = "/billing/instalments/:id/cancel", method = "post", operation_id = "cancelInstalments")]
    async fn cancel(&self, staff: Staff<Correct>, id: Path<Uuid>) -> ApiResult<InstalmentsOut> {
        let mut tx = staff.begin().await?;
        let cancelled = instalments::cancel(&mut tx, PlanId(id.0)).await?;
        tx.commit().await?;
        Ok(Json(cancelled.into()))
    }

    /// Record a court's award: the next bill takes the debt out of its services' balances.
    #[oai(path = "/billing/accounts/:id/awards", method = "post", operation_id = "recordAward")]
    async fn award(&self, staff: Staff<Correct>, id: Path<Uuid>, new: Json<AwardIn>) -> ApiResult<AwardOut> {
        let AwardIn { basis, debts, costs } = new.0;
        let debt = |debt: AwardedDebt| Ok::<_, Problem>((debt.service, sum(debt.amount, "debts")?));
        let debts = debts.into_iter().map(debt).collect::<Result<_, _>>()?;
        let new = NewAward { basis, debts, costs: Money(costs) };
        let mut tx = staff.begin().await?;
        let recorded = awards::record(&mut tx, AccountId(id.0), &new).await?;
        tx.commit().await?;
        Ok(Json(recorded.into()))
    }

    /// The account's awards with what is left of them.
    #[oai(path = "/billing/accounts/:id/awards", method = "get", operation_id = "listAwards")]
    async fn awards(&self, staff: Staff<Correct>, id: Path<Uuid>) -> ApiResult<AwardList> {
        let tx = staff.read().await?;
        store::account_exists(&tx, AccountId(id.0)).await?;
        let found = awards::list(&tx, AccountId(id.0)).await?;
        tx.commit().await?;
        Ok(Json(AwardList { items: found.into_iter().map(AwardOut::from).collect() }))
    }

    /// Book a payment on an award.
    #[oai(path = "/billing/awards/:id/payments", method = "post", operation_id = "payAward")]
    async fn pay(&self, staff: Staff<Correct>, id: Path<Uuid>, new: Json<AwardPaymentIn>) -> ApiResult<AwardOut> {
        let new = NewAwardPayment {
            amount: sum(new.0.amount, "amount")?,
            paid_on: day(&new.0.paid_on, "paid_on")?,
            source: new.0.source,
            external_id: new.0.external_id,
        };
        let mut tx = staff.begin().await?;
        let award = awards::pay(&mut tx, AwardId(id.0), &new).await?;
        tx.commit().await?;
        Ok(Json(award.into()))
    }
}

fn plan(new: InstalmentsIn) -> Result<NewPlan, Problem> {
    Ok(NewPlan {
        total: sum(new.total, "total")?,
        parts: new.parts,
        from: month(&new.from, "from")?,
        percent: new.percent.map(|percent| number(&percent, "percent")).transpose()?.unwrap_or_default(),
        service: new.service,
        basis: new.basis,
    })
}
