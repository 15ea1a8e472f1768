//! «Версия для слабовидящих»: how the pages look, kept in a cookie of readable words.

use poem::http::header;
use poem::{Request, Response, handler};
use serde::{Deserialize, Serialize};

use crate::cookie::Purpose;
use crate::form::{Form, local_path};
use crate::person::Guest;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::redirect::see_other;

/// Class names that the style sheet knows; anything else in the cookie is ignored.
const KNOWN: [&str; 8] = [
    "size-125",
    "size-150",
    "size-200",
    "contrast-light",
    "contrast-dark",
    "contrast-blue",
    "spacing-wide",
    "images-off",
];

/// The classes of `<html>` that the request's cookie asks for.
pub(crate) fn classes(request: &Request) -> String {
    let cookie = Platform::of(request).cookies.read(request, Purpose::View).unwrap_or_default();
    let known: Vec<&str> = cookie.split('.').filter(|word| KNOWN.contains(word)).collect();
    known.join(" ")
}

/// What the form offers and sends.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Choice {
    #[serde(default)]
    size: String,
    #[serde(default)]
    contrast: String,
    #[serde(default)]
    spacing: String,
    #[serde(default)]
    images: String,
    /// Sent by the button that takes everything back.
    usual: Option<String>,
    #[serde(default)]
    back: String,
}

#[derive(Serialize)]
struct View<'a> {
    size: &'a str,
    contrast: &'a str,
    spacing: &'a str,
    images: &'a str,
}

#[derive(Serialize)]
struct Context<'a> {
    errors: [(); 0],
    view: View<'a>,
    back: String,
}

/// GET: the form, with what is chosen now.
#[handler]
pub(crate) fn show(guest: Guest, request: &Request) -> Result<Response, Problem> {
    let chosen = classes(request);
    let one = |prefix: &str, usual: &'static str| {
        let mut words = chosen.split(' ');
        words.find_map(|word| word.strip_prefix(prefix)).map_or_else(|| usual.to_owned(), str::to_owned)
    };
    let (size, contrast) = (one("size-", "100"), one("contrast-", "normal"));
    let (spacing, images) = (one("spacing-", "normal"), one("images-", "on"));
    let view = View { size: &size, contrast: &contrast, spacing: &spacing, images: &images };
    let back = request.header("referer").and_then(path_of).unwrap_or_else(|| "/".to_owned());
    guest.page("Версия для слабовидящих", "accessibility.html", &Context { errors: [], view, back })
}

/// POST: keeps the choice for a year.
#[handler]
pub(crate) fn keep(guest: Guest, Form(choice): Form<Choice>) -> Response {
    let words = [
        format!("size-{}", choice.size),
        format!("contrast-{}", choice.contrast),
        format!("spacing-{}", choice.spacing),
        format!("images-{}", choice.images),
    ];
    let known = words.iter().map(String::as_str).filter(|word| choice.usual.is_none() && KNOWN.contains(word));
    let known: Vec<&str> = known.collect();
    let cookie = guest.platform().cookies.set(Purpose::View, &known.join("."), Some(365 * 24 * 3600));
    let mut response = see_other(local_path(&choice.back));
    if let Ok(value) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// The path of an address of this site.
fn path_of(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let path = &rest[rest.find('/')?..];
    (path != "/accessibility").then(|| local_path(path).to_owned())
}
