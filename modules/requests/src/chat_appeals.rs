//! Appeals that come without a form: what somebody wrote to the company in a messenger.

use async_trait::async_trait;
use kabinet_contracts::{AccountId, Appeals, ResidentId};
use kabinet_core::{DbError, Tx};

use crate::error::Error;
use crate::filing::{self, Typed};
use crate::tickets;
use crate::topics::Kind;

/// Files appeals for those who hear residents elsewhere.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChatAppeals;

#[async_trait]
impl Appeals for ChatAppeals {
    async fn file(
        &self,
        tx: &mut Tx,
        resident: ResidentId,
        account: AccountId,
        text: &str,
    ) -> Result<Result<i64, String>, DbError> {
        let typed = Typed { subject: filing::beginning(text), text: text.to_owned(), ..Typed::default() };
        let asked = match filing::check(Kind::Appeal, &typed, &[]) {
            Ok(asked) => asked,
            Err(Error::Fields(fields)) => return Ok(Err(words(fields))),
            Err(Error::Db(error)) => return Err(error),
            Err(other) => return Ok(Err(other.to_string())),
        };
        match tickets::file(tx, resident, account, &asked, &[]).await {
            Ok(ticket) => Ok(Ok(ticket.number)),
            Err(Error::Db(error)) => Err(error),
            Err(other) => Ok(Err(other.to_string())),
        }
    }
}

fn words(fields: Vec<(&'static str, String)>) -> String {
    let texts: Vec<String> = fields.into_iter().map(|(_, text)| text).collect();
    texts.join(". ")
}
