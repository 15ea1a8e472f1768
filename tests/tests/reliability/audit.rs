//! Each company's audit log is a chain whose head also stands outside the database.

use std::path::Path;
use std::process::Output;

use kabinet_core::audit::{Anchor, Anchors, Heads};
use kabinet_tests::server::NOW;
use kabinet_tests::{Browser, Database, Kind, Server, block_on, on_both_databases, wait_for, wait_until};
use serde_json::json;

const SLUG: &str = "beregovoy";
/// The company in SQL that a thief of the database would write.
const OWN: &str = "tenant_id = (SELECT id FROM tenant WHERE slug = 'beregovoy')";

on_both_databases! {
    deeds_at_two_servers_join_one_chain,
    entries_that_a_killed_server_left_are_chained_by_the_next,
    what_is_done_to_the_log_past_the_platform_is_found,
    heads_that_are_gone_from_outside_the_database_are_told,
}

/// A change of the company's calendar: one entry of the log.
pub(crate) fn deed(staff: &mut Browser, day: u32) {
    let body = json!({ "off": [format!("2027-03-{day:02}")] });
    staff.call("PUT", "/api/admin/v1/billing/catalog/calendar", Some(&body)).expect(200);
}

/// `kabinet audit verify`: whether it found nothing, and its words.
fn verify(server: &Server) -> (bool, String) {
    verify_at(server, NOW)
}

/// The same by a clock that begins then.
fn verify_at(server: &Server, now: &str) -> (bool, String) {
    let mut command = server.command();
    command.args(["audit", "verify", SLUG]).env("KABINET_DEMO__NOW", now);
    let Output { status, stdout, stderr } = command.output().expect("kabinet");
    (status.success(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

/// The words about a chain that holds and has every entry.
pub(crate) fn chained(server: &Server) -> String {
    wait_for("the last entry of the chain", || {
        let (whole, words) = verify(server);
        assert!(whole, "{words}");
        (!words.contains("ещё не в цепочке")).then_some(words)
    })
}

fn entries(words: &str) -> u32 {
    let (_, number) = words.rsplit_once("записей ").expect("a number of entries");
    number.trim().parse().expect("a number")
}

fn deeds_at_two_servers_join_one_chain(kind: Kind) {
    let database = Database::new(kind);
    let one = Server::demo(database.clone(), NOW);
    let before = entries(&chained(&one));
    let two = Server::unfilled(database, NOW, &[]);
    let mut staff = [one.staff(SLUG), two.staff(SLUG)];
    for day in 1..=20 {
        deed(&mut staff[day as usize % 2], day);
    }
    let after = entries(&chained(&one));
    assert!(after >= before + 20, "{before} and then {after}");
}

fn entries_that_a_killed_server_left_are_chained_by_the_next(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), NOW);
    let before = entries(&chained(&server));
    deed(&mut server.staff(SLUG), 1);
    server.kill();
    // A command's entries wait for a server as well.
    let package = kabinet_tests::house::root().join("tenants/teploset");
    let applied = server.command().args(["tenant", "apply"]).arg(package).status();
    assert!(applied.expect("kabinet").success());
    server.start();
    assert!(entries(&chained(&server)) > before);
}

fn what_is_done_to_the_log_past_the_platform_is_found(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), NOW);
    (1..=9).for_each(|day| deed(&mut server.staff(SLUG), day));
    let number = entries(&chained(&server));
    server.kill();
    for Deed { done, told, undone } in [edited(), removed(kind, number), put_in(kind, number)].into_iter().flatten() {
        past_the_platform(&server.database, &done);
        let (whole, said) = verify(&server);
        assert!(!whole && said.contains(&told), "{done}: {said}");
        past_the_platform(&server.database, &undone);
        let (whole, said) = verify(&server);
        assert!(whole && entries(&said) == number, "after {undone}: {said}");
    }
    a_chain_made_anew_is_found(&mut server);
    one_head_outside_the_database_is_enough(&server);
}

/// What a thief does, how it is told, and how it is undone: SQL, words, SQL.
struct Deed {
    done: String,
    told: String,
    undone: String,
}

/// The condition on the entry that most is done to.
fn entry() -> String {
    format!("{OWN} AND id = (SELECT audit_id FROM audit_link WHERE {OWN} AND seq = 5)")
}

/// Entries are changed, or change places.
fn edited() -> Vec<Deed> {
    let entry = entry();
    let changed = |done: &str, undone: &str| Deed {
        done: format!("UPDATE audit SET {done} WHERE {entry}"),
        told: "запись № 5 изменена".to_owned(),
        undone: format!("UPDATE audit SET {undone} WHERE {entry}"),
    };
    // Two neighbours of the chain change places; once more, and they are back.
    let swapped = format!(
        "UPDATE audit_link SET seq = -seq WHERE {OWN} AND seq IN (5, 6);
         UPDATE audit_link SET seq = 11 + seq WHERE {OWN} AND seq < 0"
    );
    vec![
        changed("detail = detail || ' '", "detail = substr(detail, 1, length(detail) - 1)"),
        changed("at = at + 1", "at = at - 1"),
        Deed {
            done: swapped.clone(), told: "запись № 5 изменена или переставлена".to_owned(), undone: swapped
        },
    ]
}

