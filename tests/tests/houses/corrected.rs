//! Resources of the common property are billed by norm and recalculated by what the house's meter really measured.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kabinet_tests::pdf::Pdf;
use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases, world};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{Room, address, charge, kopecks, number, quantity, room_of, rooms, rooms_with};

on_both_databases![
    a_month_by_norm_is_recalculated_by_the_real_volume_above_and_below_it,
    a_corrected_month_moves_what_is_carried_into_the_months_after_it,
    a_correction_that_is_taken_back_leaves_every_month_as_if_it_had_never_been,
    a_house_is_corrected_by_its_own_company_and_only_where_that_changes_a_charge,
];

pub(crate) const SLUG: &str = "beregovoy";
/// When November is billed: the corrections were recorded before.
pub(crate) const LATER: &str = "2026-12-05";
/// More than any norm of the first house, kWh.
const ABOVE: Decimal = Decimal::from_parts(3000, 0, 0, false, 0);
/// Roubles a unit, from October 2026 on.
pub(crate) const LIGHT: Decimal = Decimal::from_parts(553, 0, 0, false, 2);
pub(crate) const WATER: Decimal = Decimal::from_parts(4586, 0, 0, false, 2);

/// Kopecks by account number.
pub(crate) type Sums = BTreeMap<String, i64>;

/// What a room pays for its share of what is left of the house, kopecks.
fn share(room: &Room, rest: Decimal, tariff: Decimal) -> i64 {
    let volume = (rest * quantity(room.area) / quantity(room.house))
        .round_dp_with_strategy(7, RoundingStrategy::MidpointAwayFromZero);
    kopecks(volume * tariff)
}

/// What each room that was charged comes to by another rest, less `so_far`; rooms without a difference are left out.
pub(crate) fn owed<'a>(
    rooms: impl IntoIterator<Item = &'a Room>,
    (rest, tariff): (Decimal, Decimal),
    so_far: impl Fn(&Room) -> i64,
) -> Sums {
    let charged = rooms.into_iter().filter(|room| room.amount.is_some());
    let owed = charged.map(|room| (room.number.clone(), share(room, rest, tariff) - so_far(room)));
    owed.filter(|(_, kopecks)| *kopecks != 0).collect()
}

pub(crate) fn billed(room: &Room) -> i64 {
    room.amount.expect("a charged room")
}

pub(crate) fn used(rooms: &[Room]) -> Decimal {
    rooms.iter().filter_map(|room| room.water).map(quantity).sum()
}

/// The differences of a month in an answer's list.
fn differences(answer: &Value, list: &str, period: &str) -> Sums {
    let items = answer[list].as_array().expect(list).iter().filter(|item| item["period"] == period);
    let sum = |item: &Value| (item["number"].as_str().expect("a number").to_owned(), item["difference"].as_i64());
    items.map(sum).map(|(number, sum)| (number, sum.expect("kopecks"))).collect()
}

fn correct(staff: &mut Browser, what: &str, volume: Decimal) -> Value {
    let entry = json!({ "volume": volume.normalize().to_string(), "serial": "ЦЭ6803 № 118" });
    staff.call("PUT", &address(&format!("/corrections/{what}")), Some(&entry)).expect(200).json()
}

fn preview(staff: &mut Browser, what: &str) -> Value {
    staff.call("GET", &address(&format!("/recomputed/{what}")), None).expect(200).json()
}

fn recalculate(staff: &mut Browser, what: &str) -> Value {
    staff.call("POST", &address(&format!("/recalculations/{what}")), None).expect(200).json()
}

/// The corrections of an account's October, in the order in which they were recorded.
fn recorded(staff: &mut Browser, account: Uuid) -> Vec<Value> {
    let listed = format!("/api/admin/v1/billing/accounts/{account}/recalculations");
    let mut items = staff.call("GET", &listed, None).expect(200).json()["items"].as_array().expect("items").clone();
    items.reverse();
    items
}

fn open(room: &Room) -> bool {
    room.closed_on.is_none_or(|day| day > 20_261_031)
}

