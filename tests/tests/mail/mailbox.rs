//! The demo's mailbox.

use kabinet_tests::company::Package;
use kabinet_tests::process::run;
use kabinet_tests::{Kind, Server, on_both_databases};

on_both_databases![the_demo_shows_what_it_sends, the_api_document_can_be_read];

fn the_demo_shows_what_it_sends(kind: Kind) {
    let server = Server::shared(kind);
    let to = "mailbox+test@example.ru";
    assert!(server.letters(to).is_empty());
    run(server.command().args(["mail", "test", "teploset", to]));
    let letter = server.letter(to, "Проверка почты");
    assert_eq!(letter.to, to);
    let portal = format!("http://teploset.localhost:{}/", server.listen.port());
    assert_eq!(letter.links().first(), Some(&portal), "{}", letter.text);
    assert_eq!(letter.path("/"), "/");
    assert!(letter.html.contains(&Package::read("teploset").name));
    assert_eq!(server.letters(to).len(), 1);
    assert!(server.letters("nobody@example.ru").is_empty());

    let mut mailbox = server.mailbox();
    let json = mailbox.get("/api/messages?to=mailbox%2Btest@example.ru").expect(200).json();
    assert!(json[0]["attachments"].as_array().is_some_and(Vec::is_empty), "{json}");
    let address = format!("/messages/{}", letter.id);
    let list = mailbox.page("/");
    assert!(list.all("a").iter().any(|link| link.attribute("href") == Some(address.as_str())));
    let page = mailbox.get(&address).expect(200);
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("frame-src 'self'") && !policy.contains("script-src"), "{policy}");
    let page = page.page();
    assert!(
        page.all("pre a")
            .iter()
            .any(|link| link.attribute("href").is_some_and(|href| href.replace("&#x2f;", "/") == portal))
    );
    assert!(page.one("iframe").attribute("sandbox").is_some_and(|rights| !rights.contains("allow-scripts")));
    let frame = mailbox.get(&format!("{address}/html")).expect(200);
    assert!(frame.header("content-security-policy").is_some_and(|policy| policy.contains("sandbox ")));
    mailbox.get("/messages/nothing").expect(404);
    // The mailbox is on its own host alone, and no company's pages are on it.
    server.browser("teploset").get("/api/messages").expect(404);
    mailbox.get("/overview").expect(404);
}

fn the_api_document_can_be_read(kind: Kind) {
    let mut browser = Server::shared(kind).browser("beregovoy");
    let page = browser.get("/api/docs").expect(200);
    let policy = page.header("content-security-policy").unwrap_or_default().to_owned();
    assert!(policy.contains("script-src 'self';") && !policy.contains("http"), "{policy}");
    let page = page.page();
    assert_eq!(page.one("rapi-doc").attribute("spec-url"), Some("/api/openapi.json"));
    let script = page.one("script").attribute("src").map(str::to_owned).expect("a script of this host");
    assert!(browser.get(&script).expect(200).body.len() > 300_000);
    assert!(browser.get("/api/openapi.json").expect(200).json()["paths"].is_object());
}
