//! What staff may do with an account's life.

use std::sync::Arc;

use kabinet_contracts::{AccountId, Estimates, ReceiptCodes};
use kabinet_core::{Day, PermissionKey};
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use uuid::Uuid;

use crate::absences::{self, Absence, NewAbsence};
use crate::registry::{self, NewHolder, Party};

/// May change who holds an account, and close it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manage;

impl PermissionKey for Manage {
    const KEY: &'static str = "accounts.manage";
}

pub(crate) struct AdminApi {
    pub(crate) receipts: Arc<dyn ReceiptCodes>,
    pub(crate) estimates: Arc<dyn Estimates>,
}

#[derive(Clone, Copy, Enum, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
enum HolderKind {
    Person,
    Legal,
}

/// A holder of an account.
#[derive(Object)]
struct HolderIn {
    kind: HolderKind,
    /// Surname of a person.
    #[oai(default)]
    surname: String,
    /// Given name of a person.
    #[oai(default)]
    given_name: String,
    /// Patronymic of a person; may be empty.
    #[oai(default)]
    patronymic: String,
    /// Name of a legal entity.
    #[oai(default)]
    organisation: String,
    /// ИНН of a legal entity, 10 or 12 digits.
    #[oai(default)]
    inn: String,
    /// Share: numerator.
    #[oai(default = "whole")]
    share_numerator: i32,
    /// Share: denominator.
    #[oai(default = "whole")]
    share_denominator: i32,
}

fn whole() -> i32 {
    1
}

/// New holders, all of them.
#[derive(Object)]
struct HolderChangeIn {
    /// Their first day, `2026-11-01`; not in the future.
    from: String,
    holders: Vec<HolderIn>,
}

/// The end of an account.
#[derive(Object)]
struct ClosingIn {
    /// Its last day, `2026-10-31`; not in the future.
    on: String,
}

/// Residents who were away.
#[derive(Object)]
struct AbsenceIn {
    /// How many.
    residents: u32,
    /// The day of departure, `2026-10-28`.
    from: String,
    /// The day of return, `2026-11-04`.
    to: String,
    /// The document that shows it.
    document: String,
}

/// An absence that was recorded.
#[derive(Object)]
struct AbsenceOut {
    /// Identifier.
    id: String,
    /// How many residents were away.
    residents: u32,
    /// The day of departure, `2026-10-28`.
    from: String,
    /// The day of return, `2026-11-04`.
    to: String,
    /// The document that shows it.
    document: String,
    /// When it was recorded: milliseconds since 1970 UTC.
    recorded_at: i64,
    /// When it was taken back: milliseconds since 1970 UTC.
    withdrawn_at: Option<i64>,
}

impl From<Absence> for AbsenceOut {
    fn from(absence: Absence) -> Self {
        Self {
            id: absence.id.to_string(),
            residents: absence.residents,
            from: absence.from.iso(),
            to: absence.to.iso(),
            document: absence.document,
            recorded_at: absence.recorded_at.0,
            withdrawn_at: absence.withdrawn_at.map(|at| at.0),
        }
    }
}

/// Absences.
#[derive(Object)]
struct AbsenceList {
    items: Vec<AbsenceOut>,
}

#[derive(ApiResponse)]
enum Done {
    /// Done: links of former holders have ended, they are told by letter.
    #[oai(status = 204)]
    Done,
}

#[OpenApi]
impl AdminApi {
    /// Change who holds an account; links to it end.
    #[oai(path = "/accounts/:id/holder", method = "post", operation_id = "changeHolder")]
    async fn change_holder(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        change: Json<HolderChangeIn>,
    ) -> Result<Done, Problem> {
        let from = day(&change.0.from, "from")?;
        let mut tx = staff.begin().await?;
        let new = |holder: HolderIn| NewHolder {
            id: tx.new_id(),
            share: (holder.share_numerator, holder.share_denominator),
            from_on: from,
            to_on: None,
            party: party(holder),
        };
        let holders: Vec<NewHolder> = change.0.holders.into_iter().map(new).collect();
        registry::change_holder(&mut tx, &*self.receipts, AccountId(id.0), from, &holders).await?;
        tx.commit().await?;
        Ok(Done::Done)
    }

    /// Record that residents were away; bills to come know it.
    #[oai(path = "/accounts/:id/absences", method = "post", operation_id = "recordAbsence")]
    async fn record_absence(
        &self,
        staff: Staff<Manage>,
        id: Path<Uuid>,
        absence: Json<AbsenceIn>,
    ) -> ApiResult<AbsenceOut> {
        let AbsenceIn { residents, from, to, document } = absence.0;
        let new = NewAbsence { residents, from: day(&from, "from")?, to: day(&to, "to")?, document };
        let mut tx = staff.begin().await?;
        let recorded = absences::record(&mut tx, &*self.estimates, AccountId(id.0), &new).await?;
        tx.commit().await?;
        Ok(Json(recorded.into()))
    }

    /// The account's absences, the latest first.
    #[oai(path = "/accounts/:id/absences", method = "get", operation_id = "listAbsences")]
    async fn list_absences(&self, staff: Staff<Manage>, id: Path<Uuid>) -> ApiResult<AbsenceList> {
        let tx = staff.read().await?;
        let found = absences::list(&tx, AccountId(id.0)).await?;
        tx.commit().await?;
        Ok(Json(AbsenceList { items: found.into_iter().map(AbsenceOut::from).collect() }))
    }

    /// Take an absence back; bills to come do not know it.
    #[oai(path = "/accounts/absences/:id/withdraw", method = "post", operation_id = "withdrawAbsence")]
    async fn withdraw_absence(&self, staff: Staff<Manage>, id: Path<Uuid>) -> Result<Done, Problem> {
        let mut tx = staff.begin().await?;
        absences::withdraw(&mut tx, &*self.estimates, id.0).await?;
        tx.commit().await?;
        Ok(Done::Done)
    }

    /// Close an account; links to it end.
    #[oai(path = "/accounts/:id/close", method = "post", operation_id = "closeAccount")]
    async fn close(&self, staff: Staff<Manage>, id: Path<Uuid>, closing: Json<ClosingIn>) -> Result<Done, Problem> {
        let last = day(&closing.0.on, "on")?;
        let mut tx = staff.begin().await?;
        registry::close_account(&mut tx, AccountId(id.0), last).await?;
        tx.commit().await?;
        Ok(Done::Done)
    }
}

fn party(holder: HolderIn) -> Party {
    match holder.kind {
        HolderKind::Legal => Party::Organisation { name: holder.organisation, inn: holder.inn },
        HolderKind::Person => {
            Party::Person { surname: holder.surname, given_name: holder.given_name, patronymic: holder.patronymic }
        }
    }
}

fn day(text: &str, field: &str) -> Result<Day, Problem> {
    Day::parse(text).map_err(|error| Problem::refused_fields("accounts.invalid", [(field, error.to_string())]))
}
