//! A change of holders and the end of an account.

use kabinet_contracts::{AccountId, ReceiptCodes};
use kabinet_core::{Day, Tx};

use crate::error::Error;
use crate::notices::Ending;
use crate::registry::{NewHolder, Party, holder_row};
use crate::{codes, links, store};

/// Makes `holders` those who hold the account from `from` on. The former holders' last day is the day
/// before, their links end with a notice, and the code on their receipt links no more. The new ones
/// link the account with a surname or a receipt of their own.
pub async fn change_holder(
    tx: &mut Tx,
    receipts: &dyn ReceiptCodes,
    account: AccountId,
    from: Day,
    holders: &[NewHolder],
) -> Result<(), Error> {
    check_parties(holders)?;
    check_shares(holders)?;
    store::lock(tx, account).await?;
    refuse_past_end(tx, account, from).await?;
    let last = from.plus_days(-1);
    let present = store::holders(tx, account, tx.today()).await?;
    if present.iter().any(|holder| holder.from_on > last) {
        return Err(Error::Invalid("Дата должна быть позже дня, с которого владеет нынешний собственник".to_owned()));
    }
    // Receipts that are calculated already name the former holders, whatever the day of the change.
    let printed = receipts.calculated_until(tx).await?;
    let ended = store::end_holders(tx, account, last, printed).await?;
    let row = |holder: &NewHolder| holder_row(tx, account, &NewHolder { from_on: from, to_on: None, ..holder.clone() });
    tx.insert_many(holders.iter().map(row).collect()).await?;
    codes::end(tx, receipts, account, "holder_changed", None).await?;
    let links = links::end_all(tx, account, "holder_changed", Ending::HolderChanged).await?;
    let detail = serde_json::json!({ "from": from, "former": ended, "holders": holders.len(), "links": links });
    Ok(tx.audit("account.holder_changed", account, detail).await?)
}

/// Closes the account after its last day. Links end with a notice; the last holder may link it again,
/// to read what was charged and paid.
pub async fn close_account(tx: &mut Tx, account: AccountId, last: Day) -> Result<(), Error> {
    store::lock(tx, account).await?;
    refuse_past_end(tx, account, last).await?;
    store::set_closed(tx, account, last).await?;
    let links = links::end_all(tx, account, "closed", Ending::Closed).await?;
    Ok(tx.audit("account.closed", account, serde_json::json!({ "on": last, "links": links })).await?)
}

async fn refuse_past_end(tx: &Tx, account: AccountId, day: Day) -> Result<(), Error> {
    let row = store::account(tx, account).await?.ok_or(Error::NotFound)?;
    if row.closed_on.is_some() {
        return Err(Error::Closed);
    }
    if day > tx.today() {
        return Err(Error::Invalid("Дата не может быть в будущем".to_owned()));
    }
    if day < row.opened_on {
        return Err(Error::Invalid("Дата раньше открытия лицевого счета".to_owned()));
    }
    Ok(())
}

fn check_parties(holders: &[NewHolder]) -> Result<(), Error> {
    let named = |holder: &NewHolder| match &holder.party {
        Party::Person { surname, .. } => !surname.trim().is_empty(),
        Party::Organisation { name, inn } => {
            !name.trim().is_empty() && [10, 12].contains(&inn.len()) && inn.bytes().all(|b| b.is_ascii_digit())
        }
    };
    if holders.is_empty() || !holders.iter().all(named) {
        return Err(Error::Invalid("Укажите фамилию человека или название и ИНН организации".to_owned()));
    }
    Ok(())
}

/// The shares must make a whole.
fn check_shares(holders: &[NewHolder]) -> Result<(), Error> {
    let wrong = || Error::Invalid("Доли должны составлять вместе единицу".to_owned());
    let mut sum = (0_i128, 1_i128);
    for holder in holders {
        let (part, whole) = (i128::from(holder.share.0), i128::from(holder.share.1));
        if part <= 0 || whole <= 0 || whole > 1_000_000 {
            return Err(wrong());
        }
        sum = (sum.0 * whole + part * sum.1, sum.1 * whole);
        let common = divisor(sum.0, sum.1);
        sum = (sum.0 / common, sum.1 / common);
        // A sum that has outgrown any real set of shares cannot become whole again.
        if sum.0 > sum.1 || sum.1 > 1_000_000_000_000 {
            return Err(wrong());
        }
    }
    if sum.0 == sum.1 { Ok(()) } else { Err(wrong()) }
}

fn divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a.max(1) } else { divisor(b, a % b) }
}