fn close(server: &Server, account: Uuid) {
    let sql = "UPDATE account SET closed_on = 20261031 WHERE tenant_id = $1 AND id = $2";
    let closed = world::in_company(server, SLUG, async |tx| tx.execute(sql, vec![account.into()]).await);
    assert_eq!(closed.expect("closed"), 1);
}

fn a_month_by_norm_is_recalculated_by_the_real_volume_above_and_below_it(kind: Kind) {
    // Of its own: a month is corrected and the next one published.
    let server = Server::demo(Database::new(kind), NOW);
    let (october, what) = ("2026-10", "electricity/2026-10");
    let mut resident = server.resident(SLUG);
    let mine = room_of(&server, &mut resident, SLUG, 202_610);
    let rooms = rooms_with(&server, SLUG, 202_610, "electricity");
    let mut staff = server.staff(SLUG);
    let house = staff.call("GET", &address(""), None).expect(200).json();
    // By norm: 2.1 kWh × the common area × S ÷ the area of all rooms, × 5.53 ₽.
    let norm = Decimal::new(21, 1) * number(&house["areas"][0]["common_area"]);
    assert_eq!(owed(&rooms, (norm, LIGHT), billed), Sums::new(), "October was billed by norm");
    assert!(norm > Decimal::from(100) && norm < ABOVE, "{norm}");
    // One who moved out with October gets no bill any more.
    let neighbour = |room: &&Room| open(room) && room.amount.is_some() && room.number != mine.number;
    let gone = rooms.iter().rev().find(neighbour).expect("a neighbour");
    close(&server, gone.id);
    let stays = |room: &&Room| open(room) && room.id != gone.id;

    // Above the norm all of what the house used beyond its rooms is charged: the plugin knows no limit.
    let above = (ABOVE, LIGHT);
    let made = correct(&mut staff, what, used(&rooms) + ABOVE);
    assert_eq!(correct(&mut staff, what, used(&rooms) + ABOVE), made, "saying it twice says it once");
    assert_eq!(number(&made["items"][0]["volume"]), used(&rooms) + ABOVE);
    let shown = preview(&mut staff, what);
    let expected = owed(rooms.iter().filter(stays), above, billed);
    assert_eq!(differences(&shown, "items", october), expected);
    assert_eq!((&shown["accounts"], &shown["sum"]), (&json!(expected.len()), &json!(expected.values().sum::<i64>())));
    let lost = owed(rooms.iter().filter(|room| !stays(room)), above, billed);
    assert!(lost.contains_key(&gone.number));
    assert_eq!(differences(&shown, "left_out", october), lost);
    assert_eq!(recorded(&mut staff, mine.id), [Value::Null; 0], "looking records nothing");
    two_who_ask_at_once_record_it_once(&mut staff, what, &shown, mine.id);
    let again = recalculate(&mut staff, what);
    assert_eq!((&again["accounts"], &again["sum"], &again["items"]), (&json!(0), &json!(0), &json!([])));
    assert_eq!(again["left_out"], shown["left_out"], "nobody is lost");

    // A further correction, below the norm: what was recorded before counts as charged.
    let below = (Decimal::from(100), LIGHT);
    correct(&mut staff, what, used(&rooms) + below.0);
    let less = recalculate(&mut staff, what);
    assert_eq!(differences(&less, "items", october), owed(rooms.iter().filter(stays), below, by_all_above));
    // Where the rooms used more than the house, the common property used nothing.
    correct(&mut staff, what, used(&rooms) - Decimal::from(50));
    let so_far = |room: &Room| share(room, below.0, LIGHT);
    let nothing = owed(rooms.iter().filter(stays), (Decimal::ZERO, LIGHT), so_far);
    assert_eq!(differences(&preview(&mut staff, what), "items", october), nothing);
    // Taken back, the month counts as it was billed.
    let history = staff.call("DELETE", &address(&format!("/corrections/{what}")), None).expect(200).json();
    let volumes = history["items"].as_array().expect("items").iter().map(|item| item["volume"].is_null());
    assert_eq!(volumes.collect::<Vec<_>>(), [true, false, false, false], "what was said stays on record");
    let by_norm = owed(rooms.iter().filter(stays), (norm, LIGHT), so_far);
    assert_eq!(differences(&preview(&mut staff, what), "items", october), by_norm);

    let light = rooms.iter().find(|room| room.id == mine.id).expect("the resident's room");
    let sums = [by_all_above(light) - billed(light), so_far(light) - by_all_above(light)];
    the_next_bill_says_why(&server, &mut resident, light, sums);
    let left = preview(&mut staff, what);
    assert_eq!(differences(&left, "items", october).get(&light.number), by_norm.get(&light.number));
}

