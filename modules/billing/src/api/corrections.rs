//! Corrections of closed months and benefits, recorded by staff.

use kabinet_contracts::AccountId;
use kabinet_core::{Money, PermissionKey, Timestamp};
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};
use uuid::Uuid;

use super::fields::{month, number};
use crate::benefits::{self, Benefit, BenefitId, NewBenefit};
use crate::plugins::Plugins;
use crate::recalculations::{self, Recalculation, RecalculationId, Recomputed, State};

/// May correct closed months and grant benefits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correct;

impl PermissionKey for Correct {
    const KEY: &'static str = "billing.correct";
}

pub(crate) struct CorrectionsApi {
    pub(crate) plugins: Plugins,
}

/// What a service of a closed month comes to with what is known now.
#[derive(Object)]
pub(super) struct RecomputedOut {
    /// The month, `2026-09`.
    period: String,
    /// Code of the service.
    service: String,
    /// What was charged for the month so far, kopecks.
    charged: i64,
    /// What it comes to now, kopecks.
    computed: i64,
    /// What remains to be charged, kopecks; negative to be given back.
    difference: i64,
}

impl From<Recomputed> for RecomputedOut {
    fn from(month: Recomputed) -> Self {
        Self {
            difference: month.difference().0,
            period: month.period.to_string(),
            service: month.service,
            charged: month.charged.0,
            computed: month.computed.0,
        }
    }
}

/// Every service of every month that was computed again.
#[derive(Object)]
struct RecomputedList {
    items: Vec<RecomputedOut>,
}

/// A correction of a closed month.
#[derive(Object)]
struct RecalculationOut {
    /// Identifier.
    id: String,
    /// The account's identifier.
    account: String,
    /// Code of the service.
    service: String,
    /// The month that is corrected, `2026-09`.
    period: String,
    /// Kopecks; negative in the resident's favour.
    amount: i64,
    /// Why, in words.
    basis: String,
    /// `waiting`, `billed` or `withdrawn`.
    state: String,
    /// The month whose bill has it.
    billed_in: Option<String>,
    /// When it was recorded: milliseconds since 1970 UTC.
    recorded_at: i64,
}

impl From<Recalculation> for RecalculationOut {
    fn from(correction: Recalculation) -> Self {
        let (state, billed_in) = match correction.state {
            State::Waiting => ("waiting", None),
            State::Billed(period) => ("billed", Some(period.to_string())),
            State::Withdrawn => ("withdrawn", None),
        };
        let Timestamp(recorded_at) = correction.recorded_at;
        Self {
            id: correction.id.to_string(),
            account: correction.account.to_string(),
            service: correction.service,
            period: correction.period.to_string(),
            amount: correction.amount.0,
            basis: correction.basis,
            state: state.to_owned(),
            billed_in,
            recorded_at,
        }
    }
}

/// Corrections.
#[derive(Object)]
struct RecalculationList {
    items: Vec<RecalculationOut>,
}

impl RecalculationList {
    fn of(corrections: Vec<Recalculation>) -> Json<Self> {
        Json(Self { items: corrections.into_iter().map(RecalculationOut::from).collect() })
    }
}

/// Months to compute again.
#[derive(Object)]
struct NewRecalculation {
    /// The first month, `2026-09`; all later published ones are computed again too.
    from: String,
    /// Why, in words; at most 200 characters.
    basis: String,
}

/// A correction written by hand.
#[derive(Object)]
struct ManualRecalculation {
    /// Code of the service.
    service: String,
    /// The month that is corrected, `2026-09`.
    period: String,
    /// Kopecks; negative in the resident's favour.
    amount: i64,
    /// Why, in words; at most 200 characters.
    basis: String,
}

/// A benefit to grant.
#[derive(Object)]
struct BenefitIn {
    /// Code of the service.
    service: String,
    /// The first month, `2026-11`; not published yet.
    from: String,
    /// The last month; none while it lasts.
    to: Option<String>,
    /// The part of the charge that goes back, above 0 and at most 1: `0.5`.
    share: String,
    /// Only the first so many units a month have the benefit; none for all.
    volume: Option<String>,
    /// The document that grants it.
    document: String,
}

/// A benefit of an account.
#[derive(Object)]
struct BenefitOut {
    /// Identifier.
    id: String,
    /// Code of the service.
    service: String,
    /// The first month, `2026-11`.
    from: String,
    /// The last month; none while it lasts.
    to: Option<String>,
    /// The part of the charge that goes back: `0.5`.
    share: String,
    /// Only the first so many units a month have the benefit.
    volume: Option<String>,
    /// The document that grants it.
    document: String,
}

impl From<Benefit> for BenefitOut {
    fn from(benefit: Benefit) -> Self {
        Self {
            id: benefit.id.to_string(),
            service: benefit.service,
            from: benefit.from.to_string(),
            to: benefit.to.map(|to| to.to_string()),
            share: benefit.share.to_string(),
            volume: benefit.volume.map(|volume| volume.to_string()),
            document: benefit.document,
        }
    }
}

/// Benefits.
#[derive(Object)]
struct BenefitList {
    items: Vec<BenefitOut>,
}

/// The end of a benefit.
#[derive(Object)]
struct BenefitEnd {
    /// The last month, `2026-11`.
    to: String,
}

