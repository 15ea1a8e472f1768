//! Who sees which request: its author who still holds the account, and the company.

use kabinet_tests::world::{self, holder_of_flat};
use kabinet_tests::{Kind, Server, on_both_databases};
use serde_json::json;

use crate::{COMPANY, appeal, deed};

on_both_databases![
    anothers_request_looks_like_none,
    after_unlinking_the_request_is_not_there_and_comes_back_with_the_account,
    a_helper_sees_no_request_and_files_none,
];

const NONE: &str = "/requests/0193a1c0-0000-7000-8000-0000000000ff";

fn anothers_request_looks_like_none(kind: Kind) {
    let server = Server::shared(kind);
    let (mut author, known) = holder_of_flat(server, COMPANY, 20);
    let href = appeal(&mut author.browser, "Личное дело");
    let mut spouse = world::holder(server, COMPANY, &known);
    let (mut neighbour, _) = holder_of_flat(server, COMPANY, 21);
    let (mut foreigner, _) = holder_of_flat(server, "teploset", 0);
    for other in [&mut spouse.browser, &mut neighbour.browser, &mut foreigner.browser] {
        let token = other.page("/accounts").form("/logout").value("csrf").expect("a token").to_owned();
        let fields = [("csrf".to_owned(), token), ("text".to_owned(), "Подделка".to_owned())];
        for tail in ["", "/reopen", "/rating"] {
            let (theirs, none) =
                (other.post(&format!("{href}{tail}"), &fields), other.post(&format!("{NONE}{tail}"), &fields));
            assert_eq!((theirs.status, theirs.fingerprint()), (404, none.fingerprint()), "POST {tail}");
        }
        assert_eq!(other.get(&href).expect(404).fingerprint(), other.get(NONE).expect(404).fingerprint());
        let api = |other: &mut kabinet_tests::Browser, href: &str| {
            other.call("GET", &format!("/api/v1{href}"), None).expect(404).fingerprint()
        };
        assert_eq!(api(other, &href), api(other, NONE));
        assert!(!other.page("/requests").text().contains("Личное дело"));
    }
    // Staff of the other company do not find it either, and change nothing.
    let mut foreign = server.staff("teploset");
    foreign.call("GET", &format!("/api/admin/v1{href}"), None).expect(404);
    deed(&mut foreign, &href, "accept", &json!({})).expect(404);
    deed(&mut foreign, &href, "comments", &json!({ "text": "Подделка" })).expect(404);
    let queue = foreign.call("GET", "/api/admin/v1/requests?limit=100", None).expect(200).text();
    assert!(!queue.contains("Личное дело"));
    let page = author.browser.page(&href).text();
    assert!(page.contains("Новая") && !page.contains("Подделка"), "{page}");
}

fn after_unlinking_the_request_is_not_there_and_comes_back_with_the_account(kind: Kind) {
    let server = Server::shared(kind);
    let (mut author, known) = holder_of_flat(server, COMPANY, 22);
    let href = appeal(&mut author.browser, "До отвязки");
    let unlink = format!("/accounts/{}/unlink", known.id);
    let form = author.browser.page(&unlink).form(&unlink);
    author.browser.submit(&form).expect(303);
    author.browser.get(&href).expect(404);
    author.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
    assert!(author.browser.page(&href).text().contains("До отвязки"));
}

fn a_helper_sees_no_request_and_files_none(kind: Kind) {
    let server = Server::shared(kind);
    let (mut author, known) = holder_of_flat(server, COMPANY, 23);
    let href = appeal(&mut author.browser, "Не для помощника");
    for access in ["readings", "sums"] {
        let mut helper = world::newcomer(server, COMPANY);
        author.invite(known.id, &helper.email, access, "30.11.2026").expect(303);
        helper.accept_invitation(server);
        let page = helper.browser.page("/requests");
        assert!(page.text().contains("только его собственник или наниматель"), "{}", page.text());
        assert!(page.text().contains("8 (351) 200-10-11"), "but whom to call they are told");
        assert!(!page.text().contains("Не для помощника") && !page.has("ul.kinds"));
        helper.browser.get(&href).expect(404);
        helper.browser.get("/requests/new?kind=appeal").expect(404);
        helper
            .browser
            .call("POST", "/api/v1/requests", Some(&json!({ "kind": "emergency", "subject": "x" })))
            .expect(404);
    }
}
