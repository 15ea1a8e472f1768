//! The one-meter links of a house on paper, to be cut and dropped into letter boxes or hung beside the meters: flat,
//! meter and QR, and nothing of whoever lives there. A link on paper is the one that [`crate::links`] makes every time.

use std::collections::HashMap;

use kabinet_accounts::roster;
use kabinet_contracts::{AccountId, MeterId};
use kabinet_core::{Day, DbError, Period, Tx};
use kabinet_render::{Document, ReceiptPrinter, format};
use sea_orm::FromQueryResult;
use serde::Serialize;

use crate::error::Error;
use crate::links::Links;
use crate::resource::Resource;
use crate::settings::MetersSettings;
use crate::view::service_title;

/// Links of a part: ten pages, which a worker sets in a moment.
pub const PART: usize = 120;

const TEMPLATE: &str = include_str!("../templates/meters/sheet.typ.jinja");

/// Which links are printed.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    /// The company's code of the house.
    pub house: &'w str,
    /// The month.
    pub period: Period,
    /// Which part, from 1.
    pub part: usize,
}

/// A part of a house's sheet, ready to be printed.
#[derive(Clone, Debug)]
pub struct Sheet(Document);

impl Sheet {
    /// How many links it has.
    #[must_use]
    pub fn links(&self) -> usize {
        self.0.codes.len()
    }

    /// The PDF, set by a worker process. Slow: after the transaction.
    pub async fn print(&self, printer: &ReceiptPrinter) -> Result<Vec<u8>, Error> {
        Ok(printer.print_document(TEMPLATE, &self.0).await?)
    }
}

/// A meter of the house.
#[derive(Clone, Debug, FromQueryResult)]
struct HouseDial {
    id: MeterId,
    account_id: AccountId,
    service_code: String,
    serial: String,
    place: String,
    flat: String,
    kind: String,
    address: String,
}

/// What the template shows.
#[derive(Serialize)]
struct Fields<'f> {
    house: &'f str,
    period: i32,
    from: i32,
    until: i32,
    part: usize,
    parts: usize,
    cards: Vec<Card<'f>>,
}

#[derive(Serialize)]
struct Card<'f> {
    door: String,
    service: String,
    serial: &'f str,
    place: &'f str,
}

/// A part of the sheet of a house, in the order of its flats: the meters that people may send readings of today. Not
/// found when the house has no such part; refused when the month's readings are not taken any more.
pub async fn of_house(tx: &Tx, links: &Links, wanted: &Wanted<'_>) -> Result<Sheet, Error> {
    let (from, until) = MetersSettings::of(tx.tenant())?.days_of(wanted.period);
    if until < tx.today() {
        return Err(Error::field("period", "Показания за этот месяц уже не принимаются, ссылки не действуют"));
    }
    let dials = dials(tx, wanted.house).await?;
    let part = wanted.part.checked_sub(1).and_then(|before| dials.chunks(PART).nth(before)).ok_or(Error::NotFound)?;
    let ids: Vec<MeterId> = part.iter().map(|dial| dial.id).collect();
    let (cards, codes) = linked(part, &links.addresses(tx, &ids, wanted.period).await?);
    let fields = Fields {
        house: dials.first().map_or("", |dial| &dial.address),
        period: wanted.period.0,
        from: from.0,
        until: until.0,
        part: wanted.part,
        parts: dials.len().div_ceil(PART),
        cards,
    };
    document(tx.today(), &fields, codes).map(Sheet)
}

/// A card for each meter that has a link, and beside it, at the same place, the link.
fn linked<'d>(dials: &'d [HouseDial], addresses: &HashMap<MeterId, String>) -> (Vec<Card<'d>>, Vec<String>) {
    dials.iter().filter_map(|dial| Some((card(dial), addresses.get(&dial.id)?.clone()))).unzip()
}

fn card(dial: &HouseDial) -> Card<'_> {
    // A house without flats has its address on the door.
    let whole = dial.flat.is_empty();
    Card {
        door: if whole { dial.address.clone() } else { roster::door_words(&dial.flat, &dial.kind) },
        service: service_title(&dial.service_code),
        serial: &dial.serial,
        place: &dial.place,
    }
}

fn document(on: Day, fields: &Fields<'_>, codes: Vec<String>) -> Result<Document, Error> {
    let title = format!("Показания за {}: {}", format::period(fields.period.unsigned_abs()), fields.house);
    Ok(Document::new(title, on.0.unsigned_abs(), fields)?.with_codes(codes))
}

