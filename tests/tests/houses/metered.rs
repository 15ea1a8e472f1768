//! A year of heat that was paid evenly, in a house some of whose rooms have meters of their own.

use kabinet_tests::process::run;
use kabinet_tests::server::command;
use kabinet_tests::{Database, Kind, Server, on_both_databases, world};
use rust_decimal::{Decimal, RoundingStrategy};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::{HOUSE, address, kopecks, number, quantity};

on_both_databases![metered_and_other_rooms_share_the_houses_year_by_their_heat];

const SLUG: &str = "teploset";
/// Roubles a Гкал in January 2027.
const TARIFF: Decimal = Decimal::from_parts(249_108, 0, 0, false, 2);

/// A room of the house that was billed in every month of 2026 and in January.
#[derive(FromQueryResult)]
struct Room {
    id: Uuid,
    premises: Uuid,
    number: String,
    area: i64,
    house: i64,
    /// Over 2026, kopecks.
    charged: i64,
    january: i64,
    correction: i64,
}

/// The rooms that were billed for heating in all of the `months` from January 2026 to `last`, with what they were
/// charged in 2026 and in the last one.
fn rooms(server: &Server, last: i32, months: i64) -> Vec<Room> {
    let sql = "SELECT a.id, a.number, p.id AS premises, p.area,
                 (SELECT CAST(sum(o.area) AS bigint) FROM premises o
                  WHERE o.tenant_id = p.tenant_id AND o.house_id = p.house_id) AS house,
                 CAST(sum(CASE WHEN r.period < 202701 THEN c.charged ELSE 0 END) AS bigint) AS charged,
                 CAST(sum(CASE WHEN r.period = $3 THEN c.charged ELSE 0 END) AS bigint) AS january,
                 CAST(sum(CASE WHEN r.period = $3 THEN c.recalculation ELSE 0 END) AS bigint) AS correction
               FROM house h JOIN premises p ON p.tenant_id = h.tenant_id AND p.house_id = h.id
               JOIN account a ON a.tenant_id = p.tenant_id AND a.premises_id = p.id AND a.closed_on IS NULL
               JOIN billing_run r ON r.tenant_id = h.tenant_id AND r.state = 'published'
                AND r.period BETWEEN 202601 AND $3
               JOIN charge c ON c.tenant_id = a.tenant_id AND c.run_id = r.id AND c.account_id = a.id
                AND c.service_code = 'heating'
               WHERE h.tenant_id = $1 AND h.code = $2
               GROUP BY a.id, a.number, p.id, p.area, p.tenant_id, p.house_id
               HAVING count(*) = $4 ORDER BY a.number";
    let values = vec![HOUSE.into(), last.into(), months.into()];
    world::in_company(server, SLUG, async |tx| tx.rows(sql, values).await.expect("rooms"))
}

/// Puts a heat meter into a room, which measured `used` Гкал over 2026.
fn put_meter(server: &Server, room: &Room, used: i64) {
    let meter = Uuid::now_v7();
    let put = "INSERT INTO meter (tenant_id, id, account_id, service_code, serial, place, model, zones, digits,
                 automatic, installed_on)
               SELECT tenant_id, $2, id, 'heat', 'Т-1', '', '', 1, 5, false, 20250601 FROM account
               WHERE tenant_id = $1 AND id = $3";
    let read =
        "INSERT INTO reading (tenant_id, id, meter_id, account_id, period, taken_on, value_t1, source, created_at)
                SELECT tenant_id, $2, id, account_id, $4, $5, $6, 'staff', 0 FROM meter
                WHERE tenant_id = $1 AND id = $3";
    world::in_company(server, SLUG, async |tx| {
        tx.execute(put, vec![meter.into(), room.id.into()]).await.expect("a meter");
        for (day, value) in [(20_251_231_i32, 100), (20_261_231, 100 + used)] {
            let values = vec![
                Uuid::now_v7().into(),
                meter.into(),
                (day / 100).into(),
                day.into(),
                (value * 10_000_000_i64).into(),
            ];
            tx.execute(read, values).await.expect("a reading");
        }
    });
}

fn places(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(7, RoundingStrategy::MidpointAwayFromZero)
}

/// What the heat of 2026 cost the house, roubles, and its mean month, Гкал.
fn year(server: &Server) -> (Decimal, Decimal) {
    let known = server.staff(SLUG).call("GET", &address(""), None).expect(200).json();
    let tariff = |month: u32| Decimal::new(if month < 10 { 218_516 } else { 249_108 }, 2);
    let months = known["volumes"].as_array().expect("volumes").iter().filter_map(|volume| {
        let month: u32 = volume["period"].as_str()?.strip_prefix("2026-")?.parse().ok()?;
        Some((month, number(&volume["volume"])))
    });
    let months: Vec<(u32, Decimal)> = months.collect();
    assert_eq!(months.len(), 12);
    let cost: Decimal = months.iter().map(|(month, volume)| *volume * tariff(*month)).sum();
    let mean = months.iter().map(|(_, volume)| *volume).sum::<Decimal>() / Decimal::from(12);
    (Decimal::new(kopecks(cost), 2), places(mean))
}

fn metered_and_other_rooms_share_the_houses_year_by_their_heat(kind: Kind) {
    // Every month of 2026 is billed by then.
    let server = Server::demo(Database::new(kind), "2027-01-20T12:00:00+05:00");
    let before = rooms(&server, 202_612, 12);
    let first = before.first().expect("a room");
    let second = before.iter().find(|room| room.premises != first.premises).expect("another");
    let metered = [(first, 6), (second, 4)];
    for (room, used) in metered {
        put_meter(&server, room, used);
    }
    run(command(&server.database, "2027-02-05").args(["bill", SLUG, "2027-01", "--publish"]));

    let (cost, house) = year(&server);
    let month = |used: i64| places(Decimal::from(used) / Decimal::from(12));
    let measured = month(6) + month(4);
    let (area, all) = (quantity(first.area + second.area), quantity(first.house));
    let rest = house - places(measured * all / area);
    assert!(rest > Decimal::ZERO, "{rest} of {house}");
    let after = rooms(&server, 202_701, 13);
    assert!(after.len() > 20);
    for room in &after {
        let own = metered.iter().find(|(known, _)| known.id == room.id).map(|(_, used)| month(*used));
        let own = own.unwrap_or_else(|| places(quantity(room.area) * measured / area));
        let volume = own + places(quantity(room.area) * rest / all);
        assert_eq!(room.january, kopecks(volume * TARIFF), "{}", room.number);
        let owed = places(volume * cost / house) - Decimal::new(room.charged, 2);
        assert_eq!(room.correction, kopecks(owed), "{}", room.number);
    }
    // By area alone the first room would have paid for heat that its meter did not count.
    let by_area = quantity(first.area) * cost / all - Decimal::new(first.charged, 2);
    let corrected = after.iter().find(|room| room.id == first.id).expect("the first room").correction;
    assert_ne!(corrected, kopecks(by_area));
    let said = run(command(&server.database, "2027-02-05").args(["bill", "--replay", SLUG, "2027-01"]));
    assert!(said.contains("совпадает с опубликованным до байта"), "{said}");
}
