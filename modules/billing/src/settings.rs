//! What a company decides about its billing, typed, with defaults.

use kabinet_core::calendar::CompanyCalendar;
use kabinet_core::{Day, DbError, Period, Tenant};
use kabinet_render::payment_qr::QrEncoding;
use serde::{Deserialize, Serialize};

/// The module's name in the table of settings.
pub const MODULE: &str = "billing";

/// A company's billing settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BillingSettings {
    /// Until which day of the following month a bill is to be paid, by the period of the bill.
    pub due_days: Vec<DueDay>,
    /// Hash of the company's receipt template (see [`crate::catalog::set_receipt_template`]); empty for
    /// the platform's own.
    pub receipt_template: String,
    /// How the letters of the payment QR become bytes.
    pub qr_encoding: QrEncoding,
    /// Absences of up to so many full days in a row give nothing back (ПП РФ 354, п. 86: 5).
    pub free_absence_days: u32,
    /// Whether what rooms used beyond the house's meter is taken off the next month's rest of it.
    pub carry_house_rest: bool,
    /// Paragraphs printed in the reference section of every receipt. No advertising: the law forbids it.
    pub receipt_notes: Vec<String>,
}

/// From a period on, bills are due by this day of the following month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DueDay {
    /// The first period whose bill is due by it, `yyyymm`.
    pub from_period: Period,
    /// Day of the month, 1 to 28.
    pub day: u32,
}

impl Default for BillingSettings {
    fn default() -> Self {
        Self {
            due_days: vec![
                DueDay { from_period: Period(190_001), day: 10 },
                DueDay { from_period: Period(202_602), day: 15 },
            ],
            receipt_template: String::new(),
            qr_encoding: QrEncoding::default(),
            free_absence_days: 5,
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

    /// The last day to pay the bill of `period`; a day off by the company's calendar moves to the next working day.
    #[must_use]
    pub fn due_on(&self, calendar: &CompanyCalendar, period: Period) -> Day {
        let rule = self.due_days.iter().filter(|rule| rule.from_period <= period).max_by_key(|rule| rule.from_period);
        let day = rule.map_or(10, |rule| rule.day).clamp(1, 28);
        calendar.working_day_from(Day(period.next().0 * 100 + day.cast_signed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bills_are_due_on_working_days_by_the_rule_of_their_period() {
        let (settings, usual) = (BillingSettings::default(), CompanyCalendar::default());
        assert_eq!(settings.due_on(&usual, Period(202_610)), Day(20_261_116));
        assert_eq!(settings.due_on(&usual, Period(202_601)), Day(20_260_210));
        assert_eq!(settings.due_on(&usual, Period(202_602)), Day(20_260_316));
        assert_eq!(settings.due_on(&usual, Period(202_512)), Day(20_260_112));
    }

    #[test]
    fn stored_settings_may_leave_out_what_is_usual() {
        let settings: BillingSettings = serde_json::from_str(r#"{"receipt_template":"ab"}"#).expect("settings");
        assert_eq!(settings.receipt_template, "ab");
        assert_eq!(settings.due_days.len(), 2);
    }
}
