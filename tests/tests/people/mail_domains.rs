//! `[residents] mail_domains` of a company: of which mailboxes logins may be.

use kabinet_tests::company::package_with;
use kabinet_tests::process::run;
use kabinet_tests::server::NOW;
use kabinet_tests::{Database, Kind, Server, on_both_databases};

use crate::{COMPANY, PASSWORD, application, apply, person, refused_fields, stranger};

on_both_databases![a_company_takes_logins_of_its_mail_domains_only];

/// A server whose company takes mailboxes of `people.example` and `Mail.Example` alone.
fn narrowed(kind: Kind) -> Server {
    let server = Server::demo(Database::new(kind), NOW);
    let package = package_with(COMPANY, "[residents]\nmail_domains = [\"people.example\", \"Mail.Example\"]");
    run(server.command().args(["tenant", "apply"]).arg(package));
    let begun = std::time::Instant::now();
    while !stranger(&server).page("/register").text().contains("people.example") {
        assert!(begun.elapsed().as_secs() < 60, "the running server has not seen the change");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    server
}

fn a_company_takes_logins_of_its_mail_domains_only(kind: Kind) {
    let server = narrowed(kind);
    // Registration: the refusal stands beside the field, tells what is taken, and keeps what was typed.
    let mut browser = stranger(&server);
    for wrong in ["anna@elsewhere.example", "anna@mail.people.example", "anna@people.example.ru"] {
        let form = application(&mut browser, wrong, PASSWORD);
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
    stranger(&server).log_in(&old.email, &old.password);
    let form = browser.page("/recover").form("/recover").with("email", &old.email);
    browser.submit(&form.with("captcha", kabinet_tests::server::CAPTCHA)).expect(303);
    let _ = server.letter(&old.email, "Восстановление");
    // The other company takes all.
    let mut elsewhere = server.browser("teploset");
    apply(&mut elsewhere, "anna@elsewhere.example", PASSWORD);
}
