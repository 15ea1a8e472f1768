//! What a receipt says: plain data, in the shape of the form of order 43/пр.
//!
//! Everything here crosses a process boundary (postcard) and is handed to
//! templates that companies write themselves, so it holds nothing but texts,
//! integers and lists. Units, everywhere in this module:
//!
//! - money is `i64` kopecks;
//! - volumes, readings, areas, norms, tariffs and coefficients are `i64` scaled
//!   by 10^7 ([`QUANTITY_SCALE`]): 12.5 m³ is `125_000_000`;
//! - dates are `u32` yyyymmdd (`20261116`), periods are `u32` yyyymm (`202610`).
//!
//! The fields are a contract with the templates that companies stored: a receipt of years ago is
//! printed with the template of its day. Fields are added, never renamed and never taken away.

use serde::{Deserialize, Serialize};

/// What one whole unit is in the scaled integers of volumes, tariffs, areas and
/// coefficients: seven decimal places.
pub const QUANTITY_SCALE: i64 = 10_000_000;

/// One receipt: one kind, one account, one period, as it was when published.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReceiptData {
    /// Heading of this kind of receipt, e.g. «Платёжный документ за
    /// жилищно-коммунальные услуги».
    pub kind_title: String,
    /// The billed month, yyyymm.
    pub period: u32,
    /// The day the receipt was issued, yyyymmdd. It is also the date of the PDF.
    pub issued_on: u32,
    /// The last day to pay without penalty, yyyymmdd, already moved to a working
    /// day.
    pub due_on: u32,
    /// The company that sends the receipt.
    pub company: CompanyInfo,
    /// To whom the money goes.
    pub supplier: SupplierRequisites,
    /// Who pays, for which premises.
    pub payer: Payer,
    /// Individual meters; empty where there are none.
    pub meters: Vec<MeterLine>,
    /// The lines, grouped as the form wants: maintenance, common-property
    /// resources, utilities, capital repair, other.
    pub groups: Vec<ChargeGroup>,
    /// The sums under the lines. The renderer prints them and never adds up
    /// itself.
    pub totals: Totals,
    /// The last payment that came in before the receipt was issued.
    pub last_payment: Option<LastPayment>,
    /// Norms and house figures.
    pub reference: Reference,
    /// Instalments granted; mostly empty.
    pub instalments: Vec<Instalment>,
    /// Debt that a court awarded, apart from the balance of the services; mostly empty.
    pub awards: Vec<CourtAward>,
    /// The bytes of the payment QR (see [`crate::payment_qr`]) in the encoding
    /// they declare; empty prints no QR, as for an account with nothing to pay.
    pub qr_payload: Vec<u8>,
    /// The one-time code for linking the account in the portal, as printed; empty prints none.
    pub link_code: String,
    /// What the QR beside that code says: the address of the portal's linking page; empty prints none.
    pub link_url: String,
}

/// The company on whose behalf the receipt is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CompanyInfo {
    /// Full name with the legal form.
    pub name: String,
    /// Postal address of the office.
    pub address: String,
    /// Phones of the office, as people should read them.
    pub phones: Vec<String>,
    /// Address of the site, without the scheme.
    pub site: String,
    /// E-mail address; may be empty.
    pub email: String,
    /// Office hours in words; may be empty.
    pub hours: String,
    /// Emergency and dispatch desk: phone and hours.
    pub dispatch: String,
    /// The company's colour as `#rrggbb`; a template may use it for rules and
    /// headings and must stay readable in grey.
    pub accent: String,
}

/// Bank details of the one who is paid.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SupplierRequisites {
    /// Name as the bank knows it.
    pub name: String,
    /// ИНН: 10 digits, or 12 of a sole proprietor.
    pub inn: String,
    /// КПП: 9 digits, empty for a sole proprietor.
    pub kpp: String,
    /// Settlement account: 20 digits.
    pub settlement_account: String,
    /// Name of the bank.
    pub bank_name: String,
    /// БИК: 9 digits.
    pub bic: String,
    /// Correspondent account: 20 digits.
    pub correspondent_account: String,
}

