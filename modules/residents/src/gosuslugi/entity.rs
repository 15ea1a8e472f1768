//! Rows of the login through Gosuslugi.

use kabinet_contracts::ResidentId;
use kabinet_core::{Timestamp, tenant_table};

tenant_table!(attempt, "gosuslugi_attempt", key { state_hash: Vec<u8> }, {
    browser_hash: Vec<u8>, purpose: String, resident_id: Option<ResidentId>, redirect_uri: String,
    expires_at: Timestamp,
});
tenant_table!(arrival, "gosuslugi_arrival", key { token_hash: Vec<u8> }, {
    oid: String, email: String, phone: String, expires_at: Timestamp,
});
tenant_table!(letter, "gosuslugi_letter", key { token_hash: Vec<u8> }, {
    oid: String, email: String, phone: String, expires_at: Timestamp,
});
tenant_table!(link, "gosuslugi_link", key { oid: String }, {
    resident_id: ResidentId, linked_at: Timestamp,
});
tenant_table!(session, "gosuslugi_session", key { token_hash: Vec<u8> }, {
    expires_at: Timestamp,
});
