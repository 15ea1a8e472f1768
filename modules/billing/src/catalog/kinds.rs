//! Kinds of receipts: who is paid with which bank details, by the months it holds for. Which kind is the main one
//! says only where the short address leads, and has no history.

use kabinet_core::{DbError, Period, Tx};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter};

use super::history::{ALWAYS, Dated, History};
use super::{ReceiptKind, announce};
use crate::entity::{receipt_kind, receipt_kind_version};
use crate::error::{Entry, Error};
use crate::store;

#[derive(FromQueryResult)]
struct Row {
    code: String,
    main: bool,
    from_period: Period,
    title: String,
    supplier: String,
}

/// The company's receipt kinds in their order.
pub(crate) async fn stored(tx: &Tx) -> Result<Vec<History<ReceiptKind>>, DbError> {
    let sql = "SELECT k.code, k.main, v.from_period, v.title, v.supplier
               FROM receipt_kind k JOIN receipt_kind_version v ON v.tenant_id = k.tenant_id AND v.code = k.code
               WHERE k.tenant_id = $1 ORDER BY k.position, k.code, v.from_period";
    let rows: Vec<Row> = tx.rows(sql, Vec::new()).await?;
    let mut dated = Vec::with_capacity(rows.len());
    for row in rows {
        let supplier = serde_json::from_str(&row.supplier)?;
        dated.push((row.from_period, ReceiptKind { code: row.code, title: row.title, main: row.main, supplier }));
    }
    let of_one = dated.chunk_by(|(_, one), (_, next)| one.code == next.code);
    Ok(of_one.map(|kind| History::new(kind.to_vec())).collect())
}

/// Stores the company's receipt kinds, in their order. Exactly one is the main kind. Months that are published keep
/// theirs ([`Error::PublishedTerms`]); kinds that are not named stay as they are, payments refer to them.
pub async fn set_receipt_kinds(tx: &mut Tx, wanted: &[Dated<ReceiptKind>]) -> Result<Vec<String>, Error> {
    let before = tx.all(receipt_kind::Entity::find()).await?;
    let now = rows(tx, wanted, &before)?;
    for row in now.iter().filter(|row| !before.contains(row)) {
        tx.put(receipt_kind::ActiveModel::from(row.clone()).reset_all()).await?;
    }
    let (stored, open) = (stored(tx).await?, store::open_period(tx).await?);
    let mut changes = Vec::new();
    for row in &now {
        let code = &row.code;
        let history = stored.iter().find(|known| known.entries().iter().any(|(_, kind)| kind.code == *code));
        let from = match wanted.iter().find(|kind| kind.what.code == *code) {
            Some(kind) => bring(tx, history, kind, open).await?,
            None => None,
        };
        match (history, from) {
            (None, _) => changes.push(format!("вид квитанции {code} добавлен")),
            (_, Some(from)) if from > ALWAYS => changes.push(format!("вид квитанции {code} изменён с {from}")),
            (_, None) if before.contains(row) => {}
            _ => changes.push(format!("вид квитанции {code} изменён")),
        }
    }
    announce(tx, &changes).await?;
    Ok(changes)
}

/// What the books know of the kinds as they are wanted, and of those that are not named.
fn rows(
    tx: &Tx,
    wanted: &[Dated<ReceiptKind>],
    before: &[receipt_kind::Model],
) -> Result<Vec<receipt_kind::Model>, Error> {
    let tenant_id = tx.tenant_id();
    let named = (1_i32..).zip(wanted).map(|(position, kind)| receipt_kind::Model {
        tenant_id,
        code: kind.what.code.clone(),
        position,
        main: kind.what.main,
    });
    let mut rows: Vec<_> = named.collect();
    let changes_main = rows.iter().any(|row| row.main);
    let others = before.iter().filter(|row| !wanted.iter().any(|kind| kind.what.code == row.code));
    rows.extend(others.map(|row| receipt_kind::Model { main: row.main && !changes_main, ..row.clone() }));
    if rows.iter().filter(|row| row.main).count() == 1 {
        Ok(rows)
    } else {
        Err(Error::Catalog("главным должен быть ровно один вид квитанции".into()))
    }
}

/// Lets the kind hold; from which month on, none where it does already.
pub(super) async fn bring(
    tx: &Tx,
    history: Option<&History<ReceiptKind>>,
    wanted: &Dated<ReceiptKind>,
    open: Period,
) -> Result<Option<Period>, Error> {
    let before = history.cloned().unwrap_or_else(|| History::new(Vec::new()));
    let entry = || Entry::ReceiptKind(wanted.what.code.clone());
    let changed = before.changed(wanted, open);
    let changed = changed.map_err(|_| Error::PublishedTerms { entry: entry(), period: open.previous() })?;
    let Some((from, after)) = changed else { return Ok(None) };
    for (from, kind) in before.beside(&after) {
        let gone = receipt_kind_version::Entity::delete_many()
            .filter(receipt_kind_version::Column::Code.eq(&kind.code))
            .filter(receipt_kind_version::Column::FromPeriod.eq(*from));
        tx.delete_where(gone).await?;
    }
    for (from, kind) in after.beside(&before) {
        let row = receipt_kind_version::Model {
            tenant_id: tx.tenant_id(),
            code: kind.code.clone(),
            from_period: *from,
            title: kind.title.clone(),
            supplier: serde_json::to_string(&kind.supplier)?,
        };
        tx.insert(receipt_kind_version::ActiveModel::from(row).reset_all()).await?;
    }
    Ok(Some(from))
}
