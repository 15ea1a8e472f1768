//! «Доступ помощника»: a relative sends readings for one account, with or without seeing sums, until a
//! date. Invited by e-mail, accepted after login, ended by the one who invited, the date or the account.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::text::email_key;
use kabinet_core::{Day, DbError, Timestamp, Tx};
use kabinet_residents::people;
use kabinet_web::{AccountAccess, cookie, session};
use sea_orm::Set;
use uuid::Uuid;

use crate::entity::helper_grant;
use crate::error::Error;
use crate::links::{self, Helping, access_code, access_of};
use crate::notices::{self, Invitation};
use crate::{search, store};

/// Days in which an invitation is accepted.
const ACCEPTED_WITHIN: i64 = 14;
/// The longest access, in days.
const LONGEST: i64 = 366;
/// Invitations of one account that are open at a time.
const MOST: usize = 5;

/// What a resident asks to be granted.
#[derive(Clone, Debug)]
pub struct NewGrant<'a> {
    /// The account.
    pub account: AccountId,
    /// Who grants; the account's holder.
    pub by: ResidentId,
    /// The helper's e-mail.
    pub email: &'a str,
    /// Whether the helper sees sums.
    pub sums: bool,
    /// The last day.
    pub until: Day,
}

/// How an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not accepted yet.
    Waiting,
    /// The helper may send readings.
    Active,
    /// Taken back, or never accepted in time, or over.
    Ended,
}

/// An invitation with what its helper did.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Identifier.
    pub id: Uuid,
    /// The helper's e-mail; empty when the helper's login is gone.
    pub email: String,
    /// What it allows.
    pub access: AccountAccess,
    /// The last day.
    pub until: Day,
    /// How it stands.
    pub state: State,
    /// What was done, the latest first.
    pub deeds: Vec<Deed>,
}

/// Something a helper did.
#[derive(Clone, Debug)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// What, in words.
    pub text: String,
}

/// Invites a helper by letter; an older invitation of the same address ends.
pub async fn invite(tx: &mut Tx, new: NewGrant<'_>) -> Result<(), Error> {
    let today = tx.today();
    if !search::is_open(tx, new.account).await? {
        return Err(Error::Closed);
    }
    if new.until < today || new.until > today.plus_days(LONGEST) {
        return Err(Error::Field("until", "Укажите день не раньше сегодняшнего и не позже чем через год"));
    }
    let key = email_key(new.email);
    let own = people::resident(tx, new.by).await?.ok_or(Error::NotFound)?;
    if email_key(&own.email) == key {
        return Err(Error::Field("email", "Это ваш собственный адрес: у вас уже есть доступ"));
    }
    let open: Vec<_> = store::grants(tx, new.account).await?.into_iter().filter(|row| is_open(row, today)).collect();
    for former in open.iter().filter(|row| row.email_key == key) {
        links::end_help(tx, former.id, new.account, "replaced").await?;
    }
    if open.iter().filter(|row| row.email_key != key).count() >= MOST {
        return Err(Error::Field("email", "Не больше пяти помощников: сначала завершите чей-нибудь доступ"));
    }
    let token = cookie::random_value(kabinet_core::Entropy);
    let account = store::account(tx, new.account).await?.ok_or(Error::NotFound)?;
    let id = insert(tx, &new, key, &token).await?;
    let accept_until = today.plus_days(ACCEPTED_WITHIN).min(new.until);
    let invitation = Invitation {
        email: new.email.trim(),
        account: &account.number,
        token: &token,
        sums: new.sums,
        until: new.until.0,
        accept_until: accept_until.0,
    };
    notices::invited(tx, &invitation).await?;
    let detail = serde_json::json!({ "grant": id, "sums": new.sums, "until": new.until });
    Ok(tx.audit("account.helper_invited", new.account, detail).await?)
}

async fn insert(tx: &Tx, new: &NewGrant<'_>, email_key: String, token: &str) -> Result<Uuid, DbError> {
    let id = tx.new_id::<Uuid>();
    let access = if new.sums { AccountAccess::ReadingsAndSums } else { AccountAccess::ReadingsOnly };
    tx.insert(helper_grant::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(id),
        account_id: Set(new.account),
        granted_by: Set(new.by),
        email: Set(new.email.trim().to_owned()),
        email_key: Set(email_key),
        access: Set(access_code(access).to_owned()),
        until_on: Set(new.until),
        token_hash: Set(cookie::stored(token)),
        created_at: Set(tx.now()),
        accepted_at: Set(None),
        accepted_by: Set(None),
        ended_at: Set(None),
        ended_reason: Set(None),
    })
    .await?;
    Ok(id)
}

