//! What goes into a tariff plugin and what comes out, in the platform's own words.
//!
//! These types do not change with the published WIT contract: one adapter per
//! contract version converts to and from them at the edge.

mod charges;

use rust_decimal::Decimal;
use rust_decimal::serde::{str as exact, str_option as exact_option};
use serde::{Deserialize, Serialize};

pub use charges::{
    AccountCharges, Basis, Line, Method, Operation, Part, PluginInfo, Reason, Recalculation, Role, Term,
};

/// One calendar month that is being charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// Calendar year, for example 2026.
    pub year: u16,
    /// Month from 1 to 12.
    pub month: u8,
}

/// Everything one call needs: the month, the company's tables in force and the accounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// The month that is charged.
    pub period: Period,
    /// Company-wide settings of the plugin (see its `plugin.toml`).
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// Tariffs, norms and coefficients, already resolved for `period`; lines and
    /// consumptions name a table by its position here.
    pub tables: Vec<ServiceTable>,
    /// Houses the accounts refer to by position; may be empty.
    #[serde(default)]
    pub houses: Vec<House>,
    /// Accounts to charge, each with an index that is unique in the batch.
    pub accounts: Vec<Account>,
}

/// A named number for rules of a plugin's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Name the plugin documents, at most 64 bytes.
    pub name: String,
    /// Value, scale at most 9.
    #[serde(with = "exact")]
    pub value: Decimal,
}

/// Prices, norm and coefficient of one service as they are in force in the month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceTable {
    /// The company's own stable code of the service, at most 64 bytes.
    pub code: String,
    /// What the service is, so that one service can build on another (wastewater on water).
    pub kind: ServiceKind,
    /// Name of the plugin's rule: `metered`, `drainage`, `area` or `persons` in the standard one.
    pub rule: String,
    /// Unit of the volume.
    pub unit: Unit,
    /// Prices in roubles a unit; at least one, see [`Price`].
    pub prices: Vec<Price>,
    /// Norm in units a person (or a square metre, for heating) a month.
    #[serde(default, with = "exact_option")]
    pub norm: Option<Decimal>,
    /// Raising coefficient where a meter is possible but absent; none means that nothing is raised.
    #[serde(default, with = "exact_option")]
    pub coefficient: Option<Decimal>,
    /// Numbers for rules of a plugin's own.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
}

/// One price: in roubles a unit, of one zone, for the part of the month's volume above a limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Time zone of the day the price is for.
    #[serde(default)]
    pub zone: Zone,
    /// The price holds for volume above this limit, in the table's units; 0 for the first range.
    #[serde(default, with = "exact")]
    pub above: Decimal,
    /// Roubles a unit, scale at most 9.
    #[serde(with = "exact")]
    pub amount: Decimal,
}

/// A house with what its shared meters measured; only rules that share out need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct House {
    /// Area of all rooms, m².
    #[serde(with = "exact")]
    pub rooms_area: Decimal,
    /// Area of the common property, m².
    #[serde(with = "exact")]
    pub common_area: Decimal,
    /// Volumes by service.
    #[serde(default)]
    pub volumes: Vec<HouseVolume>,
}

/// What is known about one service of a house in the month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HouseVolume {
    /// Position of the service in [`Batch::tables`].
    pub service: u16,
    /// Volume of the house meter in the table's units, if there is one.
    #[serde(default, with = "exact_option")]
    pub house_meter: Option<Decimal>,
    /// Sum of the rooms' volumes in the table's units.
    #[serde(with = "exact")]
    pub rooms_volume: Decimal,
    /// Area of the rooms that have meters, m².
    #[serde(with = "exact")]
    pub metered_area: Decimal,
}

/// One account, without anything that names a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Opaque number, unique in the batch; comes back with the charges.
    pub index: u32,
    /// Kind of premises.
    #[serde(default)]
    pub premises: Premises,
    /// Area, m².
    #[serde(with = "exact")]
    pub area: Decimal,
    /// Registered residents, permanent and temporary.
    pub residents: u16,
    /// Owners; they count where nobody is registered.
    pub owners: u16,
    /// Position of the house in [`Batch::houses`].
    #[serde(default)]
    pub house: Option<u32>,
    /// Parts of the month with figures of their own; empty means the whole month as above.
    #[serde(default)]
    pub spans: Vec<Span>,
    /// Documented absences that lower charges by norm.
    #[serde(default)]
    pub absences: Vec<Absence>,
    /// Services to charge, each at most once.
    pub services: Vec<Consumption>,
}

