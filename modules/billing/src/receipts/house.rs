//! The receipts of a whole house, for the printing house: in the order of its flats, in parts that each
//! become one document, so that memory does not grow with the house.

use std::collections::HashSet;
use std::sync::Arc;

use kabinet_accounts::roster;
use kabinet_contracts::{AccountId, PaperRefusals, RunId};
use kabinet_core::{Actor, DbError, Period, Tenant, Timestamp, Tx};
use kabinet_render::ReceiptData;
use kabinet_render::typeset::DOCUMENT_LIMIT;

use super::{Receipts, Size, issued};
use crate::catalog::ReceiptKind;
use crate::charges;
use crate::entity::billing_run;
use crate::error::Error;
use crate::plan::Snapshot;
use crate::store;

/// Which receipts of which house.
#[derive(Clone, Copy, Debug)]
pub struct WantedHouse<'a> {
    /// The month.
    pub period: Period,
    /// The company's code of the house.
    pub house: &'a str,
    /// The kind of receipt; none: the company's main kind.
    pub kind: Option<&'a str>,
    /// Whether accounts that get these receipts by e-mail in the place of paper are left out, as it stands at this
    /// moment; none: all are printed.
    pub without_refused: Option<Timestamp>,
}

/// The receipts of a house that are to be printed.
#[derive(Clone, Debug)]
pub struct HouseReceipts {
    run: billing_run::Model,
    snapshot: Snapshot,
    kind: ReceiptKind,
    template: String,
    /// Whose they are, each with its name in GIS ЖКХ.
    receipts: Vec<(AccountId, String)>,
}

impl HouseReceipts {
    /// How many receipts there are.
    #[must_use]
    pub fn receipts(&self) -> usize {
        self.receipts.len()
    }

    /// In how many parts they are printed.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.receipts.len().div_ceil(DOCUMENT_LIMIT)
    }

    /// The code of the kind they are of.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind.code
    }

    /// How many receipts are printed when `part` is.
    #[must_use]
    pub fn done_after(&self, part: usize) -> usize {
        self.receipts.len().min((part + 1) * DOCUMENT_LIMIT)
    }

    /// The receipts of a part.
    fn part(&self, part: usize) -> &[(AccountId, String)] {
        self.receipts.chunks(DOCUMENT_LIMIT).nth(part).unwrap_or_default()
    }
}

impl Receipts {
    /// The receipts of a house in a published month, in the order of the flats.
    pub async fn of_house(&self, tenant: &Arc<Tenant>, wanted: WantedHouse<'_>) -> Result<HouseReceipts, Error> {
        let tx = self.db.read(tenant, Actor::System).await?;
        let accounts = roster::of_house(&tx, wanted.house).await?.ok_or(Error::NoSuchHouse)?;
        let run = store::published(&tx, wanted.period).await?.ok_or(Error::NoSuchReceipt)?;
        let snapshot: Snapshot = serde_json::from_str(&run.snapshot)?;
        let kind = kind_of(&snapshot, wanted.kind).ok_or(Error::NoSuchReceipt)?.clone();
        let mut issued = issued(&tx, run.id, &kind.code, &accounts).await?;
        let refused = match wanted.without_refused {
            Some(moment) => self.refused(&tx, run.id, moment).await?,
            None => HashSet::new(),
        };
        let template = Size::Usual.template(&tx, &run).await?;
        tx.commit().await?;
        let on_paper = accounts.into_iter().filter(|account| !refused.contains(account));
        let receipts: Vec<_> = on_paper.filter_map(|account| issued.remove_entry(&account)).collect();
        if receipts.is_empty() {
            return Err(Error::NoSuchReceipt);
        }
        Ok(HouseReceipts { run, snapshot, kind, template, receipts })
    }

    /// The accounts that modules of the company know to get no paper.
    async fn refused(&self, tx: &Tx, run: RunId, moment: Timestamp) -> Result<HashSet<AccountId>, DbError> {
        let mut refused = HashSet::new();
        for port in self.ports.of::<dyn PaperRefusals>(tx.tenant()) {
            refused.extend(port.without_paper(tx, run, moment).await?);
        }
        Ok(refused)
    }

    /// A part of the receipts as one PDF; parts are counted from zero.
    pub async fn print_part(&self, tenant: &Arc<Tenant>, house: &HouseReceipts, part: usize) -> Result<Vec<u8>, Error> {
        let receipts = house.part(part);
        let accounts: Vec<AccountId> = receipts.iter().map(|(account, _)| *account).collect();
        let tx = self.db.read(tenant, Actor::System).await?;
        let months = charges::frozen_all(&tx, &house.run, &house.snapshot, &accounts).await?;
        tx.commit().await?;
        let data: Vec<ReceiptData> = receipts
            .iter()
            .zip(&months)
            .map(|((account, id), month)| self.data(tenant, month, &house.kind, (*account, id.as_str()), true))
            .collect();
        Ok(self.printer.print_together(&house.template, &data).await?)
    }
}

fn kind_of<'a>(snapshot: &'a Snapshot, asked: Option<&str>) -> Option<&'a ReceiptKind> {
    match asked {
        Some(code) => snapshot.kinds.iter().find(|kind| kind.code == code),
        None => snapshot.kinds.iter().find(|kind| kind.main).or(snapshot.kinds.first()),
    }
}
