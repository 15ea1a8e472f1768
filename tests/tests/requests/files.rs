//! Photos and files: judged by their bytes, served to those who may see the request and to nobody else.

use kabinet_tests::browser::{BOUNDARY, multipart};
use kabinet_tests::server::NOW;
use kabinet_tests::world::{self, holder_of_flat};
use kabinet_tests::{Browser, Database, Kind, Server, on_both_databases};

use crate::{COMPANY, appeal, case, send_with_files};

on_both_databases![
    files_reach_the_company_as_they_were_and_nobody_else,
    files_that_do_not_fit_are_refused_by_name_and_the_text_stays,
    a_file_before_its_forms_token_is_not_read,
    a_message_brings_files_along,
    where_files_cannot_be_kept_nothing_is_filed_and_the_same_may_be_sent_later,
];

/// A PNG's beginning: all that says how large it is.
fn png(width: u32, height: u32) -> Vec<u8> {
    let head = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R'];
    [head.as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat()
}

const PDF: &[u8] = b"%PDF-1.7\r\n--part\r\nwhatever";
const GOOD: [(&str, &str); 2] = [("subject", "Протечка"), ("text", "Пятно на потолке")];

/// The addresses of the files on a request's page.
fn links(browser: &mut Browser, href: &str) -> Vec<String> {
    let page = browser.page(href);
    page.all("ul.files a").iter().filter_map(|link| link.attribute("href")).map(str::to_owned).collect()
}

fn filed(browser: &mut Browser, files: &[(&str, &[u8])]) -> String {
    send_with_files(browser, "appeal", &GOOD, files).expect(303);
    browser.page("/requests").one("ul.rows a").attribute("href").expect("a link").to_owned()
}

fn files_reach_the_company_as_they_were_and_nobody_else(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, known) = holder_of_flat(server, COMPANY, 10);
    let picture = png(4000, 3000);
    // What the browser says of a file counts for nothing: it says image/jpeg of both.
    let href = filed(&mut person.browser, &[("..\\Пятно 1.jpg", &picture), ("акт.pdf", PDF)]);
    let files = links(&mut person.browser, &href);
    assert_eq!(files.len(), 2);
    let shown = person.browser.get(&files[0]).expect(200);
    assert_eq!(shown.body, picture);
    assert_eq!(shown.header("content-type"), Some("image/png"));
    let way = shown.header("content-disposition").expect("a disposition").to_owned();
    assert!(way.starts_with("inline; filename=\"file.png\"; filename*=UTF-8''%D0%9F"), "{way}");
    let saved = person.browser.get(&files[1]).expect(200);
    assert_eq!(saved.body, PDF);
    assert!(saved.header("content-disposition").is_some_and(|way| way.starts_with("attachment;")));
    for answer in [&shown, &saved] {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
    }
    let text = person.browser.page(&href).text();
    assert!(text.contains("Пятно 1.jpg.png") && text.contains("акт.pdf"), "{text}");

    // Who else holds the account, another resident, a guest, another company's resident.
    let mut spouse = world::holder(server, COMPANY, &known);
    let (mut stranger, _) = holder_of_flat(server, COMPANY, 11);
    let mut foreigner = world::newcomer(server, "teploset");
    for file in &files {
        spouse.browser.get(file).expect(404);
        stranger.browser.get(file).expect(404);
        foreigner.browser.get(file).expect(404);
        assert_eq!(server.browser(COMPANY).get(file).expect(303).location(), "/");
    }
    // A file of one request is not another's.
    let other = appeal(&mut person.browser, "Другая");
    let id = files[0].rsplit('/').next().expect("an id").to_owned();
    person.browser.get(&format!("{other}/files/{id}")).expect(404);

    let mut staff = server.staff(COMPANY);
    let history = case(&mut staff, &href)["history"].clone();
    assert_eq!(history[0]["files"][0]["media_type"], "image/png");
    let given = staff.call("GET", &format!("/api/admin/v1{href}/files/{id}"), None).expect(200);
    assert_eq!(given.body, picture);
    assert!(given.header("content-disposition").is_some_and(|way| way.starts_with("attachment")));
    server.staff("teploset").call("GET", &format!("/api/admin/v1{href}/files/{id}"), None).expect(404);
}