/// What a room pays once the first correction is charged.
fn by_all_above(room: &Room) -> i64 {
    share(room, ABOVE, LIGHT)
}

/// Both corrections stand on November's bill with their reason, and both months come out as they were published.
fn the_next_bill_says_why(server: &Server, resident: &mut Browser, light: &Room, sums: [i64; 2]) {
    run(command(&server.database, LATER).args(["bill", SLUG, "2026-11", "--publish"]));
    let listed = recorded(&mut server.staff(SLUG), light.id);
    let amounts: Vec<Option<i64>> = listed.iter().map(|one| one["amount"].as_i64()).collect();
    assert_eq!(amounts, sums.map(Some));
    assert!(listed.iter().all(|one| one["billed_in"] == "2026-11"), "{listed:?}");
    let line = charge(resident, "2026-11", "Электроэнергия, общее");
    assert_eq!(line["recalculation"], json!(sums.iter().sum::<i64>()), "{line}");
    let why = line["recalculation_reason"].as_str().expect("why");
    assert!(why.contains("По показаниям общедомового прибора") && why.contains("октябрь"), "{why}");
    let receipt = Pdf::new(&resident.get("/documents/2026-11.pdf").expect(200).body).text();
    assert!(receipt.contains("общедомового"), "{receipt}");
    for month in ["2026-10", "2026-11"] {
        let said = run(command(&server.database, LATER).args(["bill", "--replay", SLUG, month]));
        assert!(said.contains("совпадает с опубликованным до байта"), "{month}: {said}");
    }
}

/// What was shown is recorded by one of the two, and the other learns it or finds nothing left.
fn two_who_ask_at_once_record_it_once(staff: &mut Browser, what: &str, shown: &Value, account: Uuid) {
    let address = address(&format!("/recalculations/{what}"));
    let answers: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let ask = || {
            let (mut browser, address) = (staff.clone(), address.clone());
            scope.spawn(move || {
                let answer = browser.call("POST", &address, None);
                (answer.status, answer.json())
            })
        };
        let threads = [ask(), ask()];
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert!(answers.iter().any(|(status, answer)| *status == 200 && answer == shown), "{answers:?}");
    let lost = |(status, answer): &&(u16, Value)| match status {
        200 => answer["accounts"] == 0,
        _ => *status == 422 && answer["code"] == "billing.changed",
    };
    assert_eq!(answers.iter().filter(lost).count(), 1, "{answers:?}");
    assert_eq!(recorded(staff, account).len(), 1);
}

/// The company takes off what rooms used beyond the house's meter of cold water, which measures this in the months to
/// come.
struct Carrying {
    server: Server,
    package: PathBuf,
}

impl Carrying {
    fn new(kind: Kind, volumes: [(&str, &str); 3]) -> Self {
        let server = Server::demo(Database::new(kind), NOW);
        let package = kabinet_tests::company::package_with(SLUG, "[houses]\ncarry_rest = true");
        let this = Self { server, package };
        this.apply();
        let mut staff = this.server.staff(SLUG);
        for (period, volume) in volumes {
            let stated = json!({ "volume": volume });
            staff.call("PUT", &address(&format!("/volumes/cold_water/{period}")), Some(&stated)).expect(200);
        }
        this
    }

    fn apply(&self) {
        run(self.server.command().arg("tenant").arg("apply").arg(&self.package));
    }

    fn bill(&self, on: &str, period: &str) {
        run(command(&self.server.database, on).args(["bill", SLUG, period, "--publish"]));
    }

    /// The day comes; the demo has put the company's own package in force again.
    fn becomes(&mut self, day: &str) -> Browser {
        self.server.kill();
        self.server.start_at(day);
        self.apply();
        self.server.staff(SLUG)
    }

