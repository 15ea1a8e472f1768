//! Automatic notices: each of an occasion, in the company's calendar, and once.

mod daily;
mod events;

pub(crate) use daily::Daily;
pub(crate) use events::{LetterCame, ReceiptPublished, RequestMoved};
