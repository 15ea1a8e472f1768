//! `[residents] mail_domains` of a company: of which mailboxes logins may be.

use kabinet_tests::company::package_with;
use kabinet_tests::process::run;
use kabinet_tests::server::NOW;
use kabinet_tests::{Database, Kind, Server, on_both_databases, wait_until};

use crate::{COMPANY, PASSWORD, apply, person, refused_fields};

on_both_databases![a_company_takes_logins_of_its_mail_domains_only];

/// A server whose company takes mailboxes of `people.example` and `Mail.Example` alone.
fn narrowed(kind: Kind) -> Server {
    let server = Server::demo(Database::new(kind), NOW);
    let package = package_with(COMPANY, "[residents]\nmail_domains = [\"people.example\", \"Mail.Example\"]");
    run(server.command().args(["tenant", "apply"]).arg(package));
    wait_until("the package", || server.stranger(COMPANY).page("/register").text().contains("people.example"));
    server
}

fn a_company_takes_logins_of_its_mail_domains_only(kind: Kind) {
    let server = narrowed(kind);
    // Registration: the refusal stands beside the field, tells what is taken, and keeps what was typed.
    let mut browser = server.stranger(COMPANY);
    for wrong in ["anna@elsewhere.example", "anna@mail.people.example", "anna@people.example.ru"] {
        let form = browser.registration(wrong, PASSWORD);
        let answer = browser.submit(&form);
        let page = answer.clone().page();
        assert_eq!(refused_fields(answer), ["email"], "{wrong}");
        let (_, said) = page.refusals().remove(0);
        assert!(said.contains("people.example, mail.example"), "{said}");
        assert!(page.one("#email-error").text().contains(&said), "beside the field");
        assert_eq!(page.one("#email").attribute("value"), Some(wrong));
        assert!(server.letters(wrong).is_empty());
    }
    apply(&mut browser, "Anna@MAIL.example", PASSWORD);
    let _ = server.letter("Anna@MAIL.example", "Активация");
    // Change of the e-mail.
    let mut person = person(&server, "narrow");
    let answer = person.send("/settings", &[("email", "anna@elsewhere.example")]);
    let page = answer.clone().page();
    assert_eq!(refused_fields(answer), ["email"]);
    assert!(page.one("#email-error").text().contains("people.example, mail.example"));
    assert!(!person.browser.page("/settings").has("main .notice .long"), "nothing waits");
    assert!(server.letters("anna@elsewhere.example").is_empty());
    person.send("/settings", &[("email", "moved@mail.example")]).expect(303);
    let path = server.letter("moved@mail.example", "Подтвердите").path("/settings/email");
    let form = person.browser.page(&path).form("/settings/email");
    person.browser.submit(&form).expect(303);
    // A login from before keeps its mailbox: it enters and recovers.
    let old = &server.facts().company(COMPANY).resident;
    assert!(old.email.split_once('@').is_some_and(|(_, domain)| domain != "people.example"), "{}", old.email);
    server.stranger(COMPANY).log_in(&old.email, &old.password);
    let form = browser.recovery(&old.email);
    browser.submit(&form).expect(303);
    let _ = server.letter(&old.email, "Восстановление");
    // The other company takes all.
    let mut elsewhere = server.browser("teploset");
    apply(&mut elsewhere, "anna@elsewhere.example", PASSWORD);
}
