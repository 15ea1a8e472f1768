//! A company that takes mailboxes of some domains only, on the first visit through Gosuslugi.

use kabinet_tests::company::package_with;
use kabinet_tests::process::run;
use kabinet_tests::server::NOW;
use kabinet_tests::{Database, Kind, Server, on_both_databases, wait_until};

use crate::journey::{consent, log_in, me};

on_both_databases![a_first_visit_keeps_to_the_companys_mail_domains];

fn a_first_visit_keeps_to_the_companys_mail_domains(kind: Kind) {
    let server = Server::demo(Database::new(kind), NOW);
    let package = package_with("beregovoy", "[residents]\nmail_domains = [\"mail.example\"]");
    run(server.command().args(["tenant", "apply"]).arg(package));
    wait_until("the package", || server.browser("beregovoy").page("/register").text().contains("mail.example"));
    // The mailbox that Gosuslugi has confirmed is of such a domain: a login is made of it.
    let mut browser = server.browser("beregovoy");
    assert_eq!(log_in(&server, &mut browser, "taken@mail.example", None).expect(303).location(), "/esia/join");
    consent(&mut browser).expect(303);
    assert_eq!(me(&mut browser), "taken@mail.example");
    // It is of another one: the person is asked for a mailbox that will do.
    let mut browser = server.browser("beregovoy");
    assert_eq!(log_in(&server, &mut browser, "other@elsewhere.example", None).expect(303).location(), "/esia/join");
    let page = browser.page("/esia/join");
    assert!(!page.has("form[action=/esia/join/consent]") && !page.text().contains("other@elsewhere.example"));
    let form = page.form("/esia/join/email").with("consent", "yes");
    let refused = browser.submit(&form.clone().with("email", "other@elsewhere.example")).expect(422).page();
    let (field, said) = refused.refusals().remove(0);
    assert!(field == "email" && said.contains("mail.example"), "{field}: {said}");
    assert!(refused.one("#email-error").text().contains(&said), "beside the field");
    assert_eq!(refused.one("[name=email]").attribute("value"), Some("other@elsewhere.example"));
    assert!(server.letters("other@elsewhere.example").is_empty());
    browser.submit(&form.with("email", "other@mail.example")).expect(303);
    let link = server.letter("other@mail.example", "Подтвердите Email").path("/esia/confirm?token=");
    let form = browser.page(&link).form("/esia/confirm");
    assert_eq!(browser.submit(&form).expect(303).location(), "/overview");
    assert_eq!(me(&mut browser), "other@mail.example");
    // The other company takes it as it is.
    let mut elsewhere = server.browser("teploset");
    log_in(&server, &mut elsewhere, "other@elsewhere.example", None).expect(303);
    assert!(elsewhere.page("/esia/join").has("form[action=/esia/join/consent]"));
}