/// Entries are taken out: alone, with their links, and the last ones of the chain.
fn removed(kind: Kind, number: u32) -> Vec<Deed> {
    // Where the platform's own tables are not.
    let place = if kind == Kind::PostgreSql { "thief.kept" } else { "kept" };
    let taken = |table: &str, of: &str| {
        format!("CREATE TABLE {place}_{table} AS SELECT * FROM {table} WHERE {of}; DELETE FROM {table} WHERE {of}")
    };
    let back = |table: &str| format!("INSERT INTO {table} SELECT * FROM {place}_{table}; DROP TABLE {place}_{table}");
    let with_links = |entries: &str, links: &str, told: &str| Deed {
        done: format!("{}; {}", taken("audit", entries), taken("audit_link", links)),
        told: told.to_owned(),
        undone: format!("{}; {}", back("audit"), back("audit_link")),
    };
    let last = format!("{OWN} AND seq > {}", number - 3);
    let ends = format!("{OWN} AND id IN (SELECT audit_id FROM audit_link WHERE {last})");
    vec![
        Deed {
            done: taken("audit", &entry()), told: "запись № 5 удалена".to_owned(), undone: back("audit")
        },
        with_links(&entry(), &format!("{OWN} AND seq = 5"), "нет записей с № 5 по № 5"),
        with_links(&ends, &last, "в базе она кончается раньше"),
    ]
}

/// A made-up entry is put into the chain: between two others, which later ones make room for, and at its end.
fn put_in(kind: Kind, number: u32) -> Vec<Deed> {
    let id = match kind {
        Kind::Sqlite => "x'7e570000000040008000000000000001'",
        Kind::PostgreSql => "CAST('7e570000-0000-4000-8000-000000000001' AS uuid)",
    };
    let forged = |seq: u32| {
        format!(
            "INSERT INTO audit (tenant_id, id, at, actor, actor_id, action, subject, detail)
             SELECT tenant_id, {id}, at, actor, actor_id, action, subject, detail FROM audit WHERE {};
             INSERT INTO audit_link (tenant_id, seq, audit_id, hash)
             SELECT tenant_id, {seq}, {id}, hash FROM audit_link WHERE {OWN} AND seq = 5",
            entry()
        )
    };
    let gone = format!(
        "DELETE FROM audit_link WHERE {OWN} AND audit_id = {id};
         DELETE FROM audit WHERE {OWN} AND id = {id}"
    );
    let moved = |by: i32| {
        format!(
            "UPDATE audit_link SET seq = -seq WHERE {OWN} AND seq > 5;
             UPDATE audit_link SET seq = {by} - seq WHERE {OWN} AND seq < 0"
        )
    };
    let told = |seq: u32| format!("запись № {seq} изменена или переставлена");
    vec![
        Deed { done: format!("{}; {}", moved(1), forged(6)), told: told(6), undone: format!("{gone}; {}", moved(-1)) },
        Deed { done: forged(number + 1), told: told(number + 1), undone: gone },
    ]
}

/// An entry is edited and the whole chain made anew: in itself it holds, but it is not the one that was written down.
fn a_chain_made_anew_is_found(server: &mut Server) {
    past_the_platform(
        &server.database,
        &format!("UPDATE audit SET detail = '{{}}' WHERE {}; DELETE FROM audit_link", entry()),
    );
    server.start();
    wait_until("the last entry of the chain", || !verify(server).1.contains("ещё не в цепочке"));
    let (whole, said) = verify(server);
    assert!(!whole && said.contains("составили заново") && !said.contains("изменена"), "{said}");
}

/// The file of heads was cut short as well: one that is left, from after the entry that was edited, tells of it.
fn one_head_outside_the_database_is_enough(server: &Server) {
    let anchors = server.database.config(NOW).anchors();
    let heads = anchors.read(SLUG).expect("heads").anchors;
    let old = heads.iter().find(|anchor| anchor.head.seq >= 5).expect("a head behind the entry");
    std::fs::remove_file(anchors.file(SLUG)).expect("the heads go");
    anchors.keep(SLUG, old.head, old.at).expect("a head");
    let (whole, said) = verify(server);
    let told = format!("цепочка до № {} не та", old.head.seq);
    assert!(!whole && said.contains(&told), "{said}");
}

fn heads_that_are_gone_from_outside_the_database_are_told(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), NOW);
    let anchors = server.database.config(NOW).anchors();
    for day in 1..=3 {
        deed(&mut server.staff(SLUG), day);
        let number = i64::from(entries(&chained(&server)));
        let _ = heads_when(&anchors, SLUG, |last| last.head.seq >= number);
    }
    let others = heads_when(&anchors, "teploset", |_| true);
    server.kill();
    let (file, heads) = (anchors.file(SLUG), anchors.read(SLUG).expect("heads").anchors);
    lines_are_taken_out(&server, &file, &heads);
    a_line_of_another_company_is_told(&server, &file, others[0]);
    the_end_of_both_is_cut_off(&mut server, &anchors, &heads);
}

