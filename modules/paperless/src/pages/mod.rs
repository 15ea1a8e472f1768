//! The application form, the question before paper is back, the document.

mod document;
mod flag;
pub(crate) mod statement;

use kabinet_render::ReceiptPrinter;
use kabinet_web::PageRoute;
use poem::{EndpointExt, get};

pub(crate) fn routes(printer: &ReceiptPrinter) -> Vec<PageRoute> {
    vec![
        PageRoute::new("/accounts/:id/paperless", get(flag::show).post(flag::change).data(printer.clone())),
        PageRoute::new("/accounts/:id/paperless/:file", get(document::show)),
    ]
}
