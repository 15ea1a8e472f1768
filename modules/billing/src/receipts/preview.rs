//! Receipts drawn with a template before it is stored: within the limits of a worker, like all receipts.

use std::sync::Arc;

use kabinet_contracts::AccountId;
use kabinet_core::{Actor, Period, Tenant};
use kabinet_render::ReceiptData;

use super::{Receipts, choose, issued, published};
use crate::error::Error;

/// What a template is tried on.
#[derive(Clone, Copy, Debug)]
pub enum Example<'a> {
    /// A made-up receipt of the platform's, by its name.
    Sample(&'a str),
    /// The account's receipt of a published month, of a kind or the main one.
    Receipt(AccountId, Period, Option<&'a str>),
}

impl Receipts {
    /// Refuses a template that not every sample can be printed with: [`Error::Template`] names line and reason.
    pub async fn check_template(&self, source: &str) -> Result<(), Error> {
        self.printer.check_template(source).await.map_err(Error::of_template)
    }

    /// The PDF of `example` drawn with a template that is not stored; without a code for linking.
    pub async fn preview(&self, tenant: &Arc<Tenant>, source: &str, example: Example<'_>) -> Result<Vec<u8>, Error> {
        let data = match example {
            Example::Sample(name) => {
                let known = ReceiptData::samples().into_iter().find(|(known, _)| *known == name);
                known.ok_or(Error::Field("sample", "Такого примера квитанции нет"))?.1
            }
            Example::Receipt(account, period, kind) => self.as_published(tenant, account, period, kind).await?,
        };
        let printed = self.printer.print(source, &[data]).await.map_err(Error::of_template)?.pop();
        printed.ok_or(Error::NoSuchReceipt)
    }

    async fn as_published(
        &self,
        tenant: &Arc<Tenant>,
        account: AccountId,
        period: Period,
        kind: Option<&str>,
    ) -> Result<ReceiptData, Error> {
        let tx = self.db.read(tenant, Actor::System).await?;
        let month = published(&tx, account, period).await?;
        let kind = choose(&month, kind).ok_or(Error::NoSuchReceipt)?;
        let document_id = issued(&tx, month.run.id, &kind.code, &[account]).await?.remove(&account).unwrap_or_default();
        tx.commit().await?;
        Ok(self.data(tenant, &month, kind, (account, &document_id), false))
    }
}
