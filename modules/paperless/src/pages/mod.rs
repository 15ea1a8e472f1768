//! The application form, the question before paper is back, the document.

mod document;
mod flag;

use kabinet_render::ReceiptPrinter;
use kabinet_web::{PageRoute, Problem};
use poem::{EndpointExt, get};
use uuid::Uuid;

pub(crate) fn routes(printer: &ReceiptPrinter) -> Vec<PageRoute> {
    vec![
        PageRoute::new("/accounts/:id/paperless", get(flag::show).post(flag::change).data(printer.clone())),
        PageRoute::new("/accounts/:id/paperless/:file", get(document::show)),
    ]
}

/// An identifier in an address; what is none is an unknown page.
fn identifier(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}
