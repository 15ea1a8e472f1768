//! The one-meter link: an address that takes the readings of one meter for one month, without a login. It goes
//! into a reminder or, as a QR, onto paper beside the meter.
//!
//! A link is sealed, not stored: whoever has it can send a reading and see the one before, and learns no name,
//! address or sum. Making links writes nothing, so a letter to everybody costs no rows; what has to last is in
//! `meter_link`: how often the links of a meter and month were used, and from which issue on they hold.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kabinet_accounts::search;
use kabinet_contracts::{AccountId, Estimates, MeterId};
use kabinet_core::{Day, DbError, Period, SealKey, TenantId, Tx};
use kabinet_web::PublicAddress;
use kabinet_web::cookie::TokenKey;
use serde_json::json;
use uuid::Uuid;

use crate::entity::meter;
use crate::error::Error;
use crate::readings::{self, Accepted};
use crate::resource::Source;
use crate::settings::MetersSettings;
use crate::store::{self, MeterState};
use crate::submission::Submission;
use crate::verdict::Refusal;

/// Where the links lead, before the token.
pub(crate) const PATH: &str = "/readings/link/";
/// Readings that the links of a meter and month take at most: a mistyped one is sent again, a link that became
/// known to others fills no database.
pub const MOST_USES: i32 = 10;

/// Seals and opens the links of all companies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Links {
    key: SealKey,
    address: PublicAddress,
}

/// A link to the readings of one meter: what the token in its address says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterLink {
    /// The meter it is for.
    pub meter: MeterId,
    /// The month it is for.
    pub period: Period,
    /// Its issue: a link of an earlier one than the present was taken back.
    pub issue: i32,
    /// Former holders of the meter's account when it was made: a change of holder takes it back.
    pub holders: i32,
}

/// How the links of a meter and month stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The issue that holds now.
    pub issue: i32,
    /// Readings that came by links so far.
    pub uses: i32,
    /// First day on which readings are taken.
    pub from: Day,
    /// Last day: afterwards the link is nothing.
    pub until: Day,
}

/// A link that holds today, with what its page needs.
#[derive(Clone, Debug)]
pub(crate) struct ValidLink {
    /// The one meter, as a list for what takes lists.
    pub(crate) meters: Vec<MeterState>,
    /// First day on which readings are taken.
    pub(crate) from: Day,
    /// Last day.
    pub(crate) until: Day,
    /// The date that a reading sent today gets: today, but within the month of the link.
    pub(crate) date: Day,
}

impl Links {
    /// Links under the platform's key to portals reached by `address`.
    #[must_use]
    pub fn new(key: &TokenKey, address: PublicAddress) -> Self {
        Self { key: SealKey::new(key.derived("links of meters")), address }
    }

    /// The links of those of `meters` that people may send readings of, for `period`, by meter: whole addresses
    /// on the company's portal. The same link every time until it is taken back. Two statements per
    /// 512 meters, and one more.
    pub async fn addresses(
        &self,
        tx: &Tx,
        meters: &[MeterId],
        period: Period,
    ) -> Result<HashMap<MeterId, String>, DbError> {
        let today = tx.today();
        let mut rows = store::meters_by_id(tx, meters).await?;
        rows.retain(|meter| !meter.automatic && meter.removed_on.is_none_or(|removed| removed > today));
        let wanted: Vec<MeterId> = rows.iter().map(|meter| meter.id).collect();
        let issues = store::link_rows(tx, &wanted, period).await?;
        let issues: HashMap<MeterId, i32> = issues.into_iter().map(|row| (row.meter_id, row.issue)).collect();
        let accounts: Vec<AccountId> = rows.iter().map(|meter| meter.account_id).collect();
        let former = search::former_holders(tx, &accounts).await?;
        let link = |meter: &meter::Model| MeterLink {
            meter: meter.id,
            period,
            issue: issues.get(&meter.id).copied().unwrap_or(0),
            holders: former.get(&meter.account_id).copied().unwrap_or(0),
        };
        Ok(rows.iter().map(|meter| (meter.id, self.address(tx, link(meter)))).collect())
    }

    fn address(&self, tx: &Tx, link: MeterLink) -> String {
        let portal = self.address.of(&tx.tenant().canonical_host);
        format!("{portal}{PATH}{}", self.seal(tx.tenant_id(), link))
    }

    /// The token of a link, as it stands in its address: the same every time, so that a QR is printed again as it was.
    #[must_use]
    pub fn seal(&self, tenant: TenantId, link: MeterLink) -> String {
        let numbers = [link.period.0, link.issue, link.holders].map(i32::to_le_bytes);
        let plain = [link.meter.0.as_bytes().as_slice(), numbers.as_flattened()].concat();
        URL_SAFE_NO_PAD.encode(self.key.seal_again(tenant.0.as_bytes(), &plain))
    }

    /// The link of a token of this company; `None` for whatever else was sent.
    #[must_use]
    pub fn open(&self, tenant: TenantId, token: &str) -> Option<MeterLink> {
        let plain = self.key.open(tenant.0.as_bytes(), &URL_SAFE_NO_PAD.decode(token).ok()?)?;
        let (meter, numbers) = plain.split_first_chunk::<16>()?;
        let ([period, issue, holders], []) = numbers.as_chunks::<4>() else { return None };
        let [period, issue, holders] = [period, issue, holders].map(|bytes| i32::from_le_bytes(*bytes));
        Some(MeterLink { meter: MeterId(Uuid::from_bytes(*meter)), period: Period(period), issue, holders })
    }
}

