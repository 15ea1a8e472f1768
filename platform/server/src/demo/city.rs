//! Houses, premises, accounts and their people: pure functions of (seed, number of the account).

use kabinet_accounts::registry::{NewAccount, NewHolder, NewHouse, NewOccupancy, Party};
use kabinet_contracts::AccountId;
use kabinet_core::{Period, Quantity};

use super::chance::Chance;
use super::names::{LANES, MEN, STREETS, SURNAMES, WOMEN};

/// Accounts of one block: a house of flats with a shop, and a private house.
pub(super) const BLOCK: u64 = 50;
/// Places within a block with something special.
const ROOMS: std::ops::RangeInclusive<u64> = 44..=46;
const PRIVATE: u64 = 47;
const SHOP: u64 = 48;
const CLOSED: u64 = 33;
const CHANGED_HANDS: u64 = 12;
const RENUMBERED: [u64; 2] = [5, 15];
/// How many months before the first billed one the accounts were opened.
const OPENED_BEFORE: i32 = -36;

/// What stands behind an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dwelling {
    /// A flat in a block of flats.
    Flat,
    /// A room of a communal flat.
    Room,
    /// A private house, which has no flat number.
    PrivateHouse,
    /// A shop held by a firm.
    Shop,
}

impl Dwelling {
    /// What the account with this number is.
    #[must_use]
    pub fn of(number: u64) -> Self {
        match number % BLOCK {
            place if ROOMS.contains(&place) => Self::Room,
            PRIVATE => Self::PrivateHouse,
            SHOP => Self::Shop,
            _ => Self::Flat,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Room => "room",
            Self::PrivateHouse => "private_house",
            Self::Shop => "non_residential",
        }
    }
}

/// The made-up town of one company, with its first billed month.
#[derive(Clone, Debug)]
pub struct City {
    pub(super) chance: Chance,
    pub(super) first: Period,
}

impl City {
    /// The town that `chance` draws; `first` is the first month that is billed.
    #[must_use]
    pub const fn new(chance: Chance, first: Period) -> Self {
        Self { chance, first }
    }

    /// The houses in which the accounts `numbers` are, each once.
    #[must_use]
    pub fn houses(&self, numbers: std::ops::Range<u64>) -> Vec<NewHouse> {
        let mut houses = Vec::new();
        for number in numbers {
            if number.is_multiple_of(BLOCK) || Dwelling::of(number) == Dwelling::PrivateHouse {
                houses.push(self.house(number));
            }
        }
        houses
    }

    fn house(&self, number: u64) -> NewHouse {
        let block = number / BLOCK;
        let private = Dwelling::of(number) == Dwelling::PrivateHouse;
        let street = if private { &LANES[..] } else { &STREETS[..] };
        let count = street.len() as u64;
        let street = street.get(usize::try_from(block % count).unwrap_or_default()).copied().unwrap_or_default();
        let plain = 3 + block / count * 2 + block % 7;
        let number_text = match (private, block % 4) {
            (false, 1) => format!("{plain}/1"),
            (false, 3) => format!("{plain}А"),
            _ => plain.to_string(),
        };
        NewHouse {
            id: self.chance.id("house", Self::house_number(number)),
            code: format!("{}{:05}", if private { "P" } else { "H" }, block + 1),
            address: format!("г. Челябинск, {street}, д. {number_text}"),
            number: number_text,
            has_flats: !private,
        }
    }

    /// Private houses are numbered by their account, blocks of flats by their first one.
    fn house_number(number: u64) -> u64 {
        if Dwelling::of(number) == Dwelling::PrivateHouse { number } else { number / BLOCK * BLOCK }
    }

    /// The number of the house as people type it.
    #[must_use]
    pub fn house_text(&self, number: u64) -> String {
        self.house(Self::house_number(number)).number
    }

    /// The account's identifier.
    #[must_use]
    pub fn account_id(&self, number: u64) -> AccountId {
        AccountId(self.chance.id("account", number))
    }

    /// The account's number as printed.
    #[must_use]
    pub fn account_text(&self, number: u64) -> String {
        let company = self.chance.draw("branch", 0, 0, 90) + 10;
        format!("00{company}{:06}", number + 101)
    }

    /// The flat number; empty for a private house.
    #[must_use]
    pub fn flat_text(&self, number: u64) -> String {
        let place = number % BLOCK;
        match Dwelling::of(number) {
            Dwelling::Flat => (place + 1).to_string(),
            Dwelling::Room => format!("{}/{}", ROOMS.start() + 1, place - ROOMS.start() + 1),
            Dwelling::Shop => "1Н".to_owned(),
            Dwelling::PrivateHouse => String::new(),
        }
    }

