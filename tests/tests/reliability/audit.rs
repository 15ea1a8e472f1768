//! Each company's audit log is a chain whose head also stands outside the database.

use std::process::Output;
use std::time::{Duration, Instant};

use kabinet_tests::server::NOW;
use kabinet_tests::{Browser, Database, Kind, Server, block_on, on_both_databases};
use serde_json::json;

const SLUG: &str = "beregovoy";
/// The company in SQL that a thief of the database would write.
const OWN: &str = "tenant_id = (SELECT id FROM tenant WHERE slug = 'beregovoy')";

on_both_databases! {
    deeds_at_two_servers_join_one_chain,
    entries_that_a_killed_server_left_are_chained_by_the_next,
    what_is_done_to_the_log_past_the_platform_is_found,
}

/// A change of the company's calendar: one entry of the log.
pub(crate) fn deed(staff: &mut Browser, day: u32) {
    let body = json!({ "off": [format!("2027-03-{day:02}")] });
    staff.call("PUT", "/api/admin/v1/billing/catalog/calendar", Some(&body)).expect(200);
}

/// `kabinet audit verify`: whether it found nothing, and its words.
fn verify(server: &Server) -> (bool, String) {
    let Output { status, stdout, stderr } = server.command().args(["audit", "verify", SLUG]).output().expect("kabinet");
    (status.success(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

/// The words about a chain that holds and has every entry.
pub(crate) fn chained(server: &Server) -> String {
    let begun = Instant::now();
    loop {
        let (whole, words) = verify(server);
        assert!(whole, "{words}");
        if !words.contains("ещё не в цепочке") {
            return words;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "never chained: {words}");
        std::thread::sleep(Duration::from_millis(200));
    }
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
    let entry = format!("{OWN} AND id = (SELECT audit_id FROM audit_link WHERE {OWN} AND seq = 5)");
    let link = format!("{OWN} AND seq = 5");
    let last = format!("{OWN} AND seq > {}", number - 3);
    // Where the platform's own tables are not.
    let place = if kind == Kind::PostgreSql { "thief.kept" } else { "kept" };
    let kept = |table: &str, of: &str| format!("CREATE TABLE {place}_{table} AS SELECT * FROM {table} WHERE {of}");
    let back = |table: &str| format!("INSERT INTO {table} SELECT * FROM {place}_{table}; DROP TABLE {place}_{table}");
    let ends = format!("{OWN} AND id IN (SELECT audit_id FROM audit_link WHERE {last})");
    // What a thief does, how it is told, and how it is undone.
    let deeds: [(String, &str, String); 6] = [
        (
            format!("UPDATE audit SET detail = detail || ' ' WHERE {entry}"),
            "запись № 5 изменена",
            format!("UPDATE audit SET detail = substr(detail, 1, length(detail) - 1) WHERE {entry}"),
        ),
        (
            format!("UPDATE audit SET at = at + 1 WHERE {entry}"),
            "запись № 5 изменена",
            format!("UPDATE audit SET at = at - 1 WHERE {entry}"),
        ),
        (format!("{}; DELETE FROM audit WHERE {entry}", kept("audit", &entry)), "запись № 5 удалена", back("audit")),
        (
            format!(
                "{}; {}; DELETE FROM audit WHERE {entry}; DELETE FROM audit_link WHERE {link}",
                kept("audit", &entry),
                kept("audit_link", &link)
            ),
            "нет записей с № 5 по № 5",
            format!("{}; {}", back("audit"), back("audit_link")),
        ),
        (swapped(), "запись № 5 изменена или переставлена", swapped()),
        (
            format!(
                "{}; {}; DELETE FROM audit WHERE {ends}; DELETE FROM audit_link WHERE {last}",
                kept("audit", &ends),
                kept("audit_link", &last)
            ),
            "в базе она кончается раньше",
            format!("{}; {}", back("audit"), back("audit_link")),
        ),
    ];
    for (done, words, undone) in deeds {
        past_the_platform(&server.database, &done);
        let (whole, said) = verify(&server);
        assert!(!whole && said.contains(words), "{done}: {said}");
        past_the_platform(&server.database, &undone);
        let (whole, said) = verify(&server);
        assert!(whole && entries(&said) == number, "after {undone}: {said}");
    }
    a_chain_made_anew_is_found(&mut server, &entry);
}

/// An entry is edited and the whole chain made anew: in itself it holds, but it is not the one that was written down.
fn a_chain_made_anew_is_found(server: &mut Server, entry: &str) {
    past_the_platform(
        &server.database,
        &format!("UPDATE audit SET detail = '{{}}' WHERE {entry}; DELETE FROM audit_link"),
    );
    server.start();
    let begun = Instant::now();
    while verify(server).1.contains("ещё не в цепочке") {
        assert!(begun.elapsed() < Duration::from_secs(60), "never chained");
        std::thread::sleep(Duration::from_millis(200));
    }
    let (whole, said) = verify(server);
    assert!(!whole && said.contains("составили заново") && !said.contains("изменена"), "{said}");
}

/// Two neighbours of the chain change places; once more, and they are back.
fn swapped() -> String {
    format!(
        "UPDATE audit_link SET seq = -seq WHERE {OWN} AND seq IN (5, 6);
         UPDATE audit_link SET seq = 11 + seq WHERE {OWN} AND seq < 0"
    )
}

/// Executes a thief's SQL, with a place for what is kept meanwhile.
fn past_the_platform(database: &Database, sql: &str) {
    let place = if database.postgres.is_some() { "CREATE SCHEMA IF NOT EXISTS thief; " } else { "" };
    block_on(database.past_the_platform(&format!("{place}{sql}")));
}
