//! The module switched off and on again at one company.

use kabinet_tests::world::{holder_of_flat, in_company, switch};
use kabinet_tests::{Database, Kind, Server, on_both_databases, wait_until};

use crate::{COLUMN, COMPANY, deliveries, is_set, path, publish_november, refuse, restore, without_paper};

on_both_databases![
    a_company_that_switches_the_module_off_has_no_flag_and_sends_nothing_and_keeps_what_was,
    letters_that_were_begun_leave_the_day_after_the_module_is_on_again,
];

fn a_company_that_switches_the_module_off_has_no_flag_and_sends_nothing_and_keeps_what_was(kind: Kind) {
    // Of its own: a company's switch is moved and a month is published.
    let server = Server::demo(Database::new(kind), "2026-11-22");
    let (mut stays, kept) = holder_of_flat(&server, COMPANY, 0);
    let (mut leaves, left) = holder_of_flat(&server, COMPANY, 1);
    refuse(&mut stays.browser, kept.id);
    refuse(&mut leaves.browser, left.id);
    switch(&server, COMPANY, "paperless", false);
    stays.browser.wait_for_status(&path(kept.id), 404);
    let unknown = stays.browser.get("/nothing").expect(404).fingerprint();
    assert_eq!(stays.browser.get(&path(kept.id)).expect(404).fingerprint(), unknown);
    let list = stays.browser.page("/accounts");
    assert!(list.text().contains(&kept.account) && !list.text().contains(COLUMN));
    assert!(list.all("[role=checkbox]").is_empty());
    server.staff(COMPANY).get("/api/admin/v1/paperless/accounts?period=2026-11").expect(404);
    // A publication is not heard, neither is the end of a link.
    publish_november(&server);
    let unlink = format!("/accounts/{}/unlink", left.id);
    let form = leaves.browser.page(&unlink).form(&unlink);
    leaves.submit(&form).expect(303);
    wait_until("an empty queue", || in_company(&server, COMPANY, async |tx| nothing_waits(tx).await));
    assert!(in_company(&server, COMPANY, async |tx| deliveries(tx).await).is_empty(), "no receipts left");
    switch(&server, COMPANY, "paperless", true);
    stays.browser.wait_for_status(&path(kept.id), 200);
    assert!(is_set(&mut stays.browser, kept.id), "what was stated is there again");
    assert!(without_paper(&server, "2026-11").is_empty(), "the month went out on paper");
    let next = without_paper(&server, "2026-12");
    assert!(next.contains(&kept.account), "{next:?}");
    // The link that ended meanwhile took its refusal along, also when the account is linked again.
    assert!(!next.contains(&left.account), "{next:?}");
    leaves.link(&left.account, &left.house, &left.flat, &left.surname).expect(303);
    assert!(!is_set(&mut leaves.browser, left.id));
    refuse(&mut leaves.browser, left.id);
    restore(&mut leaves.browser, left.id);
    // The other company never had it.
    let mut stranger = kabinet_tests::world::newcomer(&server, "teploset");
    assert!(!stranger.browser.page("/accounts").text().contains(COLUMN));
    stranger.browser.get(&path(kept.id)).expect(404);
}

fn letters_that_were_begun_leave_the_day_after_the_module_is_on_again(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), "2026-11-22");
    let mut people = [0, 1].map(|number| holder_of_flat(&server, COMPANY, number));
    for (person, known) in &mut people {
        refuse(&mut person.browser, known.id);
    }
    publish_november(&server);
    let subject = "Квитанция за ноябрь 2026, лицевой счет";
    for (person, known) in &people {
        assert!(server.letter(&person.email, subject).text.contains(&known.account));
    }
    // As if the switch had come between two batches: the second letter never left.
    in_company(&server, COMPANY, async |tx| {
        let sql = "DELETE FROM paper_delivery WHERE tenant_id = $1 AND resident_id = $2";
        assert_eq!(tx.execute(sql, vec![people[1].0.id.into()]).await.expect("a deletion"), 1);
    });
    server.kill();
    server.start_at("2026-11-23T10:00:00+05:00");
    assert!(server.letter(&people[1].0.email, subject).text.contains(&people[1].1.account));
    wait_until("an empty queue", || in_company(&server, COMPANY, async |tx| nothing_waits(tx).await));
    let again = server.letters(&people[0].0.email);
    assert!(again.iter().all(|letter| !letter.subject.contains(subject)), "the first one left yesterday");
}

/// Whether the queue is empty but for what waits for its hour.
async fn nothing_waits(tx: &kabinet_core::Tx) -> bool {
    #[derive(sea_orm::FromQueryResult)]
    struct Payload {
        payload: String,
    }
    let sql = "SELECT payload FROM job_payload WHERE tenant_id = $1";
    let rows: Vec<Payload> = tx.rows(sql, vec![]).await.expect("the queue");
    !rows.iter().any(|row| row.payload.contains("\"name\"") && row.payload.contains("\"data\""))
}
