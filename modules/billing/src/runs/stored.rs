//! The rows that a published month stored, beside those that its repeated calculation would store.

use std::collections::BTreeMap;

use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{DbError, TenantEntity, Tx};
use sea_orm::{ColumnTrait, EntityTrait, IdenStatic, Iterable, ModelTrait, QueryFilter, Set, TryIntoModel};

use super::rows::Rows;
use crate::arrears::PENALTY_ROW;
use crate::entity::{arrears, charge, ledger_entry, receipt};

/// Some accounts of a run.
#[derive(Clone, Copy)]
pub(super) struct Accounts {
    pub(super) run: RunId,
    /// They come behind this one.
    pub(super) after: AccountId,
    /// The last of them.
    pub(super) last: AccountId,
}

/// What is stored of some accounts.
pub(super) struct Stored {
    pub(super) charges: Vec<charge::Model>,
    pub(super) receipts: Vec<receipt::Model>,
    pub(super) entries: Vec<ledger_entry::Model>,
    pub(super) arrears: Vec<arrears::Model>,
}

impl Stored {
    pub(super) async fn read(tx: &Tx, of: Accounts) -> Result<Self, DbError> {
        use {arrears::Column as Arrears, ledger_entry::Column as Entry, receipt::Column as Receipt};
        Ok(Self {
            charges: charges(tx, of).await?,
            receipts: rows::<receipt::Entity>(tx, Receipt::RunId, Receipt::AccountId, of).await?,
            entries: rows::<ledger_entry::Entity>(tx, Entry::SourceId, Entry::AccountId, of).await?,
            arrears: rows::<arrears::Entity>(tx, Arrears::RunId, Arrears::AccountId, of).await?,
        })
    }

    /// Each row that is not as it was calculated now, in words, with its account.
    pub(super) fn differences(mut self, calculated: Rows) -> Result<Vec<(AccountId, String)>, DbError> {
        // What GIS ЖКХ calls a receipt comes after the calculation.
        self.receipts.iter_mut().for_each(|row| row.document_id = None);
        let unnamed = |row| receipt::ActiveModel { document_id: Set(None), ..row };
        let receipts = calculated.receipts.into_iter().map(unnamed).collect();
        let mut found = differing::<charge::Entity>(self.charges, calculated.charges, |row| {
            (row.account_id, format!("начисление {}", row.service_code))
        })?;
        found.extend(differing::<receipt::Entity>(self.receipts, receipts, |row| {
            (row.account_id, format!("квитанция {}", row.kind_code))
        })?);
        found.extend(differing::<ledger_entry::Entity>(self.entries, calculated.entries, |row| {
            (row.account_id, format!("проводка {}", row.line))
        })?);
        found.extend(differing::<arrears::Entity>(self.arrears, calculated.arrears, |row| {
            let service = &row.service_code;
            let debt = match row.debt_period {
                PENALTY_ROW => format!("неоплаченные пени {service}"),
                month => format!("долг {service} за {month}"),
            };
            (row.account_id, debt)
        })?);
        Ok(found)
    }
}

/// What some accounts were charged.
pub(super) async fn charges(tx: &Tx, of: Accounts) -> Result<Vec<charge::Model>, DbError> {
    rows::<charge::Entity>(tx, charge::Column::RunId, charge::Column::AccountId, of).await
}

async fn rows<E: TenantEntity>(
    tx: &Tx,
    run: E::Column,
    account: E::Column,
    of: Accounts,
) -> Result<Vec<E::Model>, DbError> {
    let these = E::find().filter(run.eq(of.run)).filter(account.gt(of.after)).filter(account.lte(of.last));
    tx.all(these).await
}

/// The rows of one table that were changed, are gone or were never calculated. `name` tells rows apart: the account,
/// and which of its rows.
fn differing<E>(
    stored: Vec<E::Model>,
    calculated: Vec<E::ActiveModel>,
    name: impl Fn(&E::Model) -> (AccountId, String),
) -> Result<Vec<(AccountId, String)>, DbError>
where
    E: EntityTrait,
    E::Model: PartialEq,
    E::ActiveModel: TryIntoModel<E::Model>,
{
    let mut stored: BTreeMap<(AccountId, String), E::Model> = stored.into_iter().map(|row| (name(&row), row)).collect();
    let mut found = Vec::new();
    for row in calculated {
        let row: E::Model = row.try_into_model()?;
        let (account, which) = name(&row);
        match stored.remove(&(account, which.clone())) {
            Some(old) if old == row => {}
            Some(old) => found.push((account, format!("{which}: {}", columns::<E>(&old, &row)))),
            None => found.push((account, format!("{which}: строки нет"))),
        }
    }
    found.extend(stored.into_keys().map(|(account, which)| (account, format!("{which}: лишняя строка"))));
    Ok(found)
}

/// «charged было 24917, получилось 24916»: the columns in which two rows differ, as they are stored.
fn columns<E: EntityTrait>(old: &E::Model, new: &E::Model) -> String {
    let differing = E::Column::iter().filter_map(|column| {
        let (was, is) = (old.get(column), new.get(column));
        (was != is).then(|| format!("{} было {was}, получилось {is}", column.as_str()))
    });
    differing.collect::<Vec<_>>().join("; ")
}
