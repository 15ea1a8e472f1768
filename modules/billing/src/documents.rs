//! Receipts: the list by month, and each as PDF from the frozen rows of its run.

use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Day, Db, DbError, Money, Period, TenantId, Tx};
use kabinet_render::payment_qr::{PaymentOrder, QrField};
use kabinet_render::receipt::{
    ChargeGroup, ChargeLine, CompanyInfo, LastPayment, MeterLine, NormLine, Payer, ReceiptData, Reference, Totals,
};
use kabinet_render::typeset::DEFAULT_TEMPLATE;
use kabinet_render::ReceiptPrinter;
use kabinet_plugin_host::words;
use sea_orm::FromQueryResult;

use crate::calculation::{CARRIED, FrozenMeter, measured, method};
use crate::catalog::{ReceiptKind, Section};
use crate::charges::{self, FrozenMonth, norm_unit, recalculation_reason, zone_label};
use crate::entity::charge;
use crate::error::Error;
use crate::store;
use crate::trace;

/// Most bytes of PDF kept in memory.
const CACHE_BYTES: u64 = 32 << 20;

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
        "SELECT r.period, c.kind_code AS kind, k.title, c.to_pay AS amount, k.main
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

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    run: RunId,
    account: AccountId,
    kind: String,
    template: String,
}

/// A printed receipt.
#[derive(Clone, Debug)]
pub struct Printed {
    /// The PDF.
    pub pdf: poem::web::Data<std::sync::Arc<Vec<u8>>>,
    /// A file name for it, ASCII.
    pub name: String,
}

/// Prints receipts and keeps the latest. Cheap to clone.
#[derive(Clone)]
pub struct Receipts {
    printer: ReceiptPrinter,
    cache: moka::future::Cache<Key, std::sync::Arc<Vec<u8>>>,
}

impl std::fmt::Debug for Receipts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Receipts({})", self.cache.entry_count())
    }
}
