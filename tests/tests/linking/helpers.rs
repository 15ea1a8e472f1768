//! «Доступ помощника»: what a helper sees, does and cannot do, and when it ends.

use kabinet_tests::world::{self, Known, PASSWORD, Person, flat, in_company, newcomer};
use kabinet_tests::{Kind, Server, on_both_databases};

use crate::SLUG;
use crate::codes::printed_code;

on_both_databases![
    each_route_answers_by_what_the_helper_may_see,
    an_invitation_is_for_one_address_and_once,
    a_helper_changes_nothing,
    what_a_helper_did_is_listed_and_ends_with_the_access,
    the_access_ends_with_its_day_and_with_the_holders_link,
    an_invitation_must_make_sense,
    an_invitation_waits_for_the_login_of_its_browser,
    an_invitation_waits_for_a_registration,
];

struct Family {
    holder: Person,
    helper: Person,
    known: Known,
}

fn holder(server: &Server, known: &Known) -> Person {
    world::holder(server, SLUG, known)
}

fn family(server: &Server, number: usize, access: &str) -> Family {
    let known = flat(server, SLUG, number);
    let (mut holder, mut helper) = (holder(server, &known), newcomer(server, SLUG));
    holder.invite(known.id, &helper.email, access, "30.11.2026").expect(303);
    helper.accept_invitation(server);
    assert_eq!(helper.linked(), std::slice::from_ref(&known.account));
    Family { holder, helper, known }
}

fn each_route_answers_by_what_the_helper_may_see(kind: Kind) {
    let server = Server::shared(kind);
    let mut with = family(server, 30, "sums");
    let mut without = family(server, 31, "readings");
    let table = [
        ("/overview", 200, 200),
        ("/services", 200, 404),
        ("/charges", 200, 404),
        ("/charges/difference", 200, 404),
        ("/payments", 200, 404),
        ("/documents", 200, 404),
        ("/documents/2026-10.pdf", 200, 404),
        ("/documents/2026-10/utilities.pdf", 200, 404),
        ("/meters", 200, 200),
        ("/meters/readings", 200, 200),
        ("/accounts", 200, 200),
        ("/settings", 200, 200),
        ("/api/v1/me", 200, 200),
        ("/api/v1/meters", 200, 200),
        ("/api/v1/overview", 200, 404),
        ("/api/v1/services", 200, 404),
        ("/api/v1/charges", 200, 404),
        ("/api/v1/payments", 200, 404),
        ("/api/v1/documents", 200, 404),
        ("/api/v1/estimate", 200, 404),
    ];
    for (path, sums, readings) in table {
        assert_eq!(with.holder.browser.get(path).status, 200, "the holder, {path}");
        assert_eq!(with.helper.browser.get(path).status, sums, "with sums, {path}");
        assert_eq!(without.helper.browser.get(path).status, readings, "without sums, {path}");
    }
    let overview = without.helper.browser.page("/overview");
    assert!(
        overview.figures().is_empty() && overview.text().contains("Вы помогаете с показаниями"),
        "{}",
        overview.text()
    );
    let menu: Vec<String> = overview.one("ul.tabs").links();
    // «Заявки» tells a helper who files them, and the phone of the emergency desk; notices are the person's own.
    assert_eq!(menu, ["/overview", "/meters/readings", "/meters", "/requests", "/notifications"]);
    assert_eq!(with.helper.browser.page("/overview").one("ul.tabs").links().len(), 9);
    // With the code on the receipt a helper could become a holder.
    assert!(printed_code(&mut with.holder).is_some());
    assert!(printed_code(&mut with.helper).is_none());
}

