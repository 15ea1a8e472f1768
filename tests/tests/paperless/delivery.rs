//! At publication: the receipts of all kinds, to those who had refused before, once; and what is left to print.

use kabinet_contracts::RunPublished;
use kabinet_core::{Actor, Period};
use kabinet_server::App;
use kabinet_tests::pdf::Pdf;
use kabinet_tests::world::{self, holder_of_flat, in_company};
use kabinet_tests::{Database, Kind, Server, block_on, on_both_databases, wait_until};
use sea_orm::FromQueryResult;
use serde_json::json;

use crate::{COMPANY, deliveries, publish_november, refuse, restore, without_paper};

on_both_databases![the_receipts_of_all_kinds_leave_once_from_the_next_bill_on];

#[derive(FromQueryResult)]
struct Row {
    id: kabinet_contracts::RunId,
    house: String,
}

/// Tells the stopped server of November's publication once more.
fn announce_again(server: &Server) {
    block_on(async {
        let app = App::open(server.database.config("2026-11-23")).await.expect("the platform");
        let company = app.tenants.by_slug(COMPANY).await.expect("the companies").expect("the company");
        let mut tx = app.db.begin(&company, Actor::System).await.expect("a transaction");
        let sql = "SELECT r.id, '' AS house FROM billing_run r WHERE r.tenant_id = $1 AND r.period = 202611";
        let run: Row = tx.rows(sql, vec![]).await.expect("the run").pop().expect("November");
        tx.publish(&RunPublished { run: run.id, period: Period(202_611) }).await.expect("told");
        tx.commit().await.expect("a commit");
    });
}

fn the_receipts_of_all_kinds_leave_once_from_the_next_bill_on(kind: Kind) {
    let mut server = Server::demo(Database::new(kind), "2026-11-22");
    let (mut one, known) = holder_of_flat(&server, COMPANY, 0);
    let mut other = world::holder(&server, COMPANY, &known);
    let (mut back, regretted) = holder_of_flat(&server, COMPANY, 1);
    let (mut late, later) = holder_of_flat(&server, COMPANY, 2);
    for person in [&mut one, &mut other] {
        refuse(&mut person.browser, known.id);
    }
    refuse(&mut back.browser, regretted.id);
    restore(&mut back.browser, regretted.id);
    let expected = without_paper(&server, "2026-11");
    assert!(expected.contains(&known.account) && !expected.contains(&regretted.account), "{expected:?}");
    publish_november(&server);
    let letters = [&one, &other].map(|person| server.letter(&person.email, "Квитанция за ноябрь 2026, лицевой счет"));
    for letter in &letters {
        assert!(letter.text.contains(&known.account) && letter.html.contains("Взнос на капитальный ремонт"));
        let names: Vec<&str> = letter.attachments.iter().map(|file| file.name.as_str()).collect();
        let number = &known.account;
        let of = |kind: &str| format!("kvitantsiya-{number}-2026-11-{kind}.pdf");
        assert_eq!(names, [of("utilities"), of("capitalrepair")]);
        for file in &letter.attachments {
            let answer = server.mailbox().get(&file.href).expect(200);
            assert_eq!((answer.body.len(), answer.header("content-type")), (file.size, Some("application/pdf")));
            assert!(Pdf::new(&answer.body).text().contains(number.as_str()));
        }
    }
    // It is the receipt of the portal, to the byte.
    let sent = server.mailbox().get(&letters[0].attachments[0].href).expect(200).body;
    assert!(sent == one.browser.get("/documents/2026-11/utilities.pdf").expect(200).body);
    // Whom the receipt reaches is not told by a second letter that there is one; the others are.
    let notices = |email: &str| {
        let letters = server.letters(email);
        letters.iter().filter(|it| it.subject.starts_with("Квитанция за") && it.attachments.is_empty()).count()
    };
    wait_until("the letters of notices", || [&back.email, &late.email].map(|email| notices(email)) == [1, 1]);
    assert_eq!([&one.email, &other.email].map(|email| notices(email)), [0, 0]);
    let told = one.browser.page("/notifications").text();
    assert!(told.contains("Квитанция за ноябрь"), "the portal tells everybody: {told}");
    // Refused after the publication: from the next bill on.
    refuse(&mut late.browser, later.id);
    let everybody = [&one.email, &other.email, &back.email, &late.email];
    assert_eq!(everybody.map(|email| receipts(&server, email)), [1, 1, 0, 0]);
    // The mailbox forgets what it had: whatever comes now is a second letter.
    server.kill();
    announce_again(&server);
    server.start_at("2026-11-24");
    wait_until("the end of the jobs", || in_company(&server, COMPANY, async |tx| jobs(tx).await) == 0);
    assert_eq!(everybody.map(|email| receipts(&server, email)), [0; 4], "each letter leaves once");
    let listed = without_paper(&server, "2026-11");
    assert!(listed.contains(&known.account), "{listed:?}");
    assert!(!listed.contains(&regretted.account) && !listed.contains(&later.account), "{listed:?}");
    server.kill();
    server.start_at("2027-01-03");
    let letter = server.letter(&late.email, "Квитанция за декабрь 2026, лицевой счет");
    assert!(letter.text.contains(&later.account));
    wait_until("December's receipts", || everybody.map(|email| receipts(&server, email)) == [1, 1, 0, 1]);
    left_to_print(&server, &known);
}