#[derive(ApiResponse)]
enum Done {
    /// Done.
    #[oai(status = 204)]
    Done,
}

#[OpenApi]
impl CorrectionsApi {
    /// What an account's closed months from one on come to with what is known now; nothing is recorded.
    #[oai(path = "/billing/accounts/:id/recomputed", method = "get", operation_id = "recompute")]
    async fn recompute(&self, staff: Staff<Correct>, id: Path<Uuid>, from: Query<String>) -> ApiResult<RecomputedList> {
        let from = month(&from.0, "from")?;
        let tx = staff.read().await?;
        let months = recalculations::recompute(&tx, &self.plugins, AccountId(id.0), from).await?;
        tx.commit().await?;
        Ok(Json(RecomputedList { items: months.into_iter().map(RecomputedOut::from).collect() }))
    }

    /// Compute closed months again and record the differences; the next run bills them.
    #[oai(path = "/billing/accounts/:id/recalculations", method = "post", operation_id = "recalculate")]
    async fn recalculate(
        &self,
        staff: Staff<Correct>,
        id: Path<Uuid>,
        new: Json<NewRecalculation>,
    ) -> ApiResult<RecalculationList> {
        let (account, from) = (AccountId(id.0), month(&new.0.from, "from")?);
        let tx = staff.read().await?;
        let months = recalculations::recompute(&tx, &self.plugins, account, from).await?;
        tx.commit().await?;
        let mut tx = staff.begin().await?;
        let recorded = recalculations::record(&mut tx, account, &months, &new.0.basis).await?;
        tx.commit().await?;
        Ok(RecalculationList::of(recorded))
    }

    /// Record a correction written by hand; the next run bills it.
    #[oai(path = "/billing/accounts/:id/recalculations/manual", method = "post", operation_id = "recalculateByHand")]
    async fn by_hand(
        &self,
        staff: Staff<Correct>,
        id: Path<Uuid>,
        new: Json<ManualRecalculation>,
    ) -> ApiResult<RecalculationOut> {
        let ManualRecalculation { service, period, amount, basis } = new.0;
        let (period, amount) = (month(&period, "period")?, Money(amount));
        let mut tx = staff.begin().await?;
        let recorded = recalculations::record_by_hand(&mut tx, AccountId(id.0), &service, period, amount, &basis);
        let recorded = recorded.await?;
        tx.commit().await?;
        Ok(Json(recorded.into()))
    }

    /// The account's corrections, the latest first.
    #[oai(path = "/billing/accounts/:id/recalculations", method = "get", operation_id = "listRecalculations")]
    async fn list(&self, staff: Staff<Correct>, id: Path<Uuid>) -> ApiResult<RecalculationList> {
        let tx = staff.read().await?;
        let found = recalculations::list(&tx, AccountId(id.0)).await?;
        tx.commit().await?;
        Ok(RecalculationList::of(found))
    }

    /// Take a correction back that no run has billed.
    #[oai(path = "/billing/recalculations/:id/withdraw", method = "post", operation_id = "withdrawRecalculation")]
    async fn withdraw(&self, staff: Staff<Correct>, id: Path<Uuid>) -> Result<Done, Problem> {
        let mut tx = staff.begin().await?;
        recalculations::withdraw(&mut tx, RecalculationId(id.0)).await?;
        tx.commit().await?;
        Ok(Done::Done)
    }

    /// Grant a benefit.
    #[oai(path = "/billing/accounts/:id/benefits", method = "post", operation_id = "grantBenefit")]
    async fn grant(&self, staff: Staff<Correct>, id: Path<Uuid>, new: Json<BenefitIn>) -> ApiResult<BenefitOut> {
        let new = wanted(new.0)?;
        let mut tx = staff.begin().await?;
        let granted = benefits::grant(&mut tx, AccountId(id.0), &new).await?;
        tx.commit().await?;
        Ok(Json(granted.into()))
    }

    /// The account's benefits, the latest first.
    #[oai(path = "/billing/accounts/:id/benefits", method = "get", operation_id = "listBenefits")]
    async fn benefits(&self, staff: Staff<Correct>, id: Path<Uuid>) -> ApiResult<BenefitList> {
        let tx = staff.read().await?;
        let found = benefits::list(&tx, AccountId(id.0)).await?;
        tx.commit().await?;
        Ok(Json(BenefitList { items: found.into_iter().map(BenefitOut::from).collect() }))
    }

    /// End a benefit with a month.
    #[oai(path = "/billing/benefits/:id/end", method = "post", operation_id = "endBenefit")]
    async fn end(&self, staff: Staff<Correct>, id: Path<Uuid>, end: Json<BenefitEnd>) -> ApiResult<BenefitOut> {
        let last = month(&end.0.to, "to")?;
        let mut tx = staff.begin().await?;
        let ended = benefits::end(&mut tx, BenefitId(id.0), last).await?;
        tx.commit().await?;
        Ok(Json(ended.into()))
    }
}

fn wanted(new: BenefitIn) -> Result<NewBenefit, Problem> {
    Ok(NewBenefit {
        from: month(&new.from, "from")?,
        to: new.to.map(|to| month(&to, "to")).transpose()?,
        share: number(&new.share, "share")?,
        volume: new.volume.map(|volume| number(&volume, "volume")).transpose()?,
        service: new.service,
        document: new.document,
    })
}
