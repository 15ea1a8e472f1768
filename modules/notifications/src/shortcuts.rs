//! What a letter about readings offers beside the portal: for each meter an address that takes its reading without a
//! login.

use std::collections::{BTreeSet, HashMap};

use kabinet_contracts::ResidentId;
use kabinet_core::{DbError, Tx};
use kabinet_meters::{Links, Resource, overview as readings};
use serde::Serialize;

use crate::store::state::{self, Unread};

/// A way in one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shortcut {
    /// Where it leads, for people: «Холодная вода № 4471, кухня».
    pub title: String,
    /// The whole address.
    pub address: String,
}

/// The shortcuts of these residents: the one-meter links of those of their meters that sent nothing since the window
/// opened; none while it is closed. One statement beside those of [`Links::addresses`].
pub(crate) async fn of(
    tx: &Tx,
    links: &Links,
    residents: &[ResidentId],
) -> Result<HashMap<ResidentId, Vec<Shortcut>>, DbError> {
    let window = readings::window(tx.tenant(), tx.today())?;
    if !window.open || residents.is_empty() {
        return Ok(HashMap::new());
    }
    let unread = state::unread_meters(tx, residents, window.from).await?;
    let meters: BTreeSet<_> = unread.iter().map(|meter| meter.id).collect();
    let meters: Vec<_> = meters.into_iter().collect();
    let addresses = links.addresses(tx, &meters, window.from.period()).await?;
    let mut shortcuts: HashMap<ResidentId, Vec<Shortcut>> = HashMap::new();
    for meter in &unread {
        if let Some(address) = addresses.get(&meter.id) {
            let shortcut = Shortcut { title: title(meter, &unread), address: address.clone() };
            shortcuts.entry(meter.resident_id).or_default().push(shortcut);
        }
    }
    Ok(shortcuts)
}

/// The meter's name; who has several accounts reads of which it is.
fn title(meter: &Unread, all: &[Unread]) -> String {
    let service = Resource::from_code(&meter.service_code).map_or(meter.service_code.as_str(), |found| found.title());
    let place = Some(&meter.place).filter(|place| !place.is_empty());
    let place = place.map_or_else(String::new, |place| format!(", {place}"));
    let others = |other: &Unread| other.resident_id == meter.resident_id && other.account != meter.account;
    let account =
        if all.iter().any(others) { format!(" (лицевой счет {})", meter.account) } else { String::new() };
    format!("{service} № {}{place}{account}", meter.serial)
}