    /// Whether the account's life ends while the town is watched; most live on.
    #[must_use]
    pub fn closes(&self, number: u64) -> bool {
        number % BLOCK == CLOSED
    }

    /// Whether the account has had another holder before; its receipts of that time are not shown.
    #[must_use]
    pub fn changed_hands(&self, number: u64) -> bool {
        number % BLOCK == CHANGED_HANDS
    }

    /// Whether the account is closed in `month` already.
    #[must_use]
    pub fn closed_in(&self, number: u64, month: Period) -> bool {
        self.closes(number) && month > self.last_month()
    }

    /// The last month of the accounts that close.
    fn last_month(&self) -> Period {
        self.first.plus(9)
    }

    /// How many people are registered; may be none.
    #[must_use]
    pub fn registered(&self, number: u64) -> u32 {
        let drawn = match Dwelling::of(number) {
            Dwelling::Shop => 0,
            Dwelling::Room => 1 + self.chance.draw("people", number, 0, 2),
            Dwelling::PrivateHouse => 2 + self.chance.draw("people", number, 0, 4),
            Dwelling::Flat if number.is_multiple_of(BLOCK) => 3,
            Dwelling::Flat if self.chance.happens("empty", number, 0, 5) => 0,
            Dwelling::Flat => 1 + self.chance.draw("people", number, 0, 4),
        };
        u32::try_from(drawn).unwrap_or_default()
    }

    /// The surname of the present holder; none for a firm.
    #[must_use]
    pub fn surname(&self, number: u64) -> Option<String> {
        match self.holders(number).pop().map(|holder| holder.party) {
            Some(Party::Person { surname, .. }) => Some(surname),
            _ => None,
        }
    }

    /// The account with everything around it.
    #[must_use]
    pub fn account(&self, number: u64) -> NewAccount {
        let els = format!("74{}{:06}", self.chance.choose("els", 0, &["kb", "ts", "dg", "ur"]), number + 1);
        let dwelling = Dwelling::of(number);
        let old = format!("{:02}-{:04}", number / BLOCK + 1, number % BLOCK + 1);
        NewAccount {
            id: self.account_id(number),
            number: self.account_text(number),
            old_numbers: if RENUMBERED.contains(&(number % BLOCK)) { vec![old] } else { Vec::new() },
            izhku: format!("{els}-01"),
            els,
            house: self.chance.id("house", Self::house_number(number)),
            premises: self.chance.id("premises", number),
            flat: self.flat_text(number),
            kind: dwelling.code().to_owned(),
            area: self.area(number),
            opened_on: self.first.plus(OPENED_BEFORE).first_day(),
            closed_on: self.closes(number).then(|| self.last_month().last_day()),
            holders: self.holders(number),
            occupancy: self.occupancy(number),
        }
    }

    /// Tenths of a square metre are what technical passports give.
    fn area(&self, number: u64) -> Quantity {
        let (from, span) = match Dwelling::of(number) {
            Dwelling::Flat => (312, 560),
            Dwelling::Room => (118, 110),
            Dwelling::PrivateHouse => (640, 1_100),
            Dwelling::Shop => (600, 1_800),
        };
        let tenths = from + self.chance.draw("area", number, 0, span);
        Quantity(i64::try_from(tenths).unwrap_or_default() * 1_000_000)
    }

    fn occupancy(&self, number: u64) -> Vec<NewOccupancy> {
        let from_on = self.first.plus(OPENED_BEFORE).first_day();
        let owners = u32::try_from(self.present_holders(number)).unwrap_or(1);
        let people = NewOccupancy { from_on, registered: self.registered(number), temporary: 0, owners };
        let mut all = vec![people];
        if people.registered > 0 && self.chance.happens("born", number, 0, 4) {
            let month = self.first.plus(4 + i32::try_from(self.chance.draw("born", number, 1, 8)).unwrap_or_default());
            all.push(NewOccupancy { from_on: month.first_day(), registered: people.registered + 1, ..people });
        }
        all
    }

    fn present_holders(&self, number: u64) -> u64 {
        match (Dwelling::of(number), self.chance.draw("shares", number, 0, 100)) {
            (Dwelling::Shop | Dwelling::Room, _) | (_, 0..70) => 1,
            (_, 70..95) => 2,
            _ => 3,
        }
    }

