//! What the demo tells of itself in `demo.json`.

use std::path::Path;

use serde::Deserialize;

/// The file's content, as far as tests need it.
#[derive(Clone, Debug, Deserialize)]
pub struct Demo {
    /// The demo's companies.
    pub companies: Vec<DemoCompany>,
}

/// A company of the demo.
#[derive(Clone, Debug, Deserialize)]
pub struct DemoCompany {
    /// Short name.
    pub slug: String,
    /// Host of its portal, with or without a port.
    pub host: String,
    /// Its administrator.
    pub admin: Login,
    /// Its resident with two linked accounts.
    pub resident: Login,
    /// Accounts that nobody linked.
    #[serde(default)]
    pub unlinked: Vec<Unlinked>,
}

/// A login of the demo.
#[derive(Clone, Debug, Deserialize)]
pub struct Login {
    /// E-mail.
    pub email: String,
    /// Password.
    pub password: String,
}

/// An account that nobody linked, with what linking asks for.
#[derive(Clone, Debug, Deserialize)]
pub struct Unlinked {
    /// Number.
    pub account: String,
    /// House number.
    pub house: String,
    /// Flat; empty for a house without flats.
    pub flat: String,
    /// Surname of the holder.
    pub surname: String,
}

impl Demo {
    /// Reads `demo.json` of a data folder.
    ///
    /// # Panics
    /// When it is not there, or lacks what is read here.
    #[must_use]
    pub fn read(dir: &Path) -> Self {
        let file = dir.join("demo.json");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// The company with this slug.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn company(&self, slug: &str) -> &DemoCompany {
        self.companies.iter().find(|company| company.slug == slug).unwrap_or_else(|| panic!("no company {slug}"))
    }
}
