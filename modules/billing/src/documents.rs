//! «Документы»: the list of receipts.

use kabinet_contracts::AccountId;
use kabinet_core::{DbError, Money, Period, Tx};
use sea_orm::FromQueryResult;

/// A receipt in the list of documents.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Document {
    /// The month.
    pub period: Period,
    /// Code of the kind.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// To pay; negative is an overpayment.
    pub amount: Money,
    /// Whether it is the main kind.
    pub main: bool,
}

/// The account's receipts, newest first, each month's in the order of the kinds.
pub async fn list(tx: &Tx, account: AccountId) -> Result<Vec<Document>, DbError> {
    tx.rows(
        "SELECT r.period, c.kind_code AS kind, c.to_pay AS amount, k.main,
           (SELECT v.title FROM receipt_kind_version v
            WHERE v.tenant_id = c.tenant_id AND v.code = c.kind_code AND v.from_period <= r.period
            ORDER BY v.from_period DESC LIMIT 1) AS title
         FROM receipt c
         JOIN billing_run r ON r.tenant_id = c.tenant_id AND r.id = c.run_id
         JOIN receipt_kind k ON k.tenant_id = c.tenant_id AND k.code = c.kind_code
         WHERE c.tenant_id = $1 AND c.account_id = $2 AND r.state = 'published'
         ORDER BY r.period DESC, k.position, k.code",
        vec![account.0.into()],
    )
    .await
}

/// Where a receipt is: the short address when it is the account's only one of the month.
#[must_use]
pub fn href(period: Period, kind: Option<&str>) -> String {
    match kind {
        Some(kind) => format!("/documents/{period}/{kind}.pdf"),
        None => format!("/documents/{period}.pdf"),
    }
}