/// The company's heads, once the last of them is as it should be.
fn heads_when(anchors: &Anchors, slug: &str, fits: impl Fn(&Anchor) -> bool) -> Vec<Anchor> {
    wait_for(&format!("such a head of {slug}"), || {
        let Heads { anchors: heads, remembered } = anchors.read(slug).expect("heads");
        // The number is remembered after the line is written: only then it was kept whole.
        heads.last().is_some_and(|last| last.number == remembered && fits(last)).then_some(heads)
    })
}

/// A clock a day later: every entry had long to get a head.
const LATER: &str = "2026-11-23";

/// Of the file of heads one line, the last one or all are gone, and nothing else was touched.
fn lines_are_taken_out(server: &Server, file: &Path, heads: &[Anchor]) {
    let whole = std::fs::read_to_string(file).expect("the heads");
    let lines: Vec<&str> = whole.lines().collect();
    let number = heads.len();
    assert!(verify_at(server, LATER).0 && lines.len() == number && number >= 3, "{whole}");
    let gone = |from: usize, to: usize| format!("вне базы нет вершин цепочки с № {from} по № {to}");
    let unanchored = |after: i64| format!("с записи № {} от ", after + 1);
    let without_second = [&lines[..1], &lines[2..]].concat();
    let cases = [
        (without_second, vec![gone(2, 2)]),
        (lines[..number - 1].to_vec(), vec![gone(number, number), unanchored(heads[number - 2].head.seq)]),
        (Vec::new(), vec![gone(1, number), unanchored(0), "вне базы нет вершины цепочки".to_owned()]),
    ];
    for (left, told) in cases {
        std::fs::write(file, left.iter().map(|line| format!("{line}\n")).collect::<String>()).expect("a write");
        let (holds, said) = verify_at(server, LATER);
        assert!(!holds && told.iter().all(|words| said.contains(words)), "{told:?}: {said}");
    }
    std::fs::remove_file(file).expect("the file goes");
    let (holds, said) = verify_at(server, LATER);
    assert!(!holds && said.contains(&gone(1, number)) && said.contains(&unanchored(0)), "{said}");
    std::fs::write(file, &whole).expect("a write");
    let (holds, said) = verify_at(server, LATER);
    assert!(holds, "the file is there again: {said}");
}

/// A head of the company is that of another one.
fn a_line_of_another_company_is_told(server: &Server, file: &Path, other: Anchor) {
    let whole = std::fs::read_to_string(file).expect("the heads");
    let second = whole.lines().nth(1).expect("a second line");
    let parts: Vec<&str> = second.split(' ').collect();
    let hash: String = other.head.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(file, whole.replace(parts[2], &hash)).expect("a write");
    let (holds, said) = verify(server);
    let told = format!("цепочка до № {} не та", parts[1]);
    assert!(!holds && said.contains(&told) && said.contains("чужие строки"), "{said}");
    std::fs::write(file, whole).expect("a write");
}

/// The last entries, their links and their head are cut off together: what is left fits together, but the machine
/// remembers how many heads it wrote, and goes on counting from there.
fn the_end_of_both_is_cut_off(server: &mut Server, anchors: &Anchors, heads: &[Anchor]) {
    let (last, before) = (heads[heads.len() - 1].number, heads[heads.len() - 2]);
    let cut = format!("{OWN} AND seq > {}", before.head.seq);
    past_the_platform(
        &server.database,
        &format!(
            "DELETE FROM audit WHERE {OWN} AND id IN (SELECT audit_id FROM audit_link WHERE {cut});
             DELETE FROM audit_link WHERE {cut}"
        ),
    );
    let file = anchors.file(SLUG);
    let whole = std::fs::read_to_string(&file).expect("the heads");
    let left = whole.lines().take(heads.len() - 1).map(|line| format!("{line}\n"));
    std::fs::write(&file, left.collect::<String>()).expect("a write");
    let told = format!("вне базы нет вершин цепочки с № {last} по № {last}, записанных 22.11.2026 или позже");
    let (holds, said) = verify(server);
    assert!(!holds && said.contains(&told) && !said.contains("кончается раньше"), "{said}");
    server.start();
    deed(&mut server.staff(SLUG), 9);
    let _ = heads_when(anchors, SLUG, |head| head.number > last);
    let (holds, said) = verify(server);
    assert!(!holds && said.contains(&told), "{said}");
}

/// Executes a thief's SQL, with a place for what is kept meanwhile.
fn past_the_platform(database: &Database, sql: &str) {
    let place = if database.postgres.is_some() { "CREATE SCHEMA IF NOT EXISTS thief; " } else { "" };
    block_on(database.past_the_platform(&format!("{place}{sql}")));
}
