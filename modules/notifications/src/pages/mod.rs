//! «Уведомления».

mod hooks;
mod list;
mod preferences;
mod unsubscribe;

use kabinet_contracts::ResidentId;
use kabinet_web::{PageRoute, Problem, Resident};
use poem::{EndpointExt, get, post};

use crate::Means;
use crate::entity::MessageId;

pub(crate) fn routes(means: &Means) -> Vec<PageRoute> {
    let ending = means.unsubscribing.clone();
    vec![
        PageRoute::new("/notifications", get(list::show)),
        PageRoute::new("/notifications/read", post(list::read_all)),
        PageRoute::new("/notifications/preferences", get(preferences::show).post(preferences::save)),
        PageRoute::new("/notifications/preferences/chats/:channel", post(preferences::chat)),
        PageRoute::new(
            "/notifications/unsubscribe",
            get(unsubscribe::show).post(unsubscribe::end).data(ending.clone()),
        ),
        PageRoute::new("/notifications/one-click", post(unsubscribe::one_click).data(ending)),
        PageRoute::new("/notifications/hooks/:channel", post(hooks::take).data(means.clone())),
        PageRoute::new("/notifications/:id", get(list::one)),
    ]
}

fn who(resident: &Resident) -> ResidentId {
    ResidentId(resident.id())
}

/// An identifier in an address; what is none is an unknown page.
fn identifier(text: &str) -> Result<MessageId, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}
