//! Payments: booked at once, counted by the next bill.

use kabinet_contracts::AccountId;
use kabinet_core::{Day, DbError, Money, Period, Timestamp, Tx};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, Set};
use uuid::Uuid;

use crate::entity::{ledger_entry, payment, receipt_kind};
use crate::error::Error;
use crate::ledger::RECEIVABLE;

/// A payment that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPayment {
    /// The account it is for.
    pub account: AccountId,
    /// Code of the receipt kind it was paid on.
    pub kind: String,
    /// The sum, above zero.
    pub amount: Money,
    /// The day the payer paid.
    pub paid_on: Day,
    /// Where it came from: `card`, `bank`, `sber`, `gosuslugi`, `post`, `cash` or a name of the company's.
    pub source: String,
    /// Its number there: the same source and number are the same payment.
    pub external_id: String,
    /// The month it names, if any.
    pub period: Option<Period>,
    /// When it was booked; none for now. Only loading of history gives a moment.
    pub booked_at: Option<Timestamp>,
}

/// Books a payment, once: the same source and number again changes nothing. True when it is new.
pub async fn record(tx: &mut Tx, new: NewPayment) -> Result<bool, Error> {
    if new.amount.0 <= 0 {
        return Err(Error::NoAmount);
    }
    known_kinds(tx, [new.kind.as_str()]).await?;
    let known = payment::Entity::find()
        .filter(payment::Column::Source.eq(&new.source))
        .filter(payment::Column::ExternalId.eq(&new.external_id));
    if let Some(known) = tx.one(known).await? {
        if known.amount == new.amount && known.account_id == new.account {
            return Ok(false);
        }
        return Err(Error::PaymentConflict { source_code: new.source, external_id: new.external_id });
    }
    let (row, entry) = rows(tx, new);
    tx.insert(row).await?;
    tx.insert(entry).await?;
    Ok(true)
}

/// Books many new payments in few statements, for loading of history: a known source and number is an
/// error here.
pub async fn record_new(tx: &mut Tx, payments: Vec<NewPayment>) -> Result<(), Error> {
    if payments.iter().any(|payment| payment.amount.0 <= 0) {
        return Err(Error::NoAmount);
    }
    known_kinds(tx, payments.iter().map(|payment| payment.kind.as_str())).await?;
    let (payments, entries) = payments.into_iter().map(|payment| rows(tx, payment)).unzip::<_, _, Vec<_>, Vec<_>>();
    tx.insert_many(payments).await?;
    tx.insert_many(entries).await?;
    Ok(())
}

/// Money on a kind of receipt that does not exist would be counted by no bill.
async fn known_kinds<'a>(tx: &Tx, kinds: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
    let known = tx.all(receipt_kind::Entity::find()).await?;
    let mut kinds = kinds.into_iter();
    match kinds.find(|code| !known.iter().any(|kind| kind.code == *code)) {
        Some(code) => Err(Error::Catalog(format!("нет вида квитанции {code}"))),
        None => Ok(()),
    }
}

fn rows(tx: &Tx, new: NewPayment) -> (payment::ActiveModel, ledger_entry::ActiveModel) {
    let id: Uuid = tx.new_id();
    let booked_at = new.booked_at.unwrap_or_else(|| tx.now());
    let entry = ledger_entry::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        source_id: Set(id),
        account_id: Set(new.account),
        line: Set(0),
        kind_code: Set(new.kind.clone()),
        service_code: Set(String::new()),
        period: Set(new.period.unwrap_or_else(|| new.paid_on.period())),
        debit: Set(format!("bank:{}", new.source)),
        credit: Set(RECEIVABLE.to_owned()),
        amount: Set(new.amount),
        booked_at: Set(booked_at),
    };
    let row = payment::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(id),
        account_id: Set(new.account),
        kind_code: Set(new.kind),
        amount: Set(new.amount),
        paid_on: Set(new.paid_on),
        booked_at: Set(booked_at),
        period: Set(new.period),
        source: Set(new.source),
        external_id: Set(new.external_id),
    };
    (row, entry)
}

/// A payment as its payer sees it.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct PaymentLine {
    /// Its identifier.
    pub id: Uuid,
    /// The day it was paid.
    pub paid_on: Day,
    /// The sum.
    pub amount: Money,
    /// Where it came from (see [`source_words`]).
    pub source: String,
    /// The period of the receipt that counts it; none before there is one.
    pub counted_in: Option<Period>,
}

/// Where a page of payments ends and the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Day of the last payment shown.
    pub day: Day,
    /// Its identifier.
    pub id: Uuid,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.day.0, self.id.simple())
    }
}

impl Cursor {
    /// The cursor in a link; none for text that is no cursor.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (day, id) = text.split_once('-')?;
        Some(Self { day: Day(day.parse().ok()?), id: id.parse().ok()? })
    }
}

/// Up to `limit` payments of the account, newest first, after `after`; and where the next page begins.
pub async fn list(
    tx: &Tx,
    account: AccountId,
    after: Option<Cursor>,
    limit: u16,
) -> Result<(Vec<PaymentLine>, Option<Cursor>), DbError> {
    let after = after.unwrap_or(Cursor { day: Day(99_991_231), id: Uuid::max() });
    let mut lines: Vec<PaymentLine> = tx
        .rows(
            "SELECT p.id, p.paid_on, p.amount, p.source,
                    (SELECT MIN(r.period) FROM billing_run r
                     WHERE r.tenant_id = p.tenant_id AND r.state = 'published' AND r.cutoff_at >= p.booked_at
                       AND EXISTS (SELECT 1 FROM receipt c WHERE c.tenant_id = r.tenant_id AND c.run_id = r.id
                                   AND c.account_id = p.account_id)) AS counted_in
             FROM payment p
             WHERE p.tenant_id = $1 AND p.account_id = $2 AND (p.paid_on < $3 OR (p.paid_on = $3 AND p.id < $4))
             ORDER BY p.paid_on DESC, p.id DESC LIMIT $5",
            vec![account.0.into(), after.day.into(), after.id.into(), (i64::from(limit) + 1).into()],
        )
        .await?;
    let more = lines.len() > usize::from(limit);
    lines.truncate(usize::from(limit));
    let next = lines.last().filter(|_| more).map(|line| Cursor { day: line.paid_on, id: line.id });
    Ok((lines, next))
}

/// A stored source in words for residents; the company's own name as it is.
#[must_use]
pub fn source_words(source: &str) -> &str {
    match source {
        "card" => "Банковская карта",
        "bank" => "Отделение банка",
        "sber" => "СберБанк Онлайн",
        "gosuslugi" => "Госуслуги",
        "post" => "Почта России",
        "cash" => "Касса компании",
        "sbp" => "Система быстрых платежей",
        own => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        let cursor = Cursor { day: Day(20_261_112), id: Uuid::from_u128(7) };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        assert_eq!(Cursor::parse("2026-08-10"), None);
    }
}
