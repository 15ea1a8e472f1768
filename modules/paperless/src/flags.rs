//! The column of the list of accounts.

use std::collections::HashMap;

use async_trait::async_trait;
use kabinet_contracts::{AccountFlag, AccountFlags, AccountId, ResidentId};
use kabinet_core::{DbError, Tx};

use crate::refusals::{self, Ending, Refusal, Standing};

/// The flags of refusals.
pub(crate) struct Flags;

#[async_trait]
impl AccountFlags for Flags {
    fn title(&self) -> &'static str {
        "Отказаться от бумажного носителя платежного документа (квитанции)"
    }

    async fn flags(
        &self,
        tx: &Tx,
        resident: ResidentId,
        accounts: &[AccountId],
    ) -> Result<HashMap<AccountId, AccountFlag>, DbError> {
        let mut flags = HashMap::with_capacity(accounts.len());
        for account in accounts {
            let standing = refusals::standing(tx, resident, *account).await?;
            flags.insert(*account, flag(*account, &standing));
        }
        Ok(flags)
    }
}

fn flag(account: AccountId, standing: &Standing) -> AccountFlag {
    let link = |refusal: &Refusal| {
        let words = format!("Заявление № {}", refusal.number);
        (words, document_href(account, refusal))
    };
    AccountFlag {
        set: standing.is_refused(),
        action: format!("/accounts/{account}/paperless"),
        note: note(standing),
        link: standing.own.as_ref().map(link),
    }
}

/// Where a resident finds the document of an own refusal.
pub(crate) fn document_href(account: AccountId, refusal: &Refusal) -> String {
    format!("/accounts/{account}/paperless/{}.pdf", refusal.id)
}

/// One sentence: who gets the receipts, or why paper is back without having been asked for.
fn note(standing: &Standing) -> String {
    match standing {
        Standing { own: Some(_), .. } => "Квитанции приходят Вам на Email".to_owned(),
        Standing { others: true, ended, .. } => {
            let bounced = ended.as_ref().and_then(|refusal| refusal.ended).filter(|(_, why)| *why == Ending::Bounced);
            let yours = bounced.map(|(_, why)| format!(". Вам квитанции больше не приходят: {}", why.words()));
            format!("Отказ подал другой пользователь этого лицевого счета{}", yours.unwrap_or_default())
        }
        Standing { ended: Some(refusal), .. } => match refusal.ended {
            Some((_, ending @ (Ending::Bounced | Ending::AskedByOther))) => {
                format!("Квитанция снова на бумаге: {}", ending.words())
            }
            _ => String::new(),
        },
        Standing { .. } => String::new(),
    }
}