/// The house's meters that people may send readings of today.
async fn dials(tx: &Tx, house: &str) -> Result<Vec<HouseDial>, Error> {
    let accounts = roster::of_house(tx, house).await?.ok_or(Error::NotFound)?;
    let places: HashMap<AccountId, usize> = accounts.into_iter().enumerate().map(|(at, id)| (id, at)).collect();
    let mut dials = readable(tx, house).await?;
    sort(&mut dials, &places);
    Ok(dials)
}

/// By flat, resource and serial number; two meters that are alike so far stand in one order in every part.
fn sort(dials: &mut [HouseDial], places: &HashMap<AccountId, usize>) {
    dials.sort_by_cached_key(|dial| {
        let resource = Resource::from_code(&dial.service_code);
        (places.get(&dial.account_id).copied(), resource, dial.serial.clone(), dial.id)
    });
}

async fn readable(tx: &Tx, house: &str) -> Result<Vec<HouseDial>, DbError> {
    let sql = "SELECT m.id, m.account_id, m.service_code, m.serial, m.place, p.flat, p.kind, h.address FROM meter m
               JOIN account a ON a.tenant_id = m.tenant_id AND a.id = m.account_id
               JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
               JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
               WHERE m.tenant_id = $1 AND h.code = $2 AND NOT m.automatic
                 AND (m.removed_on IS NULL OR m.removed_on > $3) AND (a.closed_on IS NULL OR a.closed_on > $3)
                 AND NOT EXISTS (SELECT 1 FROM meter_fault f WHERE f.tenant_id = m.tenant_id AND f.meter_id = m.id
                                 AND f.kind = 'failed' AND f.ended_on IS NULL)";
    tx.rows(sql, vec![house.into(), tx.today().into()]).await
}

#[cfg(test)]
mod tests {
    use kabinet_render::document::typeset_document;
    use uuid::Uuid;

    use super::*;

    const ACCOUNT: AccountId = AccountId(Uuid::from_u128(1));

    fn dial(id: u128, serial: &str) -> HouseDial {
        HouseDial {
            id: MeterId(Uuid::from_u128(id)),
            account_id: ACCOUNT,
            service_code: "cold_water".to_owned(),
            serial: serial.to_owned(),
            place: String::new(),
            flat: "1".to_owned(),
            kind: "flat".to_owned(),
            address: String::new(),
        }
    }

    #[test]
    fn beside_each_meter_stands_its_own_code() {
        let dials = [dial(1, "A"), dial(2, "B"), dial(3, "C")];
        let addresses = [(3, "of C"), (1, "of A")].map(|(id, text)| (MeterId(Uuid::from_u128(id)), text.to_owned()));
        let (cards, codes) = linked(&dials, &addresses.into());
        let pairs: Vec<(&str, &str)> =
            cards.iter().map(|card| card.serial).zip(codes.iter().map(String::as_str)).collect();
        assert_eq!(pairs, [("A", "of A"), ("C", "of C")], "and one without a link has no card");
        assert_eq!(cards.len(), codes.len());
    }

    #[test]
    fn meters_that_are_alike_stand_in_one_order_however_they_were_found() {
        let places = HashMap::from([(ACCOUNT, 0)]);
        let sorted = |mut dials: [HouseDial; 3]| {
            sort(&mut dials, &places);
            dials.map(|dial| (dial.serial, dial.id))
        };
        let one = sorted([dial(2, "7"), dial(3, "5"), dial(1, "7")]);
        assert_eq!(one, sorted([dial(1, "7"), dial(2, "7"), dial(3, "5")]));
        assert_eq!(one.map(|(serial, _)| serial), ["5", "7", "7"]);
    }

    #[test]
    fn what_is_known_of_a_meter_is_text_on_its_card() {
        let hostile = "#panic(1) \\ $x$ *b* \"q\" ] } [[ <a> @b `c` /* */ // https://x.example";
        let cards = (0..13).map(|_| Card {
            door: hostile.to_owned(),
            service: hostile.to_owned(),
            serial: hostile,
            place: hostile,
        });
        let fields = Fields {
            house: hostile,
            period: 202_611,
            from: 20_261_115,
            until: 20_261_125,
            part: 1,
            parts: 2,
            cards: cards.collect(),
        };
        let codes = (0..13).map(|n| format!("https://portal.example/readings/link/{n}")).collect();
        let document = document(Day(20_261_122), &fields, codes).expect("a document");
        assert!(typeset_document(TEMPLATE, &document).expect("a PDF").starts_with(b"%PDF"));
        let without = Document { codes: Vec::new(), ..document };
        assert!(typeset_document(TEMPLATE, &without).is_err(), "each card shows its code");
    }
}
