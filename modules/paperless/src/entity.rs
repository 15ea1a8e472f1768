//! Rows of refusals, their documents and the letters with receipts.

use kabinet_contracts::{AccountId, ResidentId, RunId};
use kabinet_core::{Day, Timestamp, tenant_table};

use crate::refusals::RefusalId;

tenant_table!(paper_refusal, "paper_refusal", key { id: RefusalId }, {
    account_id: AccountId, resident_id: ResidentId, ordinal: i32, number: String, made_on: Day, made_at: Timestamp,
    email: String, signatory: String, ended_at: Option<Timestamp>, ended_reason: Option<String>, ended_detail: String,
});
tenant_table!(paper_application, "paper_application", key { refusal_id: RefusalId }, {
    pdf: Vec<u8>,
});
tenant_table!(paper_delivery, "paper_delivery", key { run_id: RunId, account_id: AccountId, resident_id: ResidentId }, {
    refusal_id: RefusalId, sent_at: Timestamp, bounced_at: Option<Timestamp>,
});
