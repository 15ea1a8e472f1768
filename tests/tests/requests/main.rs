//! «Заявки», as residents and staff meet them over HTTP.

mod files;
mod life;
mod queue;
mod repeats;
mod time;
mod toggle;
mod walls;

use kabinet_tests::{Browser, Response};
use serde_json::{Value, json};

/// The company whose deadlines are its own; the other one's are the law's.
pub(crate) const COMPANY: &str = "beregovoy";

/// Fills in the form of a kind and sends it; the answer as it came.
pub(crate) fn send(browser: &mut Browser, kind: &str, fields: &[(&str, &str)]) -> Response {
    send_with_files(browser, kind, fields, &[])
}

pub(crate) fn send_with_files(
    browser: &mut Browser,
    kind: &str,
    fields: &[(&str, &str)],
    files: &[(&str, &[u8])],
) -> Response {
    let address = format!("/requests/new?kind={kind}");
    let form = browser.page(&address).form(&address);
    let form = fields.iter().fold(form, |form, (name, value)| form.with(name, value));
    browser.submit_with_files(&form, files)
}

/// Files an appeal; the address of its page.
pub(crate) fn appeal(browser: &mut Browser, subject: &str) -> String {
    send(browser, "appeal", &[("subject", subject), ("text", "Подробности")]).expect(303);
    let page = browser.page("/requests");
    let rows = page.all("ul.rows a");
    let row = rows.into_iter().find(|link| link.text() == subject);
    row.and_then(|link| link.attribute("href")).expect("the request below").to_owned()
}

/// The identifier in the address of a request's page.
pub(crate) fn id_of(href: &str) -> &str {
    href.trim_start_matches("/requests/")
}

/// What staff see of a request.
pub(crate) fn case(staff: &mut Browser, href: &str) -> Value {
    staff.call("GET", &format!("/api/admin/v1{href}"), None).expect(200).json()
}

/// Something that staff do with a request; the answer as it came.
pub(crate) fn deed(staff: &mut Browser, href: &str, what: &str, body: &Value) -> Response {
    staff.call("POST", &format!("/api/admin/v1{href}/{what}"), Some(body))
}

/// Takes a request and brings it to its end.
pub(crate) fn finish(staff: &mut Browser, href: &str) {
    deed(staff, href, "accept", &json!({})).expect(200);
    deed(staff, href, "state", &json!({ "state": "done", "text": "Сделано" })).expect(200);
}
