//! Files that people send: what a file really is, and where its bytes lie (a folder, or S3).
//!
//! The database knows a file by its row; the bytes stand under company, section and identifier, so that a
//! row of one company never leads to another's file.

mod sniff;
mod store;
mod sweep;

pub use sniff::{FileKind, FileLimits, Refusal, Sniffed, sniff};
pub use store::{FileError, Files, FilesConfig};
pub use sweep::Sweep;
