//! What a meter measures, and how people call it.

use kabinet_core::Quantity;

/// A resource that an individual meter measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Cold water, m³.
    ColdWater,
    /// Hot water, m³.
    HotWater,
    /// Electricity, kWh, one to three zones.
    Electricity,
    /// Heat, Гкал.
    Heat,
    /// Gas, m³.
    Gas,
}

impl Resource {
    /// Every resource, in the order in which lists show them.
    pub const ALL: [Self; 5] = [Self::ColdWater, Self::HotWater, Self::Electricity, Self::Heat, Self::Gas];

    /// The code stored in `meter.service_code`, the same as the service's code in billing.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ColdWater => "cold_water",
            Self::HotWater => "hot_water",
            Self::Electricity => "electricity",
            Self::Heat => "heat",
            Self::Gas => "gas",
        }
    }

    /// The resource of a stored code; `None` for a code that no meter measures.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|resource| resource.code() == code)
    }

    /// The service's name for residents.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::ColdWater => "Холодная вода",
            Self::HotWater => "Горячая вода",
            Self::Electricity => "Электроэнергия",
            Self::Heat => "Отопление",
            Self::Gas => "Газ",
        }
    }

    /// The unit of its readings.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::ColdWater | Self::HotWater | Self::Gas => "м³",
            Self::Electricity => "кВт·ч",
            Self::Heat => "Гкал",
        }
    }
}

/// The label of zone `index` (from 0) of a meter with `zones` zones; empty for a single-zone meter.
#[must_use]
pub fn zone_label(index: usize, zones: usize) -> &'static str {
    match (zones, index) {
        (2, 0) => "Т1, день",
        (3, 0) => "Т1, пик",
        (2 | 3, 1) => "Т2, ночь",
        (3, 2) => "Т3, полупик",
        _ => "",
    }
}

/// How a form field of zone `index` ends: nothing for a single-zone meter, otherwise `_t1` to `_t3`.
#[must_use]
pub const fn zone_suffix(index: usize, zones: usize) -> &'static str {
    match (zones, index) {
        (0 | 1, _) => "",
        (_, 0) => "_t1",
        (_, 1) => "_t2",
        _ => "_t3",
    }
}

/// The first value that a meter with `digits` whole digits cannot show; there it starts again from 0.
#[must_use]
pub const fn rollover_at(digits: i32) -> Quantity {
    // Eleven digits are the most that 10^7 scaling leaves room for in 64 bits.
    let digits = if digits < 1 {
        1
    } else if digits > 11 {
        11
    } else {
        digits
    };
    Quantity::whole(10_i64.pow(digits.unsigned_abs()))
}

/// Where a reading came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A resident in the portal.
    Portal,
    /// Somebody through the page of readings without registration.
    Guest,
    /// Taken down by staff on the phone.
    Phone,
    /// Entered by staff.
    Staff,
    /// A file of the company, a bank or a state system.
    Import,
    /// The value at which the meter was installed.
    Installation,
    /// A check by the company on the spot.
    Inspection,
    /// The meter itself.
    Automatic,
    /// A resident in a messenger.
    Chat,
}

impl Source {
    const ALL: [Self; 9] = [
        Self::Portal,
        Self::Guest,
        Self::Phone,
        Self::Staff,
        Self::Import,
        Self::Installation,
        Self::Inspection,
        Self::Automatic,
        Self::Chat,
    ];

    /// The code stored in `reading.source`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Guest => "guest",
            Self::Phone => "phone",
            Self::Staff => "staff",
            Self::Import => "import",
            Self::Installation => "installation",
            Self::Inspection => "inspection",
            Self::Automatic => "automatic",
            Self::Chat => "chat",
        }
    }

    /// A stored code in words for residents; the code itself when this release does not know it.
    #[must_use]
    pub fn words(code: &str) -> &str {
        match Self::ALL.into_iter().find(|source| source.code() == code) {
            Some(Self::Portal) => "личный кабинет",
            Some(Self::Guest) => "без регистрации",
            Some(Self::Phone) => "по телефону",
            Some(Self::Staff) => "сотрудник компании",
            Some(Self::Import) => "загрузка данных",
            Some(Self::Installation) => "при установке",
            Some(Self::Inspection) => "контрольное снятие",
            Some(Self::Automatic) => "автоматически",
            Some(Self::Chat) => "из мессенджера",
            None => code,
        }
    }
}
