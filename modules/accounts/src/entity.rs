//! Rows of houses, premises, accounts, holders and links.

#![allow(missing_docs, reason = "the columns are documented by their migration and the glossary")]

macro_rules! table {
    ($module:ident, $table:literal, { $($(#[$meta:meta])* $field:ident : $type:ty),* $(,)? }) => {
        pub(crate) mod $module {
            #[allow(unused_imports, reason = "not every table has these columns")]
            use kabinet_contracts::{AccountId, ResidentId, RunId};
            #[allow(unused_imports, reason = "not every table has these columns")]
            use kabinet_core::{Day, Quantity, TenantId, Timestamp};
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub tenant_id: TenantId,
                $($(#[$meta])* pub $field: $type),*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

table!(house, "house", {
    #[sea_orm(primary_key, auto_increment = false)] id: Uuid,
    code: String, address: String, number: String, number_key: String, has_flats: bool,
});
table!(premises, "premises", {
    #[sea_orm(primary_key, auto_increment = false)] id: Uuid,
    house_id: Uuid, flat: String, flat_key: String, kind: String, area: Quantity,
});
table!(account, "account", {
    #[sea_orm(primary_key, auto_increment = false)] id: AccountId,
    branch: String, number: String, number_key: String, premises_id: Uuid, els: String, izhku: String,
    opened_on: Day, closed_on: Option<Day>,
});
table!(account_alias, "account_alias", {
    #[sea_orm(primary_key, auto_increment = false)] number_key: String,
    #[sea_orm(primary_key, auto_increment = false)] account_id: AccountId,
    number: String,
});
table!(occupancy, "occupancy", {
    #[sea_orm(primary_key, auto_increment = false)] account_id: AccountId,
    #[sea_orm(primary_key, auto_increment = false)] from_on: Day,
    registered: i32, temporary: i32, owners: i32,
});
table!(holder, "holder", {
    #[sea_orm(primary_key, auto_increment = false)] id: Uuid,
    account_id: AccountId, kind: String, surname: String, surname_key: String, given_name: String,
    patronymic: String, organisation: String, inn: String, share_numerator: i32, share_denominator: i32,
    from_on: Day, to_on: Option<Day>,
});
table!(account_link, "account_link", {
    #[sea_orm(primary_key, auto_increment = false)] id: Uuid,
    resident_id: ResidentId, account_id: AccountId, linked_at: Timestamp, ended_at: Option<Timestamp>,
    ended_reason: Option<String>, access: String, until_on: Option<Day>, grant_id: Option<Uuid>,
});
table!(helper_grant, "helper_grant", {
    #[sea_orm(primary_key, auto_increment = false)] id: Uuid,
    account_id: AccountId, granted_by: ResidentId, email: String, email_key: String, access: String, until_on: Day,
    token_hash: Vec<u8>, created_at: Timestamp, accepted_at: Option<Timestamp>, accepted_by: Option<ResidentId>,
    ended_at: Option<Timestamp>, ended_reason: Option<String>,
});
table!(link_code, "link_code", {
    #[sea_orm(primary_key, auto_increment = false)] account_id: AccountId,
    #[sea_orm(primary_key, auto_increment = false)] run_id: RunId,
    ended_at: Timestamp, reason: String, resident_id: Option<ResidentId>,
});

kabinet_core::tenant_entities!(
    house,
    premises,
    account,
    account_alias,
    occupancy,
    holder,
    account_link,
    helper_grant,
    link_code
);
