//! Rows of residents and staff members, and of what residents do by themselves.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::{Timestamp, tenant_table};
use uuid::Uuid;

tenant_table!(resident, "resident", key { id: ResidentId }, {
    email: String, email_key: String, phone: String, password_hash: Option<String>, state: String,
    active_account: Option<AccountId>, created_at: Timestamp, last_login_at: Option<Timestamp>,
});
tenant_table!(staff, "staff", key { id: Uuid }, {
    email: String, email_key: String, name: String, password_hash: String, role: String, state: String,
    created_at: Timestamp,
});
tenant_table!(registration, "registration", key { email_key: String }, {
    email: String, phone: String, password_hash: String, token_hash: Vec<u8>, consent_hash: Vec<u8>,
    consent_at: Timestamp, consent_address: String, expires_at: Timestamp, created_at: Timestamp,
});
tenant_table!(consent_text, "consent_text", key { hash: Vec<u8> }, {
    version: String, body: String, first_shown_at: Timestamp,
});
tenant_table!(consent, "consent", key { id: Uuid }, {
    resident_id: ResidentId, text_hash: Vec<u8>, given_at: Timestamp, given_address: String,
    withdrawn_at: Option<Timestamp>,
});
tenant_table!(mailed_link, "mailed_link", key { token_hash: Vec<u8> }, {
    purpose: String, resident_id: ResidentId, email: Option<String>, created_at: Timestamp, expires_at: Timestamp,
});
tenant_table!(personal_export, "personal_export", key { id: Uuid }, {
    resident_id: ResidentId, token_hash: Option<Vec<u8>>, archive: Option<Vec<u8>>, requested_at: Timestamp,
    expires_at: Timestamp,
});
