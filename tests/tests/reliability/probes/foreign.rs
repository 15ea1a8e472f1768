//! What the other company has and the own one has not, each with something like it that nobody has.

use std::collections::HashSet;

use uuid::Uuid;

use super::company::Company;
use super::{things, tokens};

/// An identifier that nobody has.
const NOBODYS: &str = "0193a1c0-0000-7000-8000-0000000000ff";
/// A month that nobody has billed.
const NOBODYS_MONTH: &str = "2024-02";
/// Rows of each table whose identifiers are tried.
const OF_A_TABLE: u32 = 2;
/// Things of each name that are tried.
const OF_A_NAME: usize = 2;
/// Signs of the shortest secret: 32 bytes.
const SECRET: usize = 43;
/// Names that stand for what a meter shows: nobody's more than another's.
const FIGURES: [&str; 3] = ["value", "free_value", "read_value"];
/// Things whose values may stand in any company's pages.
const SHARED: [&str; 8] = ["holder", "surname", "service", "owed", "stated", "kind", "paid_service", "period"];

/// What any company has, identifiers and others: a month, codes, numbers, a serial, a digest, secrets.
const WANTED: &str = "account meter resident staff request file run absence benefit correction grant
    period service kind house number serial template paid_service session email
    activation recovery new_email export invitation unsubscribe meter_link scanned_code receipt_code";

/// Names that stand for a thing of another name in a certain state, and that other name.
const ALIKE: [(&str, &str); 13] = [
    ("free_account", "account"),
    ("unmetered", "account"),
    ("refused", "account"),
    ("free_meter", "meter"),
    ("read_meter", "meter"),
    ("faulty_meter", "meter"),
    ("photo_meter", "meter"),
    ("read_house_meter", "house_meter"),
    ("new_run", "run"),
    ("new_request", "request"),
    ("open_request", "request"),
    ("done_request", "request"),
    ("request_with_file", "request"),
];

/// Something of the other company.
#[derive(Clone, Debug)]
pub(super) struct Foreign {
    /// The name of the thing, or the table that it stands in.
    pub(super) of: String,
    /// Whether `of` is the name of a thing.
    pub(super) is_thing: bool,
    /// Whether it may stand in no page of the own company.
    pub(super) identifies: bool,
    pub(super) value: String,
    /// A value of the same shape that nobody has.
    pub(super) nobodys: String,
}

impl Foreign {
    /// Whether it is what a call names so.
    pub(super) fn is_a(&self, name: &str) -> bool {
        let plain = |name: &str| {
            ALIKE.iter().find(|(known, _)| *known == name).map_or(name.to_owned(), |(_, of)| (*of).to_owned())
        };
        self.is_thing && plain(&self.of) == plain(name)
    }
}

/// Things by their names, then rows of every table by their identifiers.
pub(super) fn all(own: &Company, other: &Company) -> Vec<Foreign> {
    let mut found = Vec::new();
    for name in things::names().chain(tokens::names()).filter(|name| !FIGURES.contains(name)) {
        let known: HashSet<String> = own.things(name).into_iter().collect();
        let theirs = other.things(name).into_iter().filter(|value| !known.contains(value) && !value.trim().is_empty());
        found.extend(theirs.take(OF_A_NAME).map(|value| foreign(name, true, value)));
    }
    let things: HashSet<String> = found.iter().map(|foreign: &Foreign| foreign.value.clone()).collect();
    let rows = other.identifiers(OF_A_TABLE).into_iter().filter(|(_, id)| !things.contains(id));
    found.extend(rows.map(|(table, id)| foreign(&table, false, id)));
    let has = |name: &str| found.iter().any(|foreign| foreign.of == name);
    let missing: Vec<&str> = WANTED.split_whitespace().filter(|name| !has(name)).collect();
    assert!(missing.is_empty(), "the other company has no {missing:?}");
    found
}

/// Another such value that nobody has, for what may be written once; itself where its shape has no room for a number.
pub(super) fn another(nobodys: &str, number: u32) -> String {
    Uuid::parse_str(nobodys)
        .map_or(nobodys.to_owned(), |id| Uuid::from_u128(id.as_u128() + u128::from(number)).to_string())
}

fn foreign(of: &str, is_thing: bool, value: String) -> Foreign {
    let identifies = is_thing && !SHARED.contains(&of);
    let nobodys = if of == tokens::CODE { tokens::nobodys_code(&value) } else { nobodys(&value) };
    Foreign { of: of.to_owned(), is_thing, identifies, value, nobodys }
}

/// A value of the same shape that nobody has.
pub(super) fn nobodys(value: &str) -> String {
    if Uuid::parse_str(value).is_ok() {
        return NOBODYS.to_owned();
    }
    if let Some((whose, kind, proof)) = parts_of_a_secret(value)
        && Uuid::parse_str(whose).is_ok()
    {
        return format!("{NOBODYS}.{kind}.{}", nobodys(proof));
    }
    if value.len() == 7 && value.chars().enumerate().all(|(at, c)| if at == 4 { c == '-' } else { c.is_ascii_digit() })
    {
        return NOBODYS_MONTH.to_owned();
    }
    if value.len() == 64 && value.chars().all(|c| c.is_ascii_hexdigit()) {
        // Letters stay letters: a digest of digits alone would be a number, and one that begins with a letter a code.
        return value.chars().map(|c| if c.is_ascii_digit() { '0' } else { 'f' }).collect();
    }
    let other = |c: char| match c {
        '0'..='9' => '9',
        'a'..='z' => 'q',
        'A'..='Z' => 'Q',
        'а'..='я' => 'ъ',
        'А'..='Я' => 'Ъ',
        c => c,
    };
    let mut nobodys: String = value.chars().map(other).collect();
    if value.len() >= SECRET && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) {
        // Bytes in base64: its last sign holds fewer bits than the others, and not every one can stand there.
        nobodys.pop();
        nobodys.push('A');
    }
    nobodys
}

/// Whom a secret with three parts is of, what for, and what proves it: the link that ends letters is such a one.
fn parts_of_a_secret(value: &str) -> Option<(&str, &str, &str)> {
    let (whose, rest) = value.split_once('.')?;
    let (kind, proof) = rest.split_once('.')?;
    Some((whose, kind, proof))
}

#[test]
fn what_nobody_has_looks_like_what_somebody_has() {
    assert_eq!(nobodys("0193a1c0-0000-7000-8000-000000000001"), NOBODYS);
    assert_eq!(another(NOBODYS, 1), "0193a1c0-0000-7000-8000-000000000100");
    assert_eq!(nobodys("2024-01"), NOBODYS_MONTH);
    assert_eq!(nobodys(&"a1".repeat(32)), "f0".repeat(32));
    assert_eq!(nobodys("ВСХН-65 A7b"), "ЪЪЪЪ-99 Q9q");
    let secret = format!("{}-Ab0", "xY7_".repeat(10));
    assert_eq!(nobodys(&secret), format!("{}-QqA", "qQ9_".repeat(10)));
    let ends_letters = format!("0193a1c0-0000-7000-8000-000000000001.message.{secret}");
    assert_eq!(nobodys(&ends_letters), format!("{NOBODYS}.message.{}", nobodys(&secret)));
    assert_eq!(nobodys("anna.b@mail.ru"), "qqqq.q@qqqq.qq");
}
