//! Who sent the readings of a meter, as its account's people see it.

use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{DbError, Period, Tenant, Timestamp, Tx};
use kabinet_web::AccountRef;
use sea_orm::FromQueryResult;
use uuid::Uuid;

/// A reading that a person sent, with the photo beside it.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct SentReading {
    pub(crate) id: Uuid,
    period: Period,
    actor_id: Option<Uuid>,
    email: Option<String>,
    linked: bool,
    pub(crate) photo: Option<Uuid>,
    pub(crate) media_type: Option<String>,
    created_at: Timestamp,
    captured_at: Option<Timestamp>,
}

impl SentReading {
    /// Whether the person may know of it more than its figures: what people of the account sent, and everything
    /// since the present holders' first whole month. What a former holder sent is nobody's business.
    pub(crate) fn is_known_to(&self, resident: Uuid, account: &AccountRef) -> bool {
        let own = self.actor_id == Some(resident) || self.linked;
        own || account.shows_receipt(self.period) && account.receipts_from != Some(self.period)
    }

    /// Its sender: «вы», or a login with all but its beginning hidden.
    pub(crate) fn who(&self, resident: Uuid) -> Option<String> {
        if self.actor_id == Some(resident) {
            return Some("вы".to_owned());
        }
        self.email.as_deref().map(masked)
    }

    /// «снято 12.11.2026 в 21:40, отправлено 13.11.2026», where it came on another day than a browser took it down.
    pub(crate) fn waited(&self, tenant: &Tenant) -> Option<String> {
        let (captured, zone) = (self.captured_at?, tenant.zone);
        let (taken, sent) = (captured.day(zone), self.created_at.day(zone));
        (taken != sent).then(|| format!("снято {taken} в {}, отправлено {sent}", captured.time(zone)))
    }
}

/// `n.ivanova@example.ru` → `n***@example.ru`.
fn masked(email: &str) -> String {
    let (name, host) = email.split_once('@').unwrap_or((email, ""));
    format!("{}***@{host}", name.chars().next().unwrap_or('*'))
}

/// What people sent of the account's meter.
pub(crate) async fn sent_of(tx: &Tx, account: AccountId, meter: MeterId) -> Result<Vec<SentReading>, DbError> {
    let sql = "SELECT r.id, r.period, r.actor_id, s.email, p.id AS photo, p.media_type, r.created_at, r.captured_at,
                 EXISTS (SELECT 1 FROM account_link l WHERE l.tenant_id = r.tenant_id AND l.account_id = r.account_id
                    AND l.resident_id = r.actor_id AND l.ended_at IS NULL) AS linked
               FROM reading r
               LEFT JOIN resident s ON s.tenant_id = r.tenant_id AND s.id = r.actor_id AND s.state = 'active'
               LEFT JOIN reading_photo p ON p.tenant_id = r.tenant_id AND p.reading_id = r.id
               WHERE r.tenant_id = $1 AND r.account_id = $2 AND r.meter_id = $3 AND r.withdrawn_at IS NULL
                 AND r.source IN ('portal', 'helper', 'guest', 'link', 'messenger')
               ORDER BY r.id";
    tx.rows(sql, vec![account.into(), meter.into()]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_shown_by_its_first_letter() {
        assert_eq!(masked("n.ivanova@example.ru"), "n***@example.ru");
        assert_eq!(masked("я@почта.рф"), "я***@почта.рф");
        assert_eq!(masked(""), "****@");
    }
}