    fn rooms(&self, period: i32) -> Vec<Room> {
        rooms(&self.server, SLUG, period)
    }
}

/// The differences of a month, those among them that no run will bill.
pub(crate) fn all(found: &Value, period: &str) -> Sums {
    differences(found, "items", period).into_iter().chain(differences(found, "left_out", period)).collect()
}

/// What a bill asks of the resident for the common property's cold water: of its own month, and corrected.
fn common_water(resident: &mut Browser, period: &str) -> (i64, i64) {
    let line = charge(resident, period, "Холодная вода, общее");
    let sum = |field: &str| line[field].as_i64().expect("kopecks");
    (sum("amount"), sum("recalculation"))
}

fn a_corrected_month_moves_what_is_carried_into_the_months_after_it(kind: Kind) {
    // November's rooms used more than its meter showed, and December was billed with that much less.
    let mut company = Carrying::new(kind, [("2026-11", "100"), ("2026-12", "2000"), ("2027-01", "3000")]);
    company.bill(LATER, "2026-11");
    company.bill("2027-01-05", "2026-12");
    let (november, december) = (company.rooms(202_611), company.rooms(202_612));
    assert!(used(&november) > Decimal::from(100));
    // The meter was misread: November left 40 m³ for the common property, and nothing to be taken off December.
    let mut staff = company.becomes("2027-01-10");
    correct(&mut staff, "cold_water/2026-11", used(&november) + Decimal::from(40));
    let found = recalculate(&mut staff, "cold_water/2026-11");
    assert_eq!(all(&found, "2026-11"), owed(&november, (Decimal::from(40), WATER), billed));
    let whole = Decimal::from(2000) - used(&december);
    assert_eq!(all(&found, "2026-12"), owed(&december, (whole, WATER), billed));
    assert!(all(&found, "2026-12").values().all(|kopecks| *kopecks > 0), "{found}");
    // What December's corrected volume lacks is taken off January, also where January was calculated before.
    run(command(&company.server.database, "2027-02-05").args(["bill", SLUG, "2027-01"]));
    correct(&mut staff, "cold_water/2026-12", Decimal::ONE);
    let runs = staff.call("GET", "/api/admin/v1/billing/runs", None).expect(200).json();
    let calculated = runs["items"][0]["id"].as_str().expect("an id");
    let publish = format!("/api/admin/v1/billing/runs/{calculated}/publish");
    assert_eq!(staff.call("POST", &publish, None).expect(422).json()["code"], "billing.run_not_complete");
    company.bill("2027-02-05", "2027-01");
    let january = company.rooms(202_701);
    let rest = Decimal::from(3000) - (used(&december) - Decimal::ONE) - used(&january);
    assert!(rest > Decimal::ZERO, "{rest}");
    assert_eq!(owed(&january, (rest, WATER), billed), Sums::new());
    // And January's bill asks for what was recorded.
    let mut resident = company.server.resident(SLUG);
    let mine = room_of(&company.server, &mut resident, SLUG, 202_701).number;
    let recorded: i64 = ["2026-11", "2026-12"].map(|month| all(&found, month)[&mine]).iter().sum();
    assert_eq!(common_water(&mut resident, "2027-01").1, recorded);
}

