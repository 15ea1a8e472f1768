//! Meters, and their readings: a reading is never changed.

use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Day, Period, Quantity, Timestamp, tenant_table};
use uuid::Uuid;

tenant_table!(meter, "meter", key { id: MeterId }, {
    account_id: AccountId, service_code: String, serial: String, place: String, model: String, zones: i32,
    digits: i32, automatic: bool, installed_on: Day, removed_on: Option<Day>, verified_until: Option<Day>,
});
tenant_table!(reading, "reading", key { id: Uuid }, {
    meter_id: MeterId, account_id: AccountId, period: Period, taken_on: Day, value_t1: Quantity,
    value_t2: Option<Quantity>, value_t3: Option<Quantity>, source: String, actor_id: Option<Uuid>,
    created_at: Timestamp,
});
tenant_table!(meter_link, "meter_link", key { meter_id: MeterId, period: Period }, {
    issue: i32, uses: i32, changed_at: Timestamp,
});
tenant_table!(reading_sending, "reading_sending", key { resident_id: Uuid, mark: String }, { stored_at: Timestamp });
