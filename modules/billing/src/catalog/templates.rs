//! The receipt templates of a company. One holds for the runs that are started from then on; published months keep
//! theirs, and none is ever changed.

use kabinet_core::{DbError, Period, Timestamp, Tx};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, Set};
use sha2::{Digest, Sha256};

use crate::entity::receipt_template;
use crate::error::Error;
use crate::settings::BillingSettings;

/// A template with the published months that are printed with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTemplate {
    /// SHA-256 of its text, hexadecimal.
    pub hash: String,
    /// When it came.
    pub installed_at: Timestamp,
    /// The first published month that is printed with it.
    pub first: Option<Period>,
    /// The last one.
    pub last: Option<Period>,
    /// Whether the next run is printed with it.
    pub current: bool,
}

#[derive(FromQueryResult)]
struct Row {
    hash: String,
    installed_at: Timestamp,
    first_period: Option<Period>,
    last_period: Option<Period>,
}

/// The company's templates in the order in which they came; without the platform's own large print.
pub async fn templates(tx: &Tx) -> Result<Vec<StoredTemplate>, Error> {
    let current = BillingSettings::stored(tx).await?.receipt_template;
    let sql = "SELECT t.hash, t.installed_at, MIN(r.period) AS first_period, MAX(r.period) AS last_period
               FROM receipt_template t
               LEFT JOIN billing_run r ON r.tenant_id = t.tenant_id AND r.template_hash = t.hash
                 AND r.state = 'published'
               WHERE t.tenant_id = $1 AND (t.hash = $2 OR r.period IS NOT NULL OR NOT EXISTS
                 (SELECT 1 FROM billing_run l WHERE l.tenant_id = t.tenant_id AND l.large_template_hash = t.hash))
               GROUP BY t.hash, t.installed_at ORDER BY t.installed_at, t.hash";
    let rows: Vec<Row> = tx.rows(sql, vec![current.as_str().into()]).await?;
    let stored = |row: Row| StoredTemplate {
        current: row.hash == current,
        hash: row.hash,
        installed_at: row.installed_at,
        first: row.first_period,
        last: row.last_period,
    };
    Ok(rows.into_iter().map(stored).collect())
}

/// Whether the company has this very template.
pub async fn has_template(tx: &Tx, source: &str) -> Result<bool, DbError> {
    let this = receipt_template::Entity::find().filter(receipt_template::Column::Hash.eq(hash(source)));
    Ok(tx.one(this).await?.is_some())
}

/// Stores a checked receipt template (see `ReceiptPrinter::check_template`); its hash belongs into
/// [`BillingSettings::receipt_template`]. The second value is the changes.
pub async fn set_receipt_template(tx: &mut Tx, source: &str) -> Result<(String, Vec<String>), Error> {
    let hash = hash(source);
    let row = receipt_template::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        hash: Set(hash.clone()),
        source: Set(source.to_owned()),
        installed_at: Set(tx.now()),
    };
    let added = tx.insert_if_absent(row).await?;
    Ok((hash, if added { vec!["шаблон квитанции сохранён".to_owned()] } else { Vec::new() }))
}

/// What a template is known by.
pub(super) fn hash(source: &str) -> String {
    hex::encode(Sha256::digest(source.as_bytes()))
}
