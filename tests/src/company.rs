//! What a company of the demo is by its own package, for comparison with what the platform shows.

use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use crate::house::root;
use crate::process::{new_folder, run};

/// The slugs of the demo's companies.
pub const COMPANIES: [&str; 2] = ["beregovoy", "teploset"];

/// A package's `tenant.toml`, as far as tests need it.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// Name that residents know.
    pub name: String,
    /// Contacts.
    pub contacts: Contacts,
    /// Looks.
    pub brand: Brand,
    /// Kinds of receipts.
    pub receipt_kinds: Vec<ReceiptKind>,
}

/// Contacts.
#[derive(Clone, Debug, Deserialize)]
pub struct Contacts {
    /// Phone of the office.
    pub phone: String,
    /// E-mail of the office.
    pub email: String,
}

/// Looks.
#[derive(Clone, Debug, Deserialize)]
pub struct Brand {
    /// The one colour.
    pub color: String,
}

/// A kind of receipt with whom it pays.
#[derive(Clone, Debug, Deserialize)]
pub struct ReceiptKind {
    /// Code.
    pub code: String,
    /// Title.
    pub title: String,
    /// Whom it pays.
    pub supplier: Supplier,
}

/// Whom a receipt pays.
#[derive(Clone, Debug, Deserialize)]
pub struct Supplier {
    /// Name.
    pub name: String,
    /// ИНН.
    pub inn: String,
    /// КПП.
    pub kpp: String,
    /// Settlement account.
    pub settlement_account: String,
    /// Bank.
    pub bank_name: String,
    /// БИК.
    pub bic: String,
    /// Correspondent account.
    pub correspondent_account: String,
}

impl Package {
    /// The package in `tenants/<slug>`.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn read(slug: &str) -> Self {
        let file = root().join("tenants").join(slug).join("tenant.toml");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }
}

/// A copy of the package in `tenants/<slug>` whose `tenant.toml` has these lines more at its end.
///
/// # Panics
/// When it cannot be written.
#[must_use]
pub fn package_with(slug: &str, lines: &str) -> PathBuf {
    let folder = new_folder("package");
    run(Command::new("cp").arg("-r").arg(root().join("tenants").join(slug)).arg(&folder));
    let file = folder.join(slug).join("tenant.toml");
    let text = std::fs::read_to_string(&file).expect("the package");
    std::fs::write(&file, format!("{text}\n{lines}\n")).expect("a write");
    folder.join(slug)
}
