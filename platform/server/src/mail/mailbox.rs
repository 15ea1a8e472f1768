//! The demo's mailbox: everything the platform sends, in memory, on a host of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use kabinet_core::text::email_key;
use kabinet_web::Site;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use poem::http::{StatusCode, header};
use poem::web::{Data, Json, Path, Query};
use poem::{EndpointExt, IntoResponse, Response, Route, get, handler};
use serde::{Deserialize, Serialize};

use super::outgoing::Outgoing;

/// The host of the mailbox.
const HOST: &str = "mail.localhost";
/// Letters kept, the latest ones.
const MOST: usize = 500;

/// The list and the page around a letter: nothing runs, the letter lies in a frame.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'";
/// A letter in its frame: no scripts, no forms, links lead out of the frame.
const LETTER_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:; \
     frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation";

/// Letters that would have left.
#[derive(Clone, Debug, Default)]
pub struct Mailbox(Arc<Mutex<VecDeque<Arc<Outgoing>>>>);

impl Mailbox {
    /// Keeps a letter, forgetting the oldest beyond the latest few hundred.
    pub(super) fn put(&self, letter: Outgoing) {
        let mut letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        letters.push_front(Arc::new(letter));
        letters.truncate(MOST);
    }

    /// The host with the mailbox's pages and its JSON.
    pub fn site(&self) -> anyhow::Result<Site> {
        let templates = [
            ("mailbox.html", include_str!("templates/mailbox.html")),
            ("letter.html", include_str!("templates/letter.html")),
        ];
        let pages = Arc::new(kabinet_render::page_environment(templates)?);
        let routes = Route::new()
            .at("/", get(show_list))
            .at("/messages/:id", get(show_letter))
            .at("/messages/:id/html", get(show_html))
            .at("/messages/:id/files/:number", get(show_file))
            .at("/api/messages", get(list_messages))
            .data(self.clone())
            .data(pages);
        Ok(Site::new(HOST, routes))
    }

    /// The letters to an address, newest first; all of them without one.
    fn to(&self, address: Option<&str>) -> Vec<Arc<Outgoing>> {
        let letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = address.map(email_key);
        let fits = |letter: &&Arc<Outgoing>| wanted.as_ref().is_none_or(|to| email_key(&letter.to) == *to);
        letters.iter().filter(fits).cloned().collect()
    }

    fn find(&self, id: &str) -> Option<Arc<Outgoing>> {
        self.to(None).into_iter().find(|letter| letter.id.to_string() == id)
    }
}

#[derive(Deserialize)]
struct Wanted {
    to: Option<String>,
}

#[derive(Serialize)]
struct Message<'a> {
    id: String,
    to: &'a str,
    subject: &'a str,
    text: &'a str,
    html: &'a str,
    unsubscribe: Option<&'a str>,
    attachments: Vec<File<'a>>,
}

/// A file that went along with a letter, and where it is.
#[derive(Serialize)]
struct File<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    media_type: &'a str,
    size: usize,
    href: String,
}

fn files(letter: &Outgoing) -> Vec<File<'_>> {
    let files = letter.files.iter().enumerate().map(|(number, file)| File {
        name: &file.name,
        media_type: &file.media_type,
        size: file.bytes.len(),
        href: format!("/messages/{}/files/{number}", letter.id),
    });
    files.collect()
}

/// A piece of text, or a link in it.
#[derive(Serialize)]
struct Piece<'a> {
    text: &'a str,
    link: bool,
}

#[handler]
fn list_messages(Query(wanted): Query<Wanted>, Data(mailbox): Data<&Mailbox>) -> Response {
    let letters = mailbox.to(wanted.to.as_deref());
    let messages = letters.iter().map(|letter| Message {
        id: letter.id.to_string(),
        to: &letter.to,
        subject: &letter.subject,
        text: &letter.text,
        html: &letter.html,
        unsubscribe: letter.unsubscribe.as_deref(),
        attachments: files(letter),
    });
    let messages: Vec<Message<'_>> = messages.collect();
    Json(messages).with_header(header::CACHE_CONTROL, "no-store").into_response()
}

#[handler]
fn show_list(
    Query(wanted): Query<Wanted>,
    Data(mailbox): Data<&Mailbox>,
    Data(pages): Data<&Arc<Environment<'static>>>,
) -> Response {
    let letters = mailbox.to(wanted.to.as_deref().filter(|to| !to.is_empty()));
    let rows: Vec<_> = letters
        .iter()
        .map(|letter| context! { id => letter.id.to_string(), to => &letter.to, from => &letter.from_name, subject => &letter.subject })
        .collect();
    page(pages, "mailbox.html", context! { letters => rows, to => wanted.to.unwrap_or_default() })
}

#[handler]
fn show_letter(
    Path(id): Path<String>,
    Data(mailbox): Data<&Mailbox>,
    Data(pages): Data<&Arc<Environment<'static>>>,
) -> Response {
    let Some(letter) = mailbox.find(&id) else { return not_found() };
    let values = context! {
        id, to => &letter.to, subject => &letter.subject, from_name => &letter.from_name, from => &letter.from,
        reply_to => &letter.reply_to, pieces => Value::from(Serde(pieces(&letter.text))),
        files => Value::from(Serde(files(&letter))),
    };
    page(pages, "letter.html", values)
}

#[handler]
fn show_html(Path(id): Path<String>, Data(mailbox): Data<&Mailbox>) -> Response {
    let Some(letter) = mailbox.find(&id) else { return not_found() };
    // Links lead out of the frame.
    let html = letter.html.replacen("<head>", "<head><base target=\"_top\">", 1);
    answer(LETTER_POLICY, html)
}

#[handler]
fn show_file(Path((id, number)): Path<(String, usize)>, Data(mailbox): Data<&Mailbox>) -> Response {
    let Some(letter) = mailbox.find(&id) else { return not_found() };
    let Some(file) = letter.files.get(number) else { return not_found() };
    Response::builder()
        .content_type(&file.media_type)
        .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")
        .header(header::CONTENT_DISPOSITION, format!("inline; filename=\"{}\"", file.name))
        .header(header::CACHE_CONTROL, "no-store")
        .body(file.bytes.clone())
}

fn page(pages: &Environment<'static>, name: &str, values: Value) -> Response {
    match pages.get_template(name).and_then(|template| template.render(values)) {
        Ok(html) => answer(PAGE_POLICY, html),
        Err(error) => {
            tracing::error!(%error, "the mailbox cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into()
        }
    }
}

fn answer(policy: &'static str, html: String) -> Response {
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .header(header::CACHE_CONTROL, "no-store")
        .body(html)
}

fn not_found() -> Response {
    StatusCode::NOT_FOUND.into()
}

/// Text in pieces, its addresses of pages as links.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = ["https://", "http://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| c.is_whitespace() || "<>\"«»".contains(c)).unwrap_or(from.len());
        let link = from[..end].trim_end_matches(['.', ',', ';', ')', '!']);
        pieces.push(Piece { text: before, link: false });
        pieces.push(Piece { text: link, link: true });
        rest = &from[link.len()..];
    }
    pieces.push(Piece { text: rest, link: false });
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_text_become_links() {
        let text = "Откройте http://a.localhost:8080/x?a=1, затем https://b.example/.";
        let links: Vec<&str> = pieces(text).into_iter().filter(|piece| piece.link).map(|piece| piece.text).collect();
        assert_eq!(links, ["http://a.localhost:8080/x?a=1", "https://b.example/"]);
        assert_eq!(pieces(text).iter().map(|piece| piece.text).collect::<String>(), text);
    }
}