fn is_open(row: &helper_grant::Model, today: Day) -> bool {
    row.ended_at.is_none() && row.until_on >= today
}

fn state(row: &helper_grant::Model, tx: &Tx) -> State {
    if !is_open(row, tx.today()) {
        State::Ended
    } else if row.accepted_at.is_some() {
        State::Active
    } else if is_acceptable(row, tx) {
        State::Waiting
    } else {
        State::Ended
    }
}

fn is_acceptable(row: &helper_grant::Model, tx: &Tx) -> bool {
    let last = row.created_at.day(tx.tenant().zone).plus_days(ACCEPTED_WITHIN);
    row.accepted_at.is_none() && is_open(row, tx.today()) && tx.today() <= last
}

/// The invitations of an account, the latest first, with what the helpers did.
pub async fn list(tx: &Tx, account: AccountId) -> Result<Vec<Grant>, DbError> {
    let mut grants = Vec::new();
    for row in store::grants(tx, account).await? {
        let deeds = match (row.accepted_by, row.accepted_at) {
            (Some(who), Some(from)) => store::deeds(tx, account, who, from).await?,
            _ => Vec::new(),
        };
        let during = deeds.into_iter().filter(|deed| row.ended_at.is_none_or(|end| deed.at <= end));
        grants.push(Grant {
            id: row.id,
            access: access_of(&row.access),
            until: row.until_on,
            state: state(&row, tx),
            deeds: during.filter_map(deed).collect(),
            email: row.email,
        });
    }
    Ok(grants)
}

/// What of the audit log concerns the holder.
fn deed(stored: store::Deed) -> Option<Deed> {
    let text = match stored.action.as_str() {
        "account.helper_accepted" => "Приглашение принято".to_owned(),
        "meters.readings_stored" => {
            let detail: serde_json::Value = serde_json::from_str(&stored.detail).ok()?;
            let date = detail["date"].as_i64().and_then(|day| i32::try_from(day).ok()).map(Day)?;
            let meters = detail["readings"].as_array().map_or(0, Vec::len);
            format!("Переданы показания на {date}, приборов учёта: {meters}")
        }
        _ => return None,
    };
    Some(Deed { at: stored.at, text })
}

/// An invitation as the invited person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The account's number.
    pub account: String,
    /// Whether sums are shown.
    pub sums: bool,
    /// The last day.
    pub until: Day,
}

/// The invitation behind a letter's link, if it is for this resident and can be accepted.
pub async fn offer(tx: &Tx, resident: ResidentId, token: &str) -> Result<Option<Offer>, DbError> {
    let Some(row) = acceptable(tx, resident, token).await? else { return Ok(None) };
    let number = store::account(tx, row.account_id).await?.map(|account| account.number);
    let sums = access_of(&row.access).sees_sums();
    Ok(number.map(|account| Offer { account, sums, until: row.until_on }))
}

async fn acceptable(tx: &Tx, resident: ResidentId, token: &str) -> Result<Option<helper_grant::Model>, DbError> {
    let row = store::grant_by_token(tx, cookie::stored(token)).await?;
    let Some(row) = row.filter(|row| is_acceptable(row, tx)) else { return Ok(None) };
    let visitor = people::resident(tx, resident).await?;
    let invited = visitor.is_some_and(|visitor| email_key(&visitor.email) == row.email_key);
    let open = invited && search::is_open(tx, row.account_id).await?;
    Ok(Some(row).filter(|_| open))
}

/// Accepts an invitation: from now on the account is among the resident's.
pub async fn accept(tx: &mut Tx, resident: ResidentId, token: &str) -> Result<AccountId, Error> {
    let row = acceptable(tx, resident, token).await?.ok_or(Error::NotFound)?;
    if !store::accept_grant(tx, row.id, resident).await? {
        return Err(Error::NotFound);
    }
    let helping = Helping { until: row.until_on, grant: row.id };
    links::insert(tx, resident, row.account_id, access_of(&row.access), Some(helping)).await?;
    people::choose_account(tx, resident, Some(row.account_id)).await?;
    tx.audit("account.helper_accepted", row.account_id, serde_json::json!({ "grant": row.id })).await?;
    tx.touch(session::TOPIC).await?;
    Ok(row.account_id)
}

/// Takes an invitation back, with the access it led to.
pub async fn revoke(tx: &mut Tx, account: AccountId, grant: Uuid) -> Result<(), Error> {
    let row = store::grant(tx, account, grant).await?.ok_or(Error::NotFound)?;
    if row.ended_at.is_none() {
        links::end_help(tx, row.id, account, "revoked").await?;
        tx.audit("account.helper_revoked", account, serde_json::json!({ "grant": row.id })).await?;
        tx.touch(session::TOPIC).await?;
    }
    Ok(())
}
