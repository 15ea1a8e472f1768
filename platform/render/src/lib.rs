//! What people get to see, from data: HTML pages, receipts as PDF, payment QR.
//!
//! - [`environment`] builds the minijinja environments;
//! - [`letter`] renders mails, HTML and text;
//! - [`receipt`] holds the plain data of a receipt, [`samples`] examples of it;
//! - [`payment_qr`] makes the payment QR of ГОСТ Р 56042-2014 and checks
//!   requisites;
//! - [`typeset`] turns template and data into PDF, [`printer`] has that done in
//!   worker processes, [`binding`] makes one file of many;
//! - [`document`] sets the platform's own documents, [`table`] writes lists for spreadsheets.

// A test that unwraps says by that what it expects.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod binding;
pub mod chart;
pub mod document;
mod elements;
pub mod environment;
pub mod error;
pub mod format;
pub mod letter;
pub mod payment_qr;
pub mod printer;
pub mod receipt;
mod requisites;
pub mod samples;
pub mod table;
pub mod typeset;
mod typst_escape;
mod world;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod pdf_tests;
#[cfg(test)]
mod template_tests;

pub use binding::Binder;
pub use document::Document;
pub use environment::page_environment;
pub use error::RenderError;
pub use letter::{Letter, LetterCompany, Letters};
pub use printer::{ReceiptPrinter, document_task, receipt_task};
pub use receipt::ReceiptData;
