//! Services that a company charges for, by the months they hold for. The receipt kind that a service stands in has
//! no history: what the service owes is booked there.

use kabinet_core::{DbError, Period, Tx};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, FromQueryResult, QueryFilter};

use super::history::{ALWAYS, Dated, History};
use super::{Section, Service, announce, enum_name, enum_value};
use crate::entity::{receipt_kind, service, service_version};
use crate::error::{Entry, Error};
use crate::runs;
use crate::store;

#[derive(FromQueryResult)]
struct Row {
    code: String,
    kind_code: String,
    from_period: Period,
    title: String,
    resource: String,
    unit: String,
    section: String,
    rule: String,
    shares: String,
}

/// The company's services in their order.
pub(crate) async fn stored(tx: &Tx) -> Result<Vec<History<Service>>, DbError> {
    let sql = "SELECT s.code, s.kind_code, v.from_period, v.title, v.resource, v.unit, v.section, v.rule, v.shares
               FROM service s JOIN service_version v ON v.tenant_id = s.tenant_id AND v.code = s.code
               WHERE s.tenant_id = $1 ORDER BY s.position, s.code, v.from_period";
    let rows: Vec<Row> = tx.rows(sql, Vec::new()).await?;
    let dated = rows.into_iter().map(|row| Ok((row.from_period, service(row)?)));
    let dated: Vec<_> = dated.collect::<Result<_, DbError>>()?;
    let of_one = dated.chunk_by(|(_, one), (_, next)| one.code == next.code);
    Ok(of_one.map(|service| History::new(service.to_vec())).collect())
}

fn service(row: Row) -> Result<Service, DbError> {
    Ok(Service {
        resource: enum_value(&row.resource)?,
        unit: enum_value(&row.unit)?,
        section: enum_value::<Section>(&row.section)?,
        code: row.code,
        title: row.title,
        kind: row.kind_code,
        rule: row.rule,
        shares: row.shares,
    })
}

/// Stores the company's services, in their order. Months that are published keep theirs
/// ([`Error::PublishedTerms`]), and a service that was billed its receipt ([`Error::ServiceBilled`]). Services that
/// are not named stay as they are: charges refer to them.
pub async fn set_services(tx: &mut Tx, wanted: &[Dated<Service>]) -> Result<Vec<String>, Error> {
    let before = tx.all(service::Entity::find()).await?;
    refuse_unknown(tx, wanted, &before).await?;
    let mut placed = Vec::new();
    for (position, service) in (1_i32..).zip(wanted) {
        placed.push(place(tx, position, &service.what, &before).await?);
    }
    let (stored, open) = (stored(tx).await?, store::open_period(tx).await?);
    let mut changes = Vec::new();
    for (service, placed) in wanted.iter().zip(placed) {
        let code = &service.what.code;
        let history = stored.iter().find(|known| known.entries().iter().any(|(_, service)| service.code == *code));
        let from = bring(tx, history, service, open).await?;
        match (history, from) {
            (None, _) => changes.push(format!("услуга {code} добавлена")),
            (_, Some(from)) if from > ALWAYS => changes.push(format!("услуга {code} изменена с {from}")),
            (_, None) if !placed => {}
            _ => changes.push(format!("услуга {code} изменена")),
        }
    }
    announce(tx, &changes).await?;
    Ok(changes)
}

async fn refuse_unknown(tx: &Tx, wanted: &[Dated<Service>], before: &[service::Model]) -> Result<(), Error> {
    let kinds = tx.all(receipt_kind::Entity::find()).await?;
    for Service { code, kind, shares, .. } in wanted.iter().map(|service| &service.what) {
        if !kinds.iter().any(|known| known.code == *kind) {
            return Err(Error::Catalog(format!("услуга {code}: нет вида квитанции {kind}")));
        }
        let known = before.iter().map(|old| &old.code).chain(wanted.iter().map(|of| &of.what.code));
        if !shares.is_empty() && (shares == code || !known.into_iter().any(|known| known == shares)) {
            return Err(Error::Catalog(format!("услуга {code}: нет услуги {shares}, чей остаток она делит")));
        }
    }
    Ok(())
}

/// Stores the service's place and receipt; whether that changed anything.
async fn place(tx: &mut Tx, position: i32, new: &Service, before: &[service::Model]) -> Result<bool, Error> {
    let row =
        service::Model { tenant_id: tx.tenant_id(), code: new.code.clone(), kind_code: new.kind.clone(), position };
    let known = before.iter().find(|old| old.code == new.code);
    if known == Some(&row) {
        return Ok(false);
    }
    if known.is_some_and(|old| old.kind_code != row.kind_code) {
        runs::release(tx, &new.code).await?;
    }
    tx.put(service::ActiveModel::from(row).reset_all()).await?;
    Ok(true)
}

/// Lets the service hold; from which month on, none where it does already.
pub(super) async fn bring(
    tx: &Tx,
    history: Option<&History<Service>>,
    wanted: &Dated<Service>,
    open: Period,
) -> Result<Option<Period>, Error> {
    let before = history.cloned().unwrap_or_else(|| History::new(Vec::new()));
    let entry = || Entry::Service(wanted.what.code.clone());
    let changed = before.changed(wanted, open);
    let changed = changed.map_err(|_| Error::PublishedTerms { entry: entry(), period: open.previous() })?;
    let Some((from, after)) = changed else { return Ok(None) };
    for (from, service) in before.beside(&after) {
        let gone = service_version::Entity::delete_many()
            .filter(service_version::Column::Code.eq(&service.code))
            .filter(service_version::Column::FromPeriod.eq(*from));
        tx.delete_where(gone).await?;
    }
    for (from, service) in after.beside(&before) {
        let row = service_version::Model {
            tenant_id: tx.tenant_id(),
            code: service.code.clone(),
            from_period: *from,
            title: service.title.clone(),
            resource: enum_name(service.resource),
            unit: enum_name(service.unit),
            section: enum_name(service.section),
            rule: service.rule.clone(),
            shares: service.shares.clone(),
        };
        tx.insert(service_version::ActiveModel::from(row).reset_all()).await?;
    }
    Ok(Some(from))
}