/// Who pays and for which premises.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Payer {
    /// Account number (лицевой счёт), text with its leading zeros.
    pub account: String,
    /// ЕЛС of GIS ЖКХ; empty where not assigned.
    pub els: String,
    /// ИЖКУ of GIS ЖКХ; empty where not assigned.
    pub izhku: String,
    /// ИД ПД of GIS ЖКХ; empty where not assigned.
    pub payment_document_id: String,
    /// The holder as printed: a short personal name or a firm's name.
    pub holder: String,
    /// Address of the premises in one line.
    pub address: String,
    /// Total area in m², scaled by 10^7.
    pub area: Option<i64>,
    /// Registered residents (or owners, where nobody is registered).
    pub residents: Option<u32>,
}

/// One individual meter, or one scale of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MeterLine {
    /// The service it measures, with the zone where there are several.
    pub service: String,
    /// Factory number.
    pub serial: String,
    /// Unit of the readings, e.g. «м³».
    pub unit: String,
    /// Reading at the start of the period, scaled by 10^7.
    pub previous: Option<i64>,
    /// Reading at its end, scaled by 10^7.
    pub current: Option<i64>,
    /// Volume billed for it, scaled by 10^7: what it measured, or what was charged in the place of a reading.
    pub volume: i64,
    /// How the volume came about, in words: «по показаниям», «по среднему: показания не переданы».
    pub method: String,
    /// When the verification runs out, yyyymmdd.
    pub next_verification: Option<u32>,
}

/// Lines under one heading.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChargeGroup {
    /// The heading, e.g. «Коммунальные услуги».
    pub title: String,
    /// Its lines; never empty.
    pub lines: Vec<ChargeLine>,
}

/// One service in one period.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChargeLine {
    /// The service.
    pub service: String,
    /// Unit of the volume, e.g. «м³», «кВт·ч», «м²», «чел.».
    pub unit: String,
    /// Volume of the premises, scaled by 10^7; `None` for a lump sum and for common property.
    pub volume: Option<i64>,
    /// How that volume was determined, in a word or two: «прибор», «норматив».
    pub method: String,
    /// The share in the volume for the common property, scaled by 10^7.
    pub common_volume: Option<i64>,
    /// How the volume for the common property was determined.
    pub common_method: String,
    /// Rubles per unit, scaled by 10^7; `None` for a lump sum, and where the parts have tariffs of their own.
    pub tariff: Option<i64>,
    /// Zones of the day and ranges of the month's volume, each with its tariff; empty where one tariff holds.
    pub parts: Vec<ChargePart>,
    /// Volume × tariff without the excess, kopecks.
    pub charged: i64,
    /// The raising coefficient, scaled by 10^7, where one applies.
    pub coefficient: Option<i64>,
    /// What the raising coefficient adds, kopecks.
    pub excess: i64,
    /// Why earlier periods are corrected; empty where they are not.
    pub recalculation_basis: String,
    /// Correction of earlier periods, kopecks, negative in the payer's favour.
    pub recalculation: i64,
    /// Which benefit it is; empty where there is none.
    pub benefits_basis: String,
    /// Benefits and subsidies, kopecks, a positive number that lowers the sum.
    pub benefits: i64,
    /// What the month adds, kopecks: charged + excess + recalculation − benefits.
    pub accrued: i64,
    /// Balance at the start, kopecks: debt positive, overpayment negative.
    pub opening: i64,
    /// Penalty, kopecks.
    pub penalty: i64,
    /// Payments counted in this receipt, kopecks, a positive number that lowers
    /// the sum; negative where what was paid ahead pays other lines.
    pub counted: i64,
    /// What remains for this service, kopecks; negative is an overpayment.
    pub to_pay: i64,
    /// The calculation in words: «3,5 м³ × 39,56 ₽ = 138,46 ₽». May be empty.
    pub formula: String,
}

/// A zone of the day or a range of the month's volume.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChargePart {
    /// Which: «Т1, пик», «свыше 3 900 кВт·ч».
    pub label: String,
    /// Its volume, scaled by 10^7.
    pub volume: i64,
    /// Rubles per unit, scaled by 10^7.
    pub tariff: i64,
    /// Kopecks; those of all parts together are the line's `charged`, which is rounded once.
    pub charged: i64,
}

