//! Meters, and their readings: a reading's figures are never changed; one taken back says so.

use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Day, Period, Quantity, Timestamp, tenant_table};
use uuid::Uuid;

tenant_table!(meter, "meter", key { id: MeterId }, {
    account_id: AccountId, service_code: String, serial: String, place: String, model: String, zones: i32,
    digits: i32, automatic: bool, installed_on: Day, removed_on: Option<Day>, verified_until: Option<Day>,
    replaces: Option<MeterId>,
});
tenant_table!(reading, "reading", key { id: Uuid }, {
    meter_id: MeterId, account_id: AccountId, period: Period, taken_on: Day, value_t1: Quantity,
    value_t2: Option<Quantity>, value_t3: Option<Quantity>, source: String, actor_id: Option<Uuid>,
    created_at: Timestamp, rollover: bool, withdrawn_at: Option<Timestamp>, withdrawn_by: Option<Uuid>,
    withdrawn_reason: String, captured_at: Option<Timestamp>,
});
tenant_table!(reading_photo, "reading_photo", key { id: Uuid }, {
    reading_id: Uuid, meter_id: MeterId, media_type: String, bytes: i64, width: i32, height: i32,
});
tenant_table!(meter_fault, "meter_fault", key { meter_id: MeterId, since: Day }, {
    kind: String, note: String, ended_on: Option<Day>, declared_at: Timestamp,
});
tenant_table!(house_meter, "house_meter", key { id: Uuid }, {
    house_id: Uuid, service_code: String, serial: String, place: String, model: String, digits: i32, factor: i32,
    installed_on: Day, removed_on: Option<Day>, verified_until: Option<Day>,
});
tenant_table!(house_reading, "house_reading", key { id: Uuid }, {
    meter_id: Uuid, period: Period, taken_on: Day, value: Quantity, rollover: bool, actor_id: Option<Uuid>,
    created_at: Timestamp, withdrawn_at: Option<Timestamp>, withdrawn_reason: String,
});
tenant_table!(house_meter_fault, "house_meter_fault", key { meter_id: Uuid, since: Day }, {
    note: String, ended_on: Option<Day>, declared_at: Timestamp,
});
tenant_table!(meter_link, "meter_link", key { meter_id: MeterId, period: Period }, {
    issue: i32, uses: i32, changed_at: Timestamp,
});
tenant_table!(reading_sending, "reading_sending", key { resident_id: Uuid, mark: String }, { stored_at: Timestamp });
tenant_table!(meter_impossibility, "meter_impossibility", key { id: Uuid }, {
    account_id: AccountId, service_code: String, since: Day, document: String, ended_on: Option<Day>,
    recorded_at: Timestamp,
});
