//! What a company decides about its billing, typed, with defaults.

use kabinet_core::{DbError, Tenant, Tx};
use kabinet_render::payment_qr::QrEncoding;
use serde::{Deserialize, Serialize};

use crate::catalog::Section;
use crate::penalty::usual_low_only;

/// The module's name in the table of settings.
pub const MODULE: &str = "billing";

/// A company's billing settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BillingSettings {
    /// Hash of the company's receipt template (see [`crate::catalog::set_receipt_template`]); empty for
    /// the platform's own.
    pub receipt_template: String,
    /// How the letters of the payment QR become bytes.
    pub qr_encoding: QrEncoding,
    /// Absences of up to so many full days in a row give nothing back (ПП РФ 354, п. 86: 5).
    pub free_absence_days: u32,
    /// Sections of the receipt whose debts never cost more than 1/300 of the rate a day.
    pub low_penalty: Vec<Section>,
    /// Whether what rooms used beyond the house's meter is taken off the next month's rest of it.
    pub carry_house_rest: bool,
    /// Paragraphs printed in the reference section of every receipt. No advertising: the law forbids it.
    pub receipt_notes: Vec<String>,
}

impl Default for BillingSettings {
    fn default() -> Self {
        Self {
            receipt_template: String::new(),
            qr_encoding: QrEncoding::default(),
            free_absence_days: 5,
            low_penalty: usual_low_only(),
            carry_house_rest: false,
            receipt_notes: Vec::new(),
        }
    }
}

impl BillingSettings {
    /// The company's settings.
    pub fn of(tenant: &Tenant) -> Result<Self, DbError> {
        tenant.settings(MODULE)
    }

    /// The company's settings as they are stored: what is changed is read by the transaction that changes it.
    pub async fn stored(tx: &Tx) -> Result<Self, DbError> {
        tx.stored_settings(MODULE).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_settings_may_leave_out_what_is_usual() {
        let settings: BillingSettings = serde_json::from_str(r#"{"receipt_template":"ab"}"#).expect("settings");
        assert_eq!(settings.receipt_template, "ab");
        assert_eq!(settings.free_absence_days, 5);
    }
}
