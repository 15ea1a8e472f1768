//! What a resident wants: which notices by which channel, in which order, and when the phone stays silent.

use std::collections::BTreeSet;

use kabinet_contracts::ResidentId;
use kabinet_core::{DbError, Tx};
use serde::{Deserialize, Serialize};

use crate::channel::Channel;
use crate::kind::Kind;
use crate::settings::{NotificationsSettings, QuietHours};
use crate::store::people;

/// A resident's choices; the usual ones refuse nothing and follow the company.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// What does not come by which channel. In the portal everything is shown.
    pub off: BTreeSet<(Kind, Channel)>,
    /// Channels in the order in which they are tried; those left out follow in the company's order.
    pub order: Vec<Channel>,
    /// Hours in which the phone stays silent; the company's without them.
    pub quiet: Option<QuietHours>,
}

impl Choices {
    /// The company's channels in this resident's order, those left out that are switched off for `kind`.
    #[must_use]
    pub fn channels(&self, settings: &NotificationsSettings, kind: Kind) -> Vec<Channel> {
        let mut wanted: Vec<Channel> = self.order.iter().copied().filter(|channel| settings.has(*channel)).collect();
        let rest = settings.order.iter().copied().filter(|channel| settings.has(*channel));
        for channel in rest {
            if !wanted.contains(&channel) {
                wanted.push(channel);
            }
        }
        wanted.retain(|channel| !self.off.contains(&(kind, *channel)));
        wanted
    }

    /// The hours that hold for this resident.
    #[must_use]
    pub fn quiet_hours(&self, settings: &NotificationsSettings) -> Option<QuietHours> {
        self.quiet.or(settings.quiet)
    }
}

/// The resident's choices.
pub async fn of(tx: &Tx, resident: ResidentId) -> Result<Choices, DbError> {
    Ok(people::choices(tx, &[resident]).await?.remove(&resident).unwrap_or_default())
}

/// Keeps the resident's choices.
pub async fn save(tx: &mut Tx, resident: ResidentId, choices: &Choices) -> Result<(), DbError> {
    people::save_choices(tx, resident, choices).await?;
    tx.audit("notifications.choices", resident, serde_json::to_value(choices)?).await
}

/// Ends letters of one kind: what the link in a letter does.
pub async fn end_letters(tx: &mut Tx, resident: ResidentId, kind: Kind) -> Result<(), DbError> {
    let mut choices = of(tx, resident).await?;
    if choices.off.insert((kind, Channel::Email)) {
        save(tx, resident, &choices).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Bot, NotificationsSettings};

    fn company() -> NotificationsSettings {
        let bot = Bot { name: "kabinet_bot".to_owned(), base_url: String::new() };
        NotificationsSettings { max: Some(bot), ..NotificationsSettings::default() }
    }

    #[test]
    fn without_choices_the_company_decides() {
        assert_eq!(Choices::default().channels(&company(), Kind::Debt), [Channel::Max, Channel::Email]);
        assert_eq!(Choices::default().quiet_hours(&company()), Some(QuietHours { from: 21, to: 9 }));
    }

    #[test]
    fn a_resident_turns_the_order_round_and_switches_one_off() {
        let choices = Choices {
            order: vec![Channel::Sms, Channel::Email],
            off: [(Kind::Debt, Channel::Email)].into(),
            quiet: Some(QuietHours { from: 0, to: 0 }),
        };
        // The company has no SMS; MAX follows behind what was named.
        assert_eq!(choices.channels(&company(), Kind::Receipt), [Channel::Email, Channel::Max]);
        assert_eq!(choices.channels(&company(), Kind::Debt), [Channel::Max]);
        assert_eq!(choices.quiet_hours(&company()), Some(QuietHours { from: 0, to: 0 }));
    }
}