/// How the links of the meter and month stand.
pub async fn standing(tx: &Tx, meter: MeterId, period: Period) -> Result<Standing, Error> {
    let (from, until) = MetersSettings::of(tx.tenant())?.days_of(period);
    let row = store::link_rows(tx, &[meter], period).await?.pop();
    let (issue, uses) = row.map_or((0, 0), |row| (row.issue, row.uses));
    Ok(Standing { issue, uses, from, until })
}

/// Takes back every link of the meter and month that was given out; links made from now on hold.
pub async fn revoke(tx: &mut Tx, meter: MeterId, period: Period) -> Result<(), Error> {
    if store::meters_by_id(tx, &[meter]).await?.is_empty() {
        return Err(Error::UnknownMeter(meter));
    }
    store::raise_issue(tx, meter, period).await?;
    Ok(tx.audit("meters.links_revoked", meter, json!({ "period": period })).await?)
}

/// What a link leads to today; `None` when it is over or taken back, or when the meter takes no readings any
/// more. Five statements.
pub(crate) async fn find(tx: &Tx, link: MeterLink) -> Result<Option<ValidLink>, DbError> {
    match account(tx, link).await? {
        Some(account) => load(tx, link, account).await,
        None => Ok(None),
    }
}

/// Judges the value that came by a link and stores it; `None` where [`find`] finds nothing, and
/// when the links of the meter and month are used up.
pub(crate) async fn submit(
    tx: &mut Tx,
    estimates: &dyn Estimates,
    link: MeterLink,
    typed: &Submission,
) -> Result<Option<Accepted>, Error> {
    let Some(account) = account(tx, link).await? else { return Ok(None) };
    // The account first, as everybody does who stores readings; then the link, which another server may have
    // used or taken back since.
    let charged = estimates.outdate(tx, &[account]).await?;
    if !store::count_use(tx, link).await? {
        return Ok(None);
    }
    let Some(valid) = load(tx, link, account).await? else { return Ok(None) };
    if tx.today() < valid.from {
        return Err(Error::Refused(Box::new(Refusal::before(valid.from))));
    }
    let submission = Submission { date: valid.date.to_string(), rows: typed.rows.clone(), ..Submission::default() };
    readings::take(tx, account, &valid.meters, &submission, (Source::Link, charged)).await.map(Some)
}

/// The account of the link's meter, while the link holds, the account is open and its holder is the same.
async fn account(tx: &Tx, link: MeterLink) -> Result<Option<AccountId>, DbError> {
    let (_, until) = MetersSettings::of(tx.tenant())?.days_of(link.period);
    if tx.today() > until {
        return Ok(None);
    }
    let row = store::link_rows(tx, &[link.meter], link.period).await?.pop();
    let issue = row.map_or(0, |row| row.issue);
    let meter = store::meters_by_id(tx, &[link.meter]).await?.pop();
    let Some(meter) = meter.filter(|_| issue == link.issue) else { return Ok(None) };
    let former = search::former_holders(tx, &[meter.account_id]).await?;
    let same = former.get(&meter.account_id).copied().unwrap_or(0) == link.holders;
    Ok((same && search::is_open(tx, meter.account_id).await?).then_some(meter.account_id))
}

async fn load(tx: &Tx, link: MeterLink, account: AccountId) -> Result<Option<ValidLink>, DbError> {
    let today = tx.today();
    let back = readings::look_back(today);
    let mut meters = store::meters_with_readings(tx, account, Some(link.meter), back).await?;
    meters.retain(|meter| meter.takes_readings(today));
    if meters.is_empty() {
        return Ok(None);
    }
    let (from, until) = MetersSettings::of(tx.tenant())?.days_of(link.period);
    Ok(Some(ValidLink { meters, from, until, date: today.min(link.period.last_day()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_at_its_company_alone() {
        let links = |key: u8| Links::new(&TokenKey::new([key; 32]), PublicAddress::new("https", None));
        let (mine, other) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let link = MeterLink { meter: MeterId(Uuid::from_u128(7)), period: Period(202_611), issue: 3, holders: 1 };
        let text = links(5).seal(mine, link);
        assert_eq!(links(5).seal(mine, link), text, "printed again as it was");
        assert_ne!(links(5).seal(mine, MeterLink { issue: 4, ..link }), text);
        assert_ne!(links(5).seal(mine, MeterLink { holders: 2, ..link }), text);
        assert_eq!(links(5).open(mine, &text), Some(link));
        assert_eq!(links(5).open(other, &text), None);
        assert_eq!(links(6).open(mine, &text), None);
        for wrong in ["", "x", "none", &text[1..], &text[..60], &format!("{text}A")] {
            assert_eq!(links(5).open(mine, wrong), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_in_the_place_of_a_token_opens_nothing(text in r"[A-Za-z0-9_-]{0,120}|.{0,60}") {
            let links = Links::new(&TokenKey::new([5; 32]), PublicAddress::new("https", None));
            proptest::prop_assert_eq!(links.open(TenantId(Uuid::from_u128(1)), &text), None);
        }
    }
}
