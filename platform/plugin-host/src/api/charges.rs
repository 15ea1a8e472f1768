//! What comes out of a plugin.

use rust_decimal::Decimal;
use rust_decimal::serde::{str as exact, str_option as exact_option};
use serde::{Deserialize, Serialize};

use super::{Period, Unit, Zone};

/// The charges of one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountCharges {
    /// The account's index in the batch.
    pub index: u32,
    /// One line for each service of the account, in the order they were given.
    pub lines: Vec<Line>,
}

/// One service charged on one account, with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Position of the service in [`super::Batch::tables`].
    pub service: u16,
    /// How the volume was determined.
    pub method: Method,
    /// Why it was not by meter, where that needs a reason.
    pub reason: Option<Reason>,
    /// Volume in the table's units.
    #[serde(with = "exact")]
    pub volume: Decimal,
    /// The volume by zone and range with its tariff; their sum is `exact_amount`.
    pub parts: Vec<Part>,
    /// The norm used, if any.
    #[serde(with = "exact_option")]
    pub norm: Option<Decimal>,
    /// The raising coefficient used, if any.
    #[serde(with = "exact_option")]
    pub coefficient: Option<Decimal>,
    /// Charge in kopecks, without the excess; rounded half-up once.
    pub amount: i64,
    /// Raising excess in kopecks, a column of its own; rounded half-up once.
    pub excess: i64,
    /// Charge in roubles before rounding.
    #[serde(with = "exact")]
    pub exact_amount: Decimal,
    /// Raising excess in roubles before rounding.
    #[serde(with = "exact")]
    pub exact_excess: Decimal,
    /// Corrections of earlier months, often empty.
    pub recalculations: Vec<Recalculation>,
    /// The formula as data; [`crate::words`] puts it into a sentence.
    pub trace: Vec<Term>,
}

impl Line {
    /// What the line adds to the bill, in kopecks: charge, excess and recalculations.
    pub fn total(&self) -> i64 {
        let corrections: i64 = self.recalculations.iter().map(|r| r.amount).sum();
        self.amount + self.excess + corrections
    }

    /// The tariff in roubles a unit, where the whole volume met one; none for zones and ranges.
    pub fn tariff(&self) -> Option<Decimal> {
        match self.parts.as_slice() {
            [only] => Some(only.tariff),
            _ => None,
        }
    }
}

/// Volume of one zone and range with its tariff.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Time zone of the day.
    pub zone: Zone,
    /// Lower limit of the range, in the table's units; 0 for the first.
    #[serde(with = "exact")]
    pub above: Decimal,
    /// Volume in the table's units.
    #[serde(with = "exact")]
    pub volume: Decimal,
    /// Roubles a unit.
    #[serde(with = "exact")]
    pub tariff: Decimal,
    /// Roubles before rounding.
    #[serde(with = "exact")]
    pub exact_amount: Decimal,
}

/// A correction of an earlier month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recalculation {
    /// Why.
    pub basis: Basis,
    /// The month that is corrected.
    pub period: Period,
    /// Kopecks, negative in the resident's favour; rounded half-up once.
    pub amount: i64,
    /// Roubles before rounding.
    #[serde(with = "exact")]
    pub exact_amount: Decimal,
}

/// How a volume was determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By the readings of the premises' meters.
    Meter,
    /// By the average of earlier months.
    Average,
    /// By the norm.
    Norm,
    /// By the norm, with a raising excess.
    NormRaised,
    /// From the volumes of the account's other services.
    Derived,
    /// By the area.
    Area,
    /// By the number of people.
    Persons,
    /// As a share of the house meter's volume.
    HouseShare,
    /// A fixed sum.
    Fixed,
}

/// Why a volume is not by meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// There is none, and none can be installed.
    NoMeter,
    /// There is none, though one could be installed.
    MeterPossible,
    /// Nobody sent a reading of the month.
    ReadingMissing,
    /// The meter is broken.
    MeterFailed,
    /// Its verification has run out.
    VerificationExpired,
    /// The company was not let in to check it.
    AccessRefused,
}

/// Basis of a recalculation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Months charged by average are replaced by a real reading.
    AverageReversed,
    /// Residents were away.
    Absence,
    /// Yearly or house-wide correction.
    Correction,
    /// A benefit.
    Benefit,
    /// Something of the plugin's own.
    Other,
}

/// One operand of the formula. A step ends with [`Operation::Equals`]; in it
/// multiplication and division bind before addition and subtraction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// How it joins what stands before it.
    pub operation: Operation,
    /// What the number is.
    pub role: Role,
    /// The number.
    #[serde(with = "exact")]
    pub value: Decimal,
    /// Its unit; a price is in roubles, a norm in the unit of its volume.
    pub unit: Unit,
}

/// How an operand joins what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// First operand of a step.
    Start,
    /// Multiplied by.
    Times,
    /// Divided by.
    Divide,
    /// Plus.
    Plus,
    /// Minus.
    Minus,
    /// The step's result.
    Equals,
}

/// What a number of the formula is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The reading of the month.
    ReadingCurrent,
    /// The reading before it.
    ReadingPrevious,
    /// A volume.
    Volume,
    /// Sum of the volumes of several months.
    History,
    /// A number of months.
    Months,
    /// An average of a month.
    Average,
    /// The norm.
    Norm,
    /// Residents.
    Residents,
    /// Owners.
    Owners,
    /// An area.
    Area,
    /// The price of a unit.
    Tariff,
    /// A raising coefficient.
    Coefficient,
    /// Days that are charged.
    DaysCharged,
    /// Days of the month.
    DaysInMonth,
    /// The volume of the house.
    HouseVolume,
    /// The area of the house.
    HouseArea,
    /// A part of the whole, 0 to 1.
    Share,
    /// Charge in roubles before rounding: the result the line carries.
    Amount,
    /// Raising excess in roubles before rounding.
    Excess,
    /// A recalculation in roubles.
    Recalculation,
    /// Anything else.
    Other,
}

/// What a plugin says about itself, with what the host measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PluginInfo {
    /// SHA-256 of the component, 64 hexadecimal digits.
    pub hash: String,
    /// Version of the contract the component was built for, for example `1.0.0`.
    pub api: String,
    /// The plugin's id, for example `standard`.
    pub id: String,
    /// The plugin's own version.
    pub version: String,
    /// Names of the rules it knows.
    pub rules: Vec<String>,
    /// Size of the component, bytes.
    pub component_bytes: usize,
    /// Size of the compiled artifact, bytes.
    pub artifact_bytes: usize,
}
