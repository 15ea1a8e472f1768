//! Readings that staff take down, correct and take back.

use std::sync::Arc;

use kabinet_contracts::{Estimates, MeterId};
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use uuid::Uuid;

use super::Manage;
use super::fields::{day, values};
use crate::corrections::{self, TakenDown};
use crate::error::Error;
use crate::resource::Source;

pub(crate) struct ReadingsApi {
    pub(crate) estimates: Arc<dyn Estimates>,
}

/// Where a reading that staff take down comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum TakenFrom {
    Phone,
    Staff,
    Inspection,
    Import,
    Automatic,
}

impl From<TakenFrom> for Source {
    fn from(from: TakenFrom) -> Self {
        match from {
            TakenFrom::Phone => Self::Phone,
            TakenFrom::Staff => Self::Staff,
            TakenFrom::Inspection => Self::Inspection,
            TakenFrom::Import => Self::Import,
            TakenFrom::Automatic => Self::Automatic,
        }
    }
}

/// A reading that staff took down.
#[derive(Object)]
struct TakenDownIn {
    /// The day, `2026-11-15`; in a month that is not charged.
    on: String,
    /// What the meter showed, one value a zone.
    values: Vec<String>,
    source: TakenFrom,
    /// A value that the company's rules ask about is meant.
    #[oai(default)]
    confirm: bool,
}

/// Why a reading is taken back.
#[derive(Object)]
struct WithdrawalIn {
    reason: String,
}

/// What a reading should have been.
#[derive(Object)]
struct CorrectionIn {
    /// What the meter showed, one value a zone.
    values: Vec<String>,
    reason: String,
}

/// A stored reading.
#[derive(Object)]
struct StoredReadingOut {
    id: Uuid,
}

#[derive(ApiResponse)]
enum Withdrawn {
    /// The reading is taken back; staff see it still.
    #[oai(status = 204)]
    Withdrawn,
}

#[OpenApi]
impl ReadingsApi {
    /// Take down a reading, judged by the company's rules for its source.
    #[oai(path = "/meters/:id/readings", method = "post", operation_id = "takeDownReading")]
    async fn take_down(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        new: Json<TakenDownIn>,
    ) -> ApiResult<StoredReadingOut> {
        let TakenDownIn { on, values: typed, source, confirm } = new.0;
        let (on, values) = (day(&on, "on")?, values(&typed, "values")?);
        let new = TakenDown { on, values, source: source.into(), confirmed: confirm };
        let mut tx = staff.begin().await?;
        let stored = corrections::take_down(&mut tx, &*self.estimates, MeterId(id.0), &new).await;
        let id = stored.map_err(judged)?;
        tx.commit().await?;
        Ok(Json(StoredReadingOut { id }))
    }

    /// Take a reading back. One of a charged month is corrected instead.
    #[oai(path = "/meters/:id/readings/:reading/withdraw", method = "post", operation_id = "withdrawReading")]
    async fn withdraw(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        reading: Path<Uuid>,
        why: Json<WithdrawalIn>,
    ) -> Result<Withdrawn, Problem> {
        let (id, why) = (MeterId(id.0), why.0.reason);
        let mut tx = staff.begin().await?;
        corrections::withdraw(&mut tx, &*self.estimates, id, reading.0, &why).await?;
        tx.commit().await?;
        Ok(Withdrawn::Withdrawn)
    }

    /// Put another reading of the same day in the place of a wrong one; the next bill counts from it.
    #[oai(path = "/meters/:id/readings/:reading/correct", method = "post", operation_id = "correctReading")]
    async fn correct(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        reading: Path<Uuid>,
        to: Json<CorrectionIn>,
    ) -> ApiResult<StoredReadingOut> {
        let values = values(&to.0.values, "values")?;
        let which = (MeterId(id.0), reading.0);
        let mut tx = staff.begin().await?;
        let stored = corrections::correct(&mut tx, &*self.estimates, which, &values, &to.0.reason).await;
        let id = stored?;
        tx.commit().await?;
        Ok(Json(StoredReadingOut { id }))
    }
}

/// A refusal with the fields of the operation in place of the form's.
fn judged(error: Error) -> Problem {
    let Error::Refused(refusal) = error else { return error.into() };
    let field = |name: &str| match name {
        "date" => "on",
        name if name.ends_with("_confirm") => "confirm",
        _ => "values",
    };
    let doubts = refusal.doubts.values().map(|doubt| doubt.text.clone());
    let text = doubts.chain(refusal.verdicts.iter().map(|verdict| verdict.text.clone())).collect::<Vec<_>>().join(" ");
    let fields = refusal.verdicts.iter().map(|verdict| (field(&verdict.field).to_owned(), verdict.text.clone()));
    Problem::refused(refusal.code(), text).with_fields(fields.collect())
}
