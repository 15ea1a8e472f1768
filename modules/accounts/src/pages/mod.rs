//! The module's pages.

mod helpers;
mod invitation;
mod linking;
mod list;
mod unlinking;

use std::sync::Arc;

use kabinet_contracts::ReceiptCodes;
use kabinet_web::{PageRoute, on_the_beat};
use poem::{EndpointExt, get, post};

pub(crate) fn routes(receipts: &Arc<dyn ReceiptCodes>) -> Vec<PageRoute> {
    vec![
        PageRoute::new("/accounts", get(list::show)),
        PageRoute::new(
            "/accounts/link",
            get(linking::show).post(linking::send.around(on_the_beat)).data(receipts.clone()),
        ),
        PageRoute::new("/accounts/invitation", get(invitation::show).post(invitation::accept)),
        PageRoute::new("/accounts/:id/select", post(list::select)),
        PageRoute::new("/accounts/:id/unlink", get(unlinking::ask).post(unlinking::unlink)),
        PageRoute::new("/accounts/:id/helpers", get(helpers::show).post(helpers::invite)),
        PageRoute::new("/accounts/:id/helpers/:grant/revoke", post(helpers::revoke)),
    ]
}