    /// Former holders first.
    fn holders(&self, number: u64) -> Vec<NewHolder> {
        let opened = self.first.plus(OPENED_BEFORE).first_day();
        if Dwelling::of(number) == Dwelling::Shop {
            let id = self.chance.id("holder", number * 4);
            return vec![NewHolder { id, party: self.firm(number), share: (1, 1), from_on: opened, to_on: None }];
        }
        let moved = self.first.plus(6).first_day();
        let changed = self.changed_hands(number);
        let count = self.present_holders(number);
        let share = (1, i32::try_from(count).unwrap_or(1));
        let mut holders = Vec::new();
        if changed {
            let party = self.person(number * 4 + 3, None);
            let id = self.chance.id("holder", number * 4 + 3);
            holders.push(NewHolder { id, party, share: (1, 1), from_on: opened, to_on: Some(moved.plus_days(-1)) });
        }
        for place in 0..count {
            let party = self.person(number * 4 + place, Some(number));
            let id = self.chance.id("holder", number * 4 + place);
            let from_on = if changed { moved } else { opened };
            holders.push(NewHolder { id, party, share, from_on, to_on: None });
        }
        holders
    }

    /// A person; those of one family share a surname.
    fn person(&self, who: u64, family: Option<u64>) -> Party {
        let pick = |what: &str, choices: &[&'static str]| self.chance.choose(what, who, choices).to_owned();
        let woman = self.chance.happens("woman", who, 0, 55);
        let pairs = SURNAMES.len() as u64;
        let at = self.chance.draw("surname", family.unwrap_or(who), i32::from(family.is_some()), pairs);
        let (his, her) = SURNAMES.get(usize::try_from(at).unwrap_or_default()).copied().unwrap_or_default();
        let (surname, (given, patronymic)) = if woman { (her, WOMEN) } else { (his, MEN) };
        Party::Person {
            surname: surname.to_owned(),
            given_name: pick("given", &given),
            patronymic: pick("patronymic", &patronymic),
        }
    }

    fn firm(&self, number: u64) -> Party {
        let name = self.chance.choose("firm", number, &["Рассвет", "Меридиан", "Уралторг", "Аптека 24", "Хлебный дом"]);
        Party::Organisation { name: format!("ООО «{name}»"), inn: inn(744_800_000 + number % 10_000_000) }
    }
}

/// The ИНН that begins with these nine digits, with its check digit.
fn inn(nine: u64) -> String {
    const WEIGHTS: [u64; 9] = [2, 4, 10, 3, 5, 9, 4, 6, 8];
    let text = format!("{nine:09}");
    let digits = text.bytes().map(|byte| u64::from(byte - b'0'));
    let sum: u64 = digits.zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    format!("{text}{}", sum % 11 % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn city() -> City {
        City::new(Chance::new(1, "beregovoy"), Period(202_509))
    }

    #[test]
    fn the_same_seed_builds_the_same_city() {
        for number in 0..200 {
            assert_eq!(format!("{:?}", city().account(number)), format!("{:?}", city().account(number)));
        }
    }

    #[test]
    fn every_account_stands_in_a_house_of_its_own_city() {
        let houses: Vec<_> = city().houses(0..300).into_iter().map(|house| house.id).collect();
        let mut numbers: Vec<String> = (0..300).map(|number| city().account(number).number).collect();
        for number in 0..300 {
            assert!(houses.contains(&city().account(number).house), "{number}");
        }
        numbers.sort();
        numbers.dedup();
        assert_eq!(numbers.len(), 300);
        assert_eq!(houses.len(), 12);
    }

    #[test]
    fn shares_add_up_and_firms_have_a_true_number() {
        for number in 0..300 {
            let account = city().account(number);
            let present = account.holders.iter().filter(|holder| holder.to_on.is_none());
            let parts: Vec<_> = present.map(|holder| holder.share).collect();
            assert_eq!(parts.iter().map(|share| share.0).sum::<i32>(), parts[0].1, "{number}");
            for holder in account.holders {
                if let Party::Organisation { inn, .. } = holder.party {
                    assert_eq!(kabinet_render::payment_qr::inn_problem(&inn), None, "{inn}");
                }
            }
        }
    }

    #[test]
    fn the_city_has_what_real_ones_have() {
        let accounts: Vec<_> = (0..300).map(|number| city().account(number)).collect();
        assert!(accounts.iter().any(|account| account.flat.is_empty() && account.kind == "private_house"));
        assert!(accounts.iter().any(|account| account.closed_on.is_some()));
        assert!(accounts.iter().any(|account| !account.old_numbers.is_empty()));
        assert!(accounts.iter().any(|account| account.holders.iter().any(|holder| holder.to_on.is_some())));
        assert!(accounts.iter().any(|account| account.occupancy.len() > 1));
    }
}