/// How many letters with receipts the mailbox has for an address.
fn receipts(server: &Server, email: &str) -> usize {
    let of_receipt = |subject: &str| subject.starts_with("Квитанция за") && subject.contains("лицевой счет");
    server.letters(email).iter().filter(|letter| of_receipt(&letter.subject)).count()
}

/// The jobs of the module that wait.
async fn jobs(tx: &kabinet_core::Tx) -> usize {
    #[derive(FromQueryResult)]
    struct Payload {
        #[allow(dead_code, reason = "that there is a row is the answer")]
        payload: String,
    }
    let sql = "SELECT payload FROM job_payload WHERE tenant_id = $1";
    let rows: Vec<Payload> = tx.rows(sql, vec![]).await.expect("the queue");
    rows.iter().filter(|row| row.payload.contains("\"run\"")).count()
}

/// The printing house gets the others' receipts, or all where staff ask for all.
fn left_to_print(server: &Server, known: &world::Known) {
    let id = known.id;
    let house = in_company(server, COMPANY, async |tx| {
        let sql = "SELECT a.id, h.code AS house FROM account a
                   JOIN premises p ON p.tenant_id = a.tenant_id AND p.id = a.premises_id
                   JOIN house h ON h.tenant_id = p.tenant_id AND h.id = p.house_id
                   WHERE a.tenant_id = $1 AND a.id = $2";
        let row: Row = tx.rows(sql, vec![id.into()]).await.expect("the house").pop().expect("a house");
        row.house
    });
    let mut staff = server.staff(COMPANY);
    let mut total = |without_refused: bool| {
        let asked = json!({ "period": "2026-11", "house": house, "without_refused": without_refused });
        let printout = staff.call("POST", "/api/admin/v1/billing/printouts", Some(&asked)).expect(200).json();
        assert_eq!(printout["without_refused"], without_refused);
        let address = format!("/api/admin/v1/billing/printouts/{}", printout["id"].as_str().expect("an id"));
        wait_until("the printout", || staff.call("GET", &address, None).expect(200).json()["state"] == "ready");
        let text = Pdf::new(&staff.get(&format!("{address}/file")).expect(200).body).text();
        (printout["total"].as_i64().expect("a number"), text.contains(&known.account))
    };
    let (all, printed) = total(false);
    assert!(printed);
    let (some, printed) = total(true);
    assert!(!printed && some < all, "{some} of {all}");
    let sent = in_company(server, COMPANY, async |tx| deliveries(tx).await);
    assert!(!sent.is_empty());
}
