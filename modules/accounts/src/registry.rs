//! The company's houses and accounts, as imports and the demo bring them in.

use kabinet_contracts::AccountId;
use kabinet_core::text::{account_key, search_key};
use kabinet_core::{Day, DbError, Quantity, Tx};
use sea_orm::Set;
use uuid::Uuid;

pub use crate::changes::{change_holder, close_account};
use crate::entity::{account, account_alias, holder, house, occupancy, premises};
use crate::error::Error;
use crate::store;

/// A house.
#[derive(Clone, Debug)]
pub struct NewHouse {
    /// Identifier.
    pub id: Uuid,
    /// The company's own code for it, unique.
    pub code: String,
    /// Town, street and number in one line: «г. Челябинск, ул. Береговая, д. 12».
    pub address: String,
    /// Number alone, as people type it: «12/1».
    pub number: String,
    /// False for a private house, which has no flat numbers.
    pub has_flats: bool,
}

/// A holder of an account, from a day on.
#[derive(Clone, Debug)]
pub struct NewHolder {
    /// Identifier.
    pub id: Uuid,
    /// Who it is.
    pub party: Party,
    /// Share in the premises: numerator and denominator.
    pub share: (i32, i32),
    /// First day.
    pub from_on: Day,
    /// Last day; `None` for a present holder.
    pub to_on: Option<Day>,
}

/// A person or a legal entity.
#[derive(Clone, Debug)]
pub enum Party {
    /// A person.
    Person {
        /// Surname.
        surname: String,
        /// Given name.
        given_name: String,
        /// Patronymic; may be empty.
        patronymic: String,
    },
    /// A legal entity.
    Organisation {
        /// Name.
        name: String,
        /// ИНН, 10 or 12 digits.
        inn: String,
    },
}

/// How many people count from a day on.
#[derive(Clone, Copy, Debug)]
pub struct NewOccupancy {
    /// First day.
    pub from_on: Day,
    /// Permanently registered.
    pub registered: u32,
    /// Temporarily registered.
    pub temporary: u32,
    /// Owners, who count where nobody is registered.
    pub owners: u32,
}

/// An account with its premises and people.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Identifier; accounts are billed in its order.
    pub id: AccountId,
    /// Number as printed, with leading zeros.
    pub number: String,
    /// Earlier numbers that still find it.
    pub old_numbers: Vec<String>,
    /// ЕЛС; may be empty.
    pub els: String,
    /// ИЖКУ; may be empty.
    pub izhku: String,
    /// The house.
    pub house: Uuid,
    /// Premises identifier.
    pub premises: Uuid,
    /// Flat number; empty for a private house.
    pub flat: String,
    /// `flat`, `room`, `private_house`, `non_residential` or `parking`.
    pub kind: String,
    /// Area, m².
    pub area: Quantity,
    /// First day.
    pub opened_on: Day,
    /// Last day of a closed account.
    pub closed_on: Option<Day>,
    /// Holders.
    pub holders: Vec<NewHolder>,
    /// People counted, by first day.
    pub occupancy: Vec<NewOccupancy>,
}

/// [`Error::NotFound`] unless the company has this account.
pub async fn must_exist(tx: &Tx, account: AccountId) -> Result<(), Error> {
    store::account(tx, account).await?.map(drop).ok_or(Error::NotFound)
}

/// Adds houses.
pub async fn add_houses(tx: &Tx, houses: &[NewHouse]) -> Result<(), DbError> {
    let rows = houses.iter().map(|new| house::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(new.id),
        code: Set(new.code.clone()),
        address: Set(new.address.clone()),
        number: Set(new.number.clone()),
        number_key: Set(search_key(&new.number)),
        has_flats: Set(new.has_flats),
    });
    tx.insert_many(rows.collect()).await
}

/// Adds accounts with their premises, holders, occupancy and old numbers, in bulk.
pub async fn add_accounts(tx: &Tx, accounts: &[NewAccount]) -> Result<(), DbError> {
    tx.insert_many(accounts.iter().map(|new| premises_row(tx, new)).collect()).await?;
    tx.insert_many(accounts.iter().map(|new| account_row(tx, new)).collect()).await?;
    let aliases = accounts.iter().flat_map(|new| new.old_numbers.iter().map(|number| alias_row(tx, new.id, number)));
    tx.insert_many(aliases.collect()).await?;
    let holders = accounts.iter().flat_map(|new| new.holders.iter().map(|holder| holder_row(tx, new.id, holder)));
    tx.insert_many(holders.collect()).await?;
    let people = accounts.iter().flat_map(|new| new.occupancy.iter().map(|people| occupancy_row(tx, new.id, *people)));
    tx.insert_many(people.collect()).await
}

fn premises_row(tx: &Tx, new: &NewAccount) -> premises::ActiveModel {
    premises::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(new.premises),
        house_id: Set(new.house),
        flat: Set(new.flat.clone()),
        flat_key: Set(search_key(&new.flat)),
        kind: Set(new.kind.clone()),
        area: Set(new.area),
    }
}

fn account_row(tx: &Tx, new: &NewAccount) -> account::ActiveModel {
    account::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(new.id),
        branch: Set(String::new()),
        number: Set(new.number.clone()),
        number_key: Set(account_key(&new.number)),
        premises_id: Set(new.premises),
        els: Set(new.els.clone()),
        izhku: Set(new.izhku.clone()),
        opened_on: Set(new.opened_on),
        closed_on: Set(new.closed_on),
    }
}

fn alias_row(tx: &Tx, account: AccountId, number: &str) -> account_alias::ActiveModel {
    account_alias::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        number_key: Set(account_key(number)),
        account_id: Set(account),
        number: Set(number.to_owned()),
    }
}

pub(crate) fn holder_row(tx: &Tx, account: AccountId, new: &NewHolder) -> holder::ActiveModel {
    let (kind, surname, given_name, patronymic, organisation, inn) = match &new.party {
        Party::Person { surname, given_name, patronymic } => {
            ("person", surname.as_str(), given_name.as_str(), patronymic.as_str(), "", "")
        }
        Party::Organisation { name, inn } => ("legal", "", "", "", name.as_str(), inn.as_str()),
    };
    holder::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(new.id),
        account_id: Set(account),
        kind: Set(kind.to_owned()),
        surname: Set(surname.to_owned()),
        surname_key: Set(search_key(surname)),
        given_name: Set(given_name.to_owned()),
        patronymic: Set(patronymic.to_owned()),
        organisation: Set(organisation.to_owned()),
        inn: Set(inn.to_owned()),
        share_numerator: Set(new.share.0),
        share_denominator: Set(new.share.1),
        from_on: Set(new.from_on),
        to_on: Set(new.to_on),
        printed_until: Set(None),
    }
}

fn occupancy_row(tx: &Tx, account: AccountId, people: NewOccupancy) -> occupancy::ActiveModel {
    occupancy::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        account_id: Set(account),
        from_on: Set(people.from_on),
        registered: Set(people.registered.cast_signed()),
        temporary: Set(people.temporary.cast_signed()),
        owners: Set(people.owners.cast_signed()),
    }
}