fn files_that_do_not_fit_are_refused_by_name_and_the_text_stays(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 12);
    let browser = &mut person.browser;
    let long = [PDF, &vec![b' '; 10 * 1024 * 1024]].concat();
    let vast = png(10_000, 5_001);
    let wrong: [(&str, &[u8], &str); 5] = [
        ("вирус.jpg", b"MZ\x90\0", "не подходит"),
        ("страница.pdf", b"<html><script>alert(1)</script>", "не подходит"),
        ("скан.pdf", &long, "больше 10 МБ"),
        ("панорама.png", &vast, "больше 50 млн точек"),
        ("пусто.png", b"", "пуст"),
    ];
    for (name, bytes, why) in wrong {
        let page = send_with_files(browser, "appeal", &GOOD, &[("хороший.pdf", PDF), (name, bytes)]).expect(422).page();
        let refusals = page.refusals();
        assert_eq!(refusals.len(), 1, "{name}: {refusals:?}");
        assert!(
            refusals[0].0 == "files" && refusals[0].1.contains(name) && refusals[0].1.contains(why),
            "{refusals:?}"
        );
        let form = page.form("/requests/new?kind=appeal");
        assert_eq!((form.value("subject"), form.value("text")), (Some("Протечка"), Some("Пятно на потолке")), "{name}");
    }
    let six = [("a.pdf", PDF); 6];
    let page = send_with_files(browser, "appeal", &GOOD, &six).expect(422).page();
    assert!(page.refusals()[0].1.contains("Не больше 5"), "{:?}", page.refusals());
    assert!(!browser.page("/requests").has("ul.rows"), "nothing was filed");
    // What just fits is taken: five files, one of them ten megabytes to the byte.
    let full = &long[..10 * 1024 * 1024];
    let href = filed(browser, &[("1.pdf", full), ("2.pdf", PDF), ("3.pdf", PDF), ("4.pdf", PDF), ("5.pdf", PDF)]);
    assert_eq!(links(browser, &href).len(), 5);
}

fn a_file_before_its_forms_token_is_not_read(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 13);
    let browser = &mut person.browser;
    let address = "/requests/new?kind=appeal";
    let form = browser.page(address).form(address).with("subject", "Тема").with("text", "Текст");
    let token = form.fields.iter().find(|(name, _)| name == "csrf").expect("a token").clone();
    let others: Vec<_> = form.fields.iter().filter(|(name, _)| name != "csrf").cloned().collect();
    let file = multipart(&others, &[("a.pdf", PDF)]);
    let late = [&file[..file.len() - BOUNDARY.len() - 6], &multipart(std::slice::from_ref(&token), &[])].concat();
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let origin = format!("http://{}", browser.host);
    let bodies = [
        ("the token comes after a file", late, origin.as_str(), 403),
        ("no token", multipart(&others, &[]), origin.as_str(), 403),
        ("another origin", multipart(&form.fields, &[]), "http://evil.example", 403),
        ("a wrong token", multipart(&[("csrf".to_owned(), "x".to_owned())], &[("a.pdf", PDF)]), origin.as_str(), 403),
        ("all as it should be", multipart(&form.fields, &[("a.pdf", PDF)]), origin.as_str(), 303),
    ];
    for (what, body, origin, status) in bodies {
        let headers = [("Content-Type", kind.as_str()), ("Origin", origin)];
        assert_eq!(browser.send("POST", address, &headers, Some(&body)).status, status, "{what}");
    }
    assert_eq!(browser.page("/requests").all("ul.rows a").len(), 1, "one of them was filed");
}

fn a_message_brings_files_along(kind: Kind) {
    let server = Server::shared(kind);
    let (mut person, _) = holder_of_flat(server, COMPANY, 14);
    let browser = &mut person.browser;
    let href = appeal(browser, "Трещина");
    let form = browser.page(&href).form(&href).with("text", "Вот снимок");
    let page = browser.submit_with_files(&form, &[("x.exe", b"MZ")]).expect(422).page();
    assert_eq!(page.refusals()[0].0, "files");
    assert_eq!(page.form(&href).value("text"), Some("Вот снимок"));
    browser.submit_with_files(&form, &[("снимок.png", &png(10, 10))]).expect(303);
    assert_eq!(links(browser, &href).len(), 1);
    let mut staff = server.staff(COMPANY);
    let history = case(&mut staff, &href)["history"].clone();
    assert_eq!((&history[1]["deed"], &history[1]["files"][0]["name"]), (&"comment".into(), &"снимок.png".into()));
}

fn where_files_cannot_be_kept_nothing_is_filed_and_the_same_may_be_sent_later(kind: Kind) {
    // One of its own: nobody's files can be kept there.
    let server = Server::demo(Database::new(kind), NOW);
    let (mut person, _) = holder_of_flat(&server, COMPANY, 0);
    let browser = &mut person.browser;
    let company = world::in_company(&server, COMPANY, async |tx| tx.tenant_id());
    let folder = server.database.dir.join("files").join(company.to_string());
    let aside = folder.with_extension("aside");
    std::fs::create_dir_all(&folder).expect("the company's folder");
    std::fs::rename(&folder, &aside).expect("it goes");
    std::fs::write(&folder, b"").expect("no folder can be made there");
    let answer = send_with_files(browser, "appeal", &GOOD, &[("акт.pdf", PDF)]).expect(503);
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.page().one("h1").text(), "Сервис временно недоступен");
    assert!(!browser.page("/requests").has("ul.rows"), "nothing was filed");
    std::fs::remove_file(&folder).expect("room again");
    std::fs::rename(&aside, &folder).expect("it is back");
    let href = filed(browser, &[("акт.pdf", PDF)]);
    let file = links(browser, &href).remove(0);
    assert_eq!(browser.get(&file).expect(200).body, PDF);
}
