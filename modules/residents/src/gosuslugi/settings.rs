//! What a company sets: whether it offers the login, and its own registered system if it has one.

use kabinet_core::{DbError, Tenant};
use serde::{Deserialize, Serialize};

/// The name under which a company's settings are stored.
pub const SETTINGS: &str = "gosuslugi";

/// A company's settings. Its secret, the key, stays with the platform's signer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GosuslugiSettings {
    /// Whether residents may log in through Gosuslugi.
    pub enabled: bool,
    /// The mnemonic of the company's own registered system; empty for the platform's.
    pub client_id: String,
    /// The hash of that system's certificate; empty for the platform's.
    pub certificate_hash: String,
}

impl GosuslugiSettings {
    /// The settings of `tenant`.
    pub fn of(tenant: &Tenant) -> Result<Self, DbError> {
        tenant.settings(SETTINGS)
    }
}

/// What is wrong with a mnemonic, in Russian. It becomes an argument of the signer's command, so its
/// signs are few and the first one is a letter or a digit.
#[must_use]
pub fn client_id_problem(client_id: &str) -> Option<&'static str> {
    let signs = client_id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let begins = client_id.starts_with(|c: char| c.is_ascii_alphanumeric());
    (!signs || !begins || client_id.len() > 64)
        .then_some("мнемоника системы: латинские буквы, цифры, дефис, точка и подчёркивание, до 64 знаков")
}

#[cfg(test)]
mod tests {
    use super::client_id_problem;

    #[test]
    fn a_mnemonic_is_no_option_of_a_command() {
        assert!(client_id_problem("KABINET01").is_none() && client_id_problem("7400.UK-1_x").is_none());
        for wrong in ["-rf", "", "a b", "a;b", "ЖКХ", &"x".repeat(65)] {
            assert!(client_id_problem(wrong).is_some(), "{wrong}");
        }
    }
}