fn a_correction_that_is_taken_back_leaves_every_month_as_if_it_had_never_been(kind: Kind) {
    let mut company = Carrying::new(kind, [("2026-11", "2000"), ("2026-12", "2000"), ("2027-01", "3000")]);
    company.bill(LATER, "2026-11");
    let november = company.rooms(202_611);
    // The rooms used 40 m³ more than what is said now, and December is billed with that much less.
    let mut staff = company.becomes("2026-12-10");
    correct(&mut staff, "cold_water/2026-11", used(&november) - Decimal::from(40));
    recalculate(&mut staff, "cold_water/2026-11");
    company.bill("2027-01-05", "2026-12");
    let december = company.rooms(202_612);
    let whole = Decimal::from(2000) - used(&december);
    assert_eq!(owed(&december, (whole - Decimal::from(40), WATER), billed), Sums::new());

    let mut staff = company.becomes("2027-01-10");
    staff.call("DELETE", &address("/corrections/cold_water/2026-11"), None).expect(200);
    let found = recalculate(&mut staff, "cold_water/2026-11");
    assert_eq!(all(&found, "2026-12"), owed(&december, (whole, WATER), billed));
    assert_eq!(recalculate(&mut staff, "cold_water/2026-11")["accounts"], 0);
    company.bill("2027-02-05", "2027-01");

    let january = company.rooms(202_701);
    let mut resident = company.server.resident(SLUG);
    let mine = room_of(&company.server, &mut resident, SLUG, 202_701);
    let rests = [Decimal::from(2000) - used(&november), whole, Decimal::from(3000) - used(&january)];
    let without: i64 = rests.map(|rest| share(&mine, rest, WATER)).iter().sum();
    let bills = ["2026-11", "2026-12", "2027-01"].map(|month| common_water(&mut resident, month));
    assert_eq!(bills.iter().map(|(charged, corrected)| charged + corrected).sum::<i64>(), without, "{bills:?}");
    assert!(bills[1].1 < 0 && bills[2].1 > 0, "{bills:?}");
}

fn a_house_is_corrected_by_its_own_company_and_only_where_that_changes_a_charge(kind: Kind) {
    let server = Server::shared(kind);
    let mut staff = server.staff(SLUG);
    let volume = |volume: &str| json!({ "volume": volume });
    let refused = [
        ("electricity/2026-10", "-1", "billing.invalid"),
        ("steam/2026-10", "1", "billing.invalid"),
        ("electricity/октябрь", "1", "billing.invalid"),
        // No house meter measures the common property itself.
        ("common_electricity/2026-10", "1", "billing.invalid"),
        ("electricity/2026-11", "1", "billing.not_published"),
        ("electricity/2020-01", "1", "billing.too_old"),
    ];
    for (what, text, code) in refused {
        let answer = staff.call("PUT", &address(&format!("/corrections/{what}")), Some(&volume(text))).expect(422);
        assert_eq!(answer.json()["code"], code, "{what} {text}");
    }
    for (method, what) in [("GET", "recomputed"), ("POST", "recalculations")] {
        let answer = staff.call(method, &address(&format!("/{what}/electricity/2026-09")), None).expect(422).json();
        assert_eq!(answer["fields"][0]["field"], "service", "{answer}");
    }
    // Heating that is paid evenly: the year 2025 was corrected in January 2026.
    let mut suppliers = server.staff("teploset");
    let heat = suppliers.call("PUT", &address("/corrections/heating/2025-11"), Some(&volume("1"))).expect(422).json();
    assert_eq!(heat["fields"][0]["field"], "period", "{heat}");

    let sql = "INSERT INTO house (tenant_id, id, code, address, number, number_key, has_flats)
               SELECT tenant_id, $2, 'only-here', address, number, number_key, has_flats
               FROM house WHERE tenant_id = $1 AND code = 'H00001'";
    let added = world::in_company(server, SLUG, async |tx| tx.execute(sql, vec![Uuid::now_v7().into()]).await);
    assert_eq!(added.expect("a house"), 1);
    let operations = [
        ("GET", "corrections", None),
        ("PUT", "corrections/electricity/2026-10", Some(volume("1"))),
        ("DELETE", "corrections/electricity/2026-10", None),
        ("GET", "recomputed/electricity/2026-10", None),
        ("POST", "recalculations/electricity/2026-10", None),
        ("GET", "measured", None),
        ("GET", "decisions", None),
        ("PUT", "decisions/2027-06", Some(json!({ "by_meter": true, "protocol": "1", "decided_on": "2026-11-10" }))),
        ("DELETE", "decisions/2027-06", None),
    ];
    for (method, what, body) in &operations {
        let of_house = |code: &str| format!("/api/admin/v1/billing/houses/{code}/{what}");
        let theirs = suppliers.call(method, &of_house("only-here"), body.as_ref()).expect(404).fingerprint();
        assert_eq!(theirs, suppliers.call(method, &of_house("H99999"), body.as_ref()).expect(404).fingerprint());
        staff.call(method, &of_house("only-here"), body.as_ref()).expect(200);
    }
}
