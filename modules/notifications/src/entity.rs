//! Rows of messages, notices, their delivery, and of what residents want.

use kabinet_contracts::ResidentId;
use kabinet_core::{Money, Period, Timestamp, id_type, tenant_table};

id_type! {
    /// The identifier of a message: what was said, to however many.
    MessageId
}
id_type! {
    /// The identifier of a notice: a message to one resident. Gateways get it as their idempotency key.
    NoticeId
}

tenant_table!(message, "message", key { id: MessageId }, {
    kind: String, state: String, occasion: Option<String>, title: String, body: String, audience: String,
    channels: String, link: String, valid_from: Timestamp, valid_until: Option<Timestamp>, author_id: Option<Uuid>,
    created_at: Timestamp, sent_at: Option<Timestamp>, cursor: Option<ResidentId>, addressed: i64,
    outage_from: Option<Timestamp>,
});
tenant_table!(message_occasion, "message_occasion", key { occasion: String }, {
    at: Timestamp,
});
tenant_table!(notice, "notice", key { id: NoticeId }, {
    message_id: MessageId, resident_id: ResidentId, state: String, next_at: Timestamp, read_at: Option<Timestamp>,
});
tenant_table!(delivery, "delivery", key { notice_id: NoticeId, channel: String }, {
    message_id: MessageId, state: String, attempts: i32, first_at: Timestamp, begun_at: Timestamp,
    ended_at: Option<Timestamp>, cost: Money, note: String,
});
impl delivery::Model {
    /// When the first attempt began. A server of an earlier release, which may run for a while beside this one, says
    /// nothing of it: then when the last one did.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        if self.first_at == Timestamp(0) { self.begun_at } else { self.first_at }
    }
}

tenant_table!(notice_choices, "notice_choices", key { resident_id: ResidentId }, {
    choices: String,
});
tenant_table!(chat, "chat", key { channel: String, resident_id: ResidentId }, {
    chat: String, linked_at: Timestamp,
});
tenant_table!(chat_code, "chat_code", key { code_hash: Vec<u8> }, {
    channel: String, resident_id: ResidentId, expires_at: Timestamp,
});
tenant_table!(channel_spending, "channel_spending", key { period: Period }, {
    kopecks: Money,
});
tenant_table!(chat_update, "chat_update", key { channel: String, number: String }, {
    at: Timestamp,
});

#[cfg(test)]
mod tests {
    use kabinet_core::TenantId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_attempt_that_an_earlier_release_recorded_began_when_it_was_made() {
        let of = |first_at: i64| delivery::Model {
            tenant_id: TenantId(Uuid::nil()),
            notice_id: NoticeId(Uuid::nil()),
            channel: "sms".to_owned(),
            message_id: MessageId(Uuid::nil()),
            state: "trying".to_owned(),
            attempts: 1,
            first_at: Timestamp(first_at),
            begun_at: Timestamp(20),
            ended_at: None,
            cost: Money(400),
            note: String::new(),
        };
        assert_eq!((of(10).since(), of(0).since()), (Timestamp(10), Timestamp(20)));
    }
}