/// The sums of all lines, kopecks, with the signs of [`ChargeLine`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Balance at the start: debt positive, overpayment negative.
    pub opening: i64,
    /// The lines' `charged` together.
    pub charged: i64,
    /// The lines' `excess` together.
    pub excess: i64,
    /// The lines' `recalculation` together.
    pub recalculation: i64,
    /// The lines' `benefits` together.
    pub benefits: i64,
    /// The lines' `accrued` together.
    pub accrued: i64,
    /// The lines' `penalty` together.
    pub penalty: i64,
    /// Payments counted.
    pub counted: i64,
    /// Opening + charged + excess + recalculation − benefits + penalty − counted;
    /// negative is an overpayment.
    pub to_pay: i64,
}

impl Totals {
    /// The sums of all lines of `groups`, as they stand: nothing is derived from anything else.
    #[must_use]
    pub fn of(groups: &[ChargeGroup]) -> Self {
        let mut totals = Self::default();
        for line in groups.iter().flat_map(|group| &group.lines) {
            totals.opening += line.opening;
            totals.charged += line.charged;
            totals.excess += line.excess;
            totals.recalculation += line.recalculation;
            totals.benefits += line.benefits;
            totals.accrued += line.accrued;
            totals.penalty += line.penalty;
            totals.counted += line.counted;
            totals.to_pay += line.to_pay;
        }
        totals
    }
}

/// A payment that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastPayment {
    /// Its day, yyyymmdd.
    pub paid_on: u32,
    /// Its sum, kopecks.
    pub sum: i64,
}

/// Reference section: norms and the house.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reference {
    /// Consumption norms in force.
    pub norms: Vec<NormLine>,
    /// House meters with the month's readings.
    pub house_meters: Vec<HouseMeter>,
    /// What the house as a whole was supplied with.
    pub house_totals: Vec<HouseTotal>,
    /// Further figures of the house: areas, counts.
    pub house: Vec<HouseFact>,
    /// Further words, one paragraph each. No advertising: the law forbids it.
    pub notes: Vec<String>,
}

/// One consumption norm.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NormLine {
    /// The service.
    pub service: String,
    /// The norm in the premises, scaled by 10^7.
    pub individual: Option<i64>,
    /// The norm for common property, scaled by 10^7.
    pub common: Option<i64>,
    /// Its unit: «м³ на человека».
    pub unit: String,
}

/// One house meter (ОДПУ) in the month.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HouseMeter {
    /// The service it measures.
    pub service: String,
    /// Factory number.
    pub serial: String,
    /// Unit of the readings.
    pub unit: String,
    /// Reading at the start of the period, scaled by 10^7.
    pub previous: Option<i64>,
    /// Reading at its end, scaled by 10^7.
    pub current: Option<i64>,
    /// What it measured in between, scaled by 10^7.
    pub volume: Option<i64>,
    /// What stands in for a month that it did not count, and why: «по нормативу: прибор неисправен»; empty where it
    /// did.
    pub method: String,
}

/// What a house took of one service in the month.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HouseTotal {
    /// The service.
    pub service: String,
    /// Unit of the volumes.
    pub unit: String,
    /// In all premises together, scaled by 10^7.
    pub premises: Option<i64>,
    /// For the common property, scaled by 10^7.
    pub common: Option<i64>,
}

/// One figure of the house, already in words.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HouseFact {
    /// What: «Площадь общего имущества».
    pub title: String,
    /// How much: «1 102,4 м²».
    pub value: String,
}

/// One instalment that was granted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Instalment {
    /// The service it belongs to.
    pub service: String,
    /// What is paid for this period, kopecks.
    pub this_period: i64,
    /// What is paid of earlier periods' debt, kopecks.
    pub earlier: i64,
    /// Interest for the instalment, percent a year scaled by 10^7; `None` where there is none.
    pub rate: Option<i64>,
    /// Interest for the instalment, kopecks.
    pub interest: i64,
    /// To pay with it, kopecks.
    pub to_pay: i64,
}

/// Debt that a court awarded: it is paid by its own order and stands in no service's balance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CourtAward {
    /// The decision: «судебный приказ № 2-114/2026 от 12.05.2026».
    pub basis: String,
    /// What is left of it, kopecks.
    pub sum: i64,
}
