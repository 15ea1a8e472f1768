//! Rows of requests, their history, their files and the paid services.

use kabinet_contracts::{AccountId, RequestId, ResidentId};
use kabinet_core::{Money, Timestamp, tenant_table};

tenant_table!(paid_service, "paid_service", key { code: String }, {
    title: String, description: String, price: Money, unit: String, position: i32, offered: bool,
});
tenant_table!(request_number, "request_number", key { id: i32 }, {
    last: i64,
});
tenant_table!(request, "request", key { id: RequestId }, {
    number: i64, account_id: AccountId, resident_id: ResidentId, kind: String, topic: String,
    service_code: Option<String>, service_title: String, price: Option<Money>, subject: String, body: String,
    state: String, assignee_id: Option<Uuid>, created_at: Timestamp, due_at: Timestamp,
    closed_at: Option<Timestamp>, rating: Option<i32>, price_unit: String, answer_by: Option<Timestamp>,
    localise_by: Option<Timestamp>,
});
tenant_table!(request_entry, "request_entry", key { id: Uuid }, {
    request_id: RequestId, at: Timestamp, actor: String, actor_id: Option<Uuid>, kind: String,
    state: Option<String>, body: String, internal: bool,
});
tenant_table!(request_file, "request_file", key { id: Uuid }, {
    request_id: RequestId, entry_id: Uuid, name: String, media_type: String, bytes: i64, width: Option<i32>,
    height: Option<i32>,
});
