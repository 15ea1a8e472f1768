//! Rows of houses, premises, accounts, holders and links.

use kabinet_contracts::{AccountId, ResidentId, RunId};
use kabinet_core::{Day, Period, Quantity, Timestamp, tenant_table};

tenant_table!(house, "house", key { id: Uuid }, {
    code: String, address: String, number: String, number_key: String, has_flats: bool,
});
tenant_table!(premises, "premises", key { id: Uuid }, {
    house_id: Uuid, flat: String, flat_key: String, kind: String, area: Quantity,
});
tenant_table!(account, "account", key { id: AccountId }, {
    branch: String, number: String, number_key: String, premises_id: Uuid, els: String, izhku: String, opened_on: Day,
    closed_on: Option<Day>,
});
tenant_table!(account_alias, "account_alias", key { number_key: String, account_id: AccountId }, {
    number: String,
});
tenant_table!(occupancy, "occupancy", key { account_id: AccountId, from_on: Day }, {
    registered: i32, temporary: i32, owners: i32,
});
tenant_table!(absence, "absence", key { id: Uuid }, {
    account_id: AccountId, residents: i32, from_on: Day, to_on: Day, document: String, recorded_at: Timestamp,
    withdrawn_at: Option<Timestamp>,
});
tenant_table!(holder, "holder", key { id: Uuid }, {
    account_id: AccountId, kind: String, surname: String, surname_key: String, given_name: String, patronymic: String,
    organisation: String, inn: String, share_numerator: i32, share_denominator: i32, from_on: Day, to_on: Option<Day>,
    printed_until: Option<Period>,
});
tenant_table!(account_link, "account_link", key { id: Uuid }, {
    resident_id: ResidentId, account_id: AccountId, linked_at: Timestamp, ended_at: Option<Timestamp>,
    ended_reason: Option<String>, access: String, until_on: Option<Day>, grant_id: Option<Uuid>,
});
tenant_table!(helper_grant, "helper_grant", key { id: Uuid }, {
    account_id: AccountId, granted_by: ResidentId, email: String, email_key: String, access: String, until_on: Day,
    token_hash: Vec<u8>, created_at: Timestamp, accepted_at: Option<Timestamp>, accepted_by: Option<ResidentId>,
    ended_at: Option<Timestamp>, ended_reason: Option<String>,
});
tenant_table!(link_code, "link_code", key { account_id: AccountId, run_id: RunId }, {
    ended_at: Timestamp, reason: String, resident_id: Option<ResidentId>,
});