/// Days of the month during which the account's figures were these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// First day of the month, from 1.
    pub from_day: u8,
    /// Last day of the month, inclusive.
    pub to_day: u8,
    /// Registered residents in these days.
    pub residents: u16,
    /// Owners in these days.
    pub owners: u16,
    /// Area in these days, m².
    #[serde(with = "exact")]
    pub area: Decimal,
}

/// Residents who were away for full days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// How many residents were away.
    pub residents: u16,
    /// Full days away in the month (days of departure and arrival do not count).
    pub days: u8,
}

/// What is known about one service of one account in the month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumption {
    /// Position of the service in [`Batch::tables`].
    pub service: u16,
    /// Meters of the premises for this service; empty where there is none.
    #[serde(default)]
    pub meters: Vec<Meter>,
    /// No meter is installed although one could be: the raising coefficient applies.
    #[serde(default)]
    pub meter_possible: bool,
    /// Earlier months charged by average, oldest first; reversed when a real reading comes.
    #[serde(default)]
    pub averaged: Vec<AveragedMonth>,
    /// Numbers for rules of a plugin's own.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
}

/// One meter with its readings of the month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meter {
    /// Whether its readings may be used, and if not, why.
    #[serde(default)]
    pub state: MeterState,
    /// Consecutive periods before this one that were charged without a reading.
    #[serde(default)]
    pub missed_periods: u8,
    /// One entry for each zone the meter counts.
    pub zones: Vec<ZoneReading>,
}

/// Readings of one zone of a meter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneReading {
    /// Time zone of the day.
    #[serde(default)]
    pub zone: Zone,
    /// The last reading that was charged, in the table's units.
    #[serde(with = "exact")]
    pub previous: Decimal,
    /// The last reading of the month, if one came.
    #[serde(default, with = "exact_option")]
    pub current: Option<Decimal>,
    /// Metered monthly volumes before the first missed month, in any order; the base of an average.
    #[serde(default, with = "exact_list")]
    pub history: Vec<Decimal>,
}

/// A month that was charged by average and awaits a real reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragedMonth {
    /// The month.
    pub period: Period,
    /// Volume charged then, in the table's units.
    #[serde(with = "exact")]
    pub volume: Decimal,
    /// Charged then, in kopecks, the excess included.
    pub charged: i64,
}

/// What a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// Cold water.
    ColdWater,
    /// Hot water: the water, or both components in one.
    HotWater,
    /// Wastewater.
    Wastewater,
    /// Electricity.
    Electricity,
    /// Heating.
    Heating,
    /// Gas.
    Gas,
    /// Upkeep of the premises.
    Maintenance,
    /// Contributions to capital repair.
    CapitalRepair,
    /// Solid waste (ТКО).
    Waste,
    /// A resource that the common property uses.
    CommonProperty,
    /// Anything else.
    Other,
}

/// Unit of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// m³.
    CubicMetre,
    /// kWh.
    KilowattHour,
    /// Гкал.
    Gigacalorie,
    /// m².
    SquareMetre,
    /// A resident.
    Person,
    /// ₽.
    Rouble,
    /// A month.
    Month,
    /// A day.
    Day,
    /// A number without a unit, such as a coefficient.
    One,
}

/// Time zone of the day an electricity meter counts apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// The whole day: a meter with one tariff.
    #[default]
    WholeDay,
    /// Day of a two-zone meter.
    Day,
    /// Night of a two- or three-zone meter.
    Night,
    /// Peak of a three-zone meter.
    Peak,
    /// Half-peak of a three-zone meter.
    HalfPeak,
}

/// Kind of premises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Premises {
    /// A flat in a block of flats.
    #[default]
    Flat,
    /// A room of a communal flat.
    Room,
    /// A private house.
    PrivateHouse,
    /// A shop, an office: an average holds for two periods, not three.
    NonResidential,
    /// A parking place.
    Parking,
}

/// Whether a meter's readings may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeterState {
    /// In order.
    #[default]
    Working,
    /// Out of order.
    Failed,
    /// Its verification has expired.
    VerificationExpired,
    /// The company's inspector was not let in.
    AccessRefused,
}

mod exact_list {
    //! Decimals of a list as text, like the single ones.
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Exact(#[serde(with = "super::exact")] Decimal);

    pub(super) fn serialize<S: Serializer>(list: &[Decimal], out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(list.iter().map(|d| Exact(*d)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Decimal>, D::Error> {
        let list = Vec::<Exact>::deserialize(from)?;
        Ok(list.into_iter().map(|e| e.0).collect())
    }
}