fn an_invitation_is_for_one_address_and_once(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 32);
    let (mut holder, mut helper) = (holder(server, &known), newcomer(server, SLUG));
    holder.invite(known.id, &helper.email.to_uppercase(), "readings", "2026-12-31").expect(303);
    let path = server.letter(&helper.email.to_uppercase(), "Вас просят").path("/accounts/invitation");
    // A guest and another login learn nothing of the account.
    let guest = server.browser(SLUG).page(&path);
    assert!(!guest.text().contains(&known.account) && !guest.has("form[action=/accounts/invitation]"));
    let mut other = newcomer(server, SLUG);
    let page = other.browser.page(&path);
    assert!(!page.text().contains(&known.account) && page.text().contains("уже не действует"));
    let form = helper.browser.page(&path).form("/accounts/invitation");
    let mut stolen = other.browser.page("/accounts").form("/logout");
    stolen.action = "/accounts/invitation".to_owned();
    stolen.fields.push(("token".to_owned(), form.value("token").expect("a token").to_owned()));
    other.submit(&stolen).expect(404);
    helper.submit(&form).expect(303);
    helper.submit(&form).expect(404);
    assert_eq!(helper.linked(), [known.account]);
}

fn a_helper_changes_nothing(kind: Kind) {
    let server = Server::shared(kind);
    let Family { mut holder, mut helper, known } = family(server, 33, "sums");
    let account = format!("/accounts/{}", known.id);
    let grant = {
        let page = holder.browser.page(&format!("{account}/helpers"));
        let forms = page.all("form");
        let action =
            forms.iter().filter_map(|form| form.attribute("action")).find(|action| action.ends_with("/revoke"));
        action.expect("a way to end it").to_owned()
    };
    let csrf = helper.browser.page("/accounts").form("/logout").value("csrf").expect("a token").to_owned();
    let fields = [("csrf", csrf.as_str()), ("email", "x@y.example"), ("access", "sums"), ("until", "30.11.2026")];
    let fields: Vec<(String, String)> = fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    for path in [format!("{account}/unlink"), format!("{account}/helpers")] {
        helper.browser.get(&path).expect(404);
        helper.browser.post(&path, &fields).expect(404);
    }
    helper.browser.post(&grant, &fields).expect(404);
    let list = helper.browser.page("/accounts");
    assert!(list.text().contains("вы помощник") && !list.has(&format!("form[action={account}/unlink]")));
    // A helper who proves to be a holder is one.
    helper.link(&known.account, &known.house, &known.flat, &known.surname).expect(303);
    helper.browser.get(&format!("{account}/unlink")).expect(200);
}

fn what_a_helper_did_is_listed_and_ends_with_the_access(kind: Kind) {
    let server = Server::shared(kind);
    let Family { mut holder, mut helper, known } = family(server, 34, "readings");
    let page = helper.browser.page("/meters/readings");
    let form = page.form("/meters/readings");
    let field = form.names("meter_").into_iter().find(|name| name.ends_with("_delta")).expect("a field");
    let sent = helper.submit(&form.with(&field, "1,5")).expect(303);
    let result = helper.browser.follow(sent).page();
    assert!(result.text().contains("Показания приняты") && result.figures().is_empty(), "no sums");
    let path = format!("/accounts/{}/helpers", known.id);
    let list = holder.browser.page(&path);
    assert!(list.text().contains("Переданы показания на 22.11.2026, приборов учёта: 1"), "{}", list.text());
    assert!(list.text().contains("Приглашение принято") && list.text().contains(&helper.email));
    let action = list
        .all("form")
        .iter()
        .filter_map(|f| f.attribute("action"))
        .find(|a| a.ends_with("/revoke"))
        .expect("a form")
        .to_owned();
    holder.submit(&list.form(&action)).expect(303);
    helper.browser.get("/meters").expect(303);
    assert!(helper.linked().is_empty());
    let _ = server.letter(&helper.email, "завершена");
    assert!(holder.browser.page(&path).text().contains("Завершён"));
}

fn the_access_ends_with_its_day_and_with_the_holders_link(kind: Kind) {
    let server = Server::shared(kind);
    let mut one = family(server, 35, "sums");
    // The last day is over: the row says so, the cached session must see it without being told.
    one.helper.browser.get("/meters/readings").expect(200);
    in_company(server, SLUG, async |tx| {
        let sql = "UPDATE account_link SET until_on = 20261121 WHERE tenant_id = $1 AND resident_id = $2";
        tx.execute(sql, vec![one.helper.id.into()]).await.expect("an update");
        tx.touch(kabinet_web::session::TOPIC).await.expect("a touch");
    });
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert!(one.helper.linked().is_empty());
    one.helper.browser.get("/charges").expect(404);
    let mut two = family(server, 36, "sums");
    let path = format!("/accounts/{}/unlink", two.known.id);
    let form = two.holder.browser.page(&path).form(&path);
    two.holder.submit(&form).expect(303);
    assert!(two.helper.linked().is_empty());
}

fn an_invitation_must_make_sense(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 37);
    let mut holder = holder(server, &known);
    let own = holder.email.clone();
    let wrong = [
        ("", "readings", "30.11.2026", "email"),
        ("anna", "readings", "30.11.2026", "email"),
        (own.as_str(), "readings", "30.11.2026", "email"),
        ("anna@a.example", "everything", "30.11.2026", "access"),
        ("anna@a.example", "readings", "21.11.2026", "until"),
        ("anna@a.example", "readings", "30.11.2028", "until"),
        ("anna@a.example", "readings", "скоро", "until"),
    ];
    for (email, access, until, field) in wrong {
        let page = holder.invite(known.id, email, access, until).expect(422).page();
        assert_eq!(page.refusals()[0].0, field, "{email} {access} {until}");
    }
    assert!(server.letters("anna@a.example").is_empty());
}

fn an_invitation_waits_for_the_login_of_its_browser(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 38);
    let (mut holder, mut helper) = (holder(server, &known), newcomer(server, SLUG));
    holder.invite(known.id, &helper.email, "readings", "30.11.2026").expect(303);
    let path = server.letter(&helper.email, "Вас просят").path("/accounts/invitation");
    let mut browser = server.browser(SLUG);
    assert!(browser.page(&path).text().contains("После входа приглашение откроется само"));
    // What waits is sealed: neither read nor written by others, and another company's is nothing here.
    let waiting = browser.cookie("kabinet-return").expect("what waits");
    assert!(!waiting.contains("invitation"));
    browser.try_log_in(&helper.email, "certainly not this").expect(422);
    let answer = browser.try_log_in(&helper.email, PASSWORD).expect(303);
    assert_eq!(answer.location(), path);
    helper.browser = browser;
    let form = helper.browser.page(&path).form("/accounts/invitation");
    helper.submit(&form).expect(303);
    assert_eq!(helper.linked(), [known.account]);
    // Once: the next login leads where logins lead.
    assert_eq!(helper.browser.cookie("kabinet-return"), None);
    let mut later = server.browser(SLUG);
    later.cookies = vec![("kabinet-return".to_owned(), waiting.replace(&waiting[..4], "AAAA"))];
    later.log_in(&helper.email, PASSWORD);
    let mut elsewhere = newcomer(server, "teploset");
    let mut carried = server.browser("teploset");
    carried.cookies = vec![("kabinet-return".to_owned(), waiting)];
    carried.log_in(&elsewhere.email, PASSWORD);
    assert!(elsewhere.linked().is_empty());
}

fn an_invitation_waits_for_a_registration(kind: Kind) {
    let server = Server::shared(kind);
    let known = flat(server, SLUG, 39);
    let mut holder = holder(server, &known);
    let email = format!("invited-{kind}@helpers.example");
    holder.invite(known.id, &email, "sums", "30.11.2026").expect(303);
    let path = server.letter(&email, "Вас просят").path("/accounts/invitation");
    let mut browser = server.browser(SLUG);
    assert!(browser.page(&path).links().contains(&"/register".to_owned()));
    let password = "тихая заводь у моста";
    let form = browser.registration(&email, password);
    browser.submit(&form).expect(303);
    let activation = server.letter(&email, "Активация").path("/activate");
    let form = browser.page(&activation).form("/activate");
    assert_eq!(browser.submit(&form).expect(303).location(), "/");
    assert_eq!(browser.try_log_in(&email, password).expect(303).location(), path);
    assert!(browser.page(&path).text().contains(&known.account));
}
