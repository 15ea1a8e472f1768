//! A client that behaves as a browser where it matters: cookies, `Origin`, forms, redirects on demand.
//!
//! It speaks HTTP/1.1 over a plain socket, one request a connection. So a test can send what no library
//! would (two Host headers), and no platform crate is built with other features because of the tests.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::page::{Form, Page};
use crate::server::CAPTCHA;
use crate::waiting::wait_until;

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, unchunked.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Where a redirect leads; empty without one.
    #[must_use]
    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as a page.
    ///
    /// # Panics
    /// When it is no HTML.
    #[must_use]
    pub fn page(&self) -> Page {
        let kind = self.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("text/html"), "{} is no page: {kind} {}", self.status, self.text());
        Page::parse(&self.text())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        let parsed = serde_json::from_slice(&self.body);
        parsed.unwrap_or_else(|error| panic!("{} is no JSON: {error}: {}", self.status, self.text()))
    }

    /// This answer, if it has the status.
    ///
    /// # Panics
    /// When it has another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let text = self.text();
        let shown: String = text.chars().take(2000).collect();
        assert_eq!(self.status, status, "location {:?}, body: {shown}", self.location());
        self
    }

    /// Names and attributes of the cookies that it sets or removes, in the order of their names.
    #[must_use]
    pub fn cookies(&self) -> Vec<String> {
        let lines = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        let named = |(_, line): &(String, String)| {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            format!("{};{attributes}", pair.split('=').next().unwrap_or_default())
        };
        let mut cookies: Vec<String> = lines.map(named).collect();
        cookies.sort();
        cookies
    }

    /// Whether it gives a cookie of this name.
    #[must_use]
    pub fn sets(&self, cookie: &str) -> bool {
        self.cookies().iter().any(|set| set.starts_with(&format!("{cookie};")) && !set.contains("Max-Age=0"))
    }

    /// What two answers must share to tell a stranger nothing: status, headers that do not name the
    /// moment, and the body without its form tokens.
    #[must_use]
    pub fn fingerprint(&self) -> (u16, Vec<(String, String)>, String) {
        let telling = |name: &str| !["date", "set-cookie", "content-length", "x-request-id"].contains(&name);
        let headers = self.headers.iter().filter(|(name, _)| telling(name)).cloned().collect();
        (self.status, headers, without_tokens(&self.text()))
    }
}

/// The text without what every page has of its own: the values of form tokens and captchas.
fn without_tokens(html: &str) -> String {
    let cut = |text: String, (start, end): (&str, char)| {
        let mut pieces = text.split(start);
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |text, piece| {
            let rest = piece.find(end).map_or("", |at| &piece[at..]);
            format!("{text}{start}{rest}")
        })
    };
    // Templates write a slash inside an attribute as an entity.
    let tokens = [("name=\"csrf\" value=\"", '"'), ("name=\"captcha_token\" value=\"", '"'), ("captcha&#x2f;", '.')];
    tokens.into_iter().fold(html.to_owned(), cut)
}

/// A browser on one host, with its cookies.
#[derive(Clone, Debug)]
pub struct Browser {
    address: SocketAddr,
    /// Host with its port, as in the address bar.
    pub host: String,
    /// Cookies by name.
    pub cookies: Vec<(String, String)>,
    /// The address that a proxy says it comes from; empty for none: limits count by it.
    pub from: String,
}

impl Browser {
    /// A browser without cookies on `name` (`beregovoy.localhost`), served by `address`.
    #[must_use]
    pub fn new(address: SocketAddr, name: &str) -> Self {
        Self { address, host: format!("{name}:{}", address.port()), cookies: Vec::new(), from: String::new() }
    }

    /// GET.
    pub fn get(&mut self, path: &str) -> Response {
        self.send("GET", path, &[], None)
    }

    /// GET of a page that must be there.
    #[track_caller]
    pub fn page(&mut self, path: &str) -> Page {
        self.get(path).expect(200).page()
    }

    /// Returns as soon as the path answers with this status: a server hears within moments what another process
    /// changed.
    #[track_caller]
    pub fn wait_for_status(&mut self, path: &str, status: u16) {
        wait_until(&format!("{status} at {path}"), || self.get(path).status == status);
    }

    /// Sends a form with a browser's headers.
    pub fn post(&mut self, path: &str, fields: &[(String, String)]) -> Response {
        let origin = format!("http://{}", self.host);
        self.post_from(&origin, path, fields)
    }

    /// Sends a form as from a page of another origin; an empty one sends no header.
    pub fn post_from(&mut self, origin: &str, path: &str, fields: &[(String, String)]) -> Response {
        let body = form_encoded(fields);
        let mut headers = vec![("Content-Type", "application/x-www-form-urlencoded")];
        if !origin.is_empty() {
            headers.push(("Origin", origin));
        }
        self.send("POST", path, &headers, Some(body.as_bytes()))
    }

    /// Sends a filled form of a page.
    pub fn submit(&mut self, form: &Form) -> Response {
        let action = form.action.clone();
        self.post(&action, &form.fields)
    }

    /// Sends a filled form of a page with files, as (name, bytes) of its field `files`.
    pub fn submit_with_files(&mut self, form: &Form, files: &[(&str, &[u8])]) -> Response {
        let origin = format!("http://{}", self.host);
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let headers = [("Content-Type", kind.as_str()), ("Origin", origin.as_str())];
        self.send("POST", &form.action, &headers, Some(&multipart(&form.fields, files)))
    }

    /// Calls an operation of the API, with `body` as JSON, as a script of the portal's own page would.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Response {
        self.try_call(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Calls an operation of a server that may be gone before it has answered.
    pub fn try_call(&mut self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Response> {
        let origin = format!("http://{}", self.host);
        let mut headers = vec![("Accept", "application/json"), ("Origin", origin.as_str())];
        let text = body.map(Value::to_string);
        if text.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        self.try_send(method, path, &headers, text.as_deref().map(str::as_bytes))
    }

    /// Any request; cookies are sent and kept.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Response {
        self.try_send(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn try_send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> io::Result<Response> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.host);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.from.is_empty() {
            head.push_str(&format!("X-Forwarded-For: {}\r\n", self.from));
        }
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            head.push_str(&format!("Cookie: {}\r\n", cookies.join("; ")));
        }
        if let Some(body) = body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let request = [head.as_bytes(), body.unwrap_or_default()].concat();
        let answer = exchange(self.address, &request)?;
        self.keep_cookies(&answer);
        Ok(answer)
    }

    fn keep_cookies(&mut self, response: &Response) {
        for (_, line) in response.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            self.cookies.retain(|(known, _)| known != name);
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    /// The value of a cookie.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// Follows redirects until a page comes.
    ///
    /// # Panics
    /// When there are more than five.
    #[track_caller]
    pub fn follow(&mut self, mut response: Response) -> Response {
        for _ in 0..5 {
            if !(300..400).contains(&response.status) {
                return response;
            }
            let next = response.location().to_owned();
            assert!(next.starts_with('/'), "a redirect to {next:?}");
            response = self.get(&next);
        }
        panic!("redirected without end to {}", response.location())
    }

    /// Fills in the start page's login form and sends it; the answer as it came.
    #[track_caller]
    pub fn try_log_in(&mut self, email: &str, password: &str) -> Response {
        let form = self.page("/").form("/login").with("email", email).with("password", password);
        self.submit(&form)
    }

    /// The registration form, filled in rightly and not sent.
    #[track_caller]
    pub fn registration(&mut self, email: &str, password: &str) -> Form {
        let form = self.page("/register").form("/register");
        let form = form.with("email", email).with("password", password).with("password_repeat", password);
        form.with("phone", "8 (912) 345-67-89").with("captcha", CAPTCHA).with("consent", "yes")
    }

    /// The form of somebody who forgot the password, filled in rightly and not sent.
    #[track_caller]
    pub fn recovery(&mut self, email: &str) -> Form {
        self.page("/recover").form("/recover").with("email", email).with("captcha", CAPTCHA)
    }

    /// Whether somebody is logged in.
    pub fn is_logged_in(&mut self) -> bool {
        self.get("/settings").status == 200
    }

    /// The entries of a logged-in resident's menu, with their counts.
    #[track_caller]
    pub fn menu(&mut self) -> Vec<String> {
        self.page("/overview").all("nav .tabs a").iter().map(|link| link.text()).collect()
    }

    /// The identifier of the account that the logged-in resident looks at.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn active_account(&mut self) -> String {
        let me = self.call("GET", "/api/v1/me", None).expect(200).json();
        let accounts = me["accounts"].as_array().expect("accounts");
        let active = accounts.iter().find(|account| account["active"] == true).expect("a chosen account");
        active["id"].as_str().expect("an id").to_owned()
    }

    /// Logs in from the start page; the browser is then on «Общая информация».
    #[track_caller]
    pub fn log_in(&mut self, email: &str, password: &str) {
        let answer = self.try_log_in(email, password).expect(303);
        assert_eq!(answer.location(), "/overview");
    }
}

/// What stands between the parts of a form with files.
pub const BOUNDARY: &str = "part-of-a-form-7e57";

/// `fields`, then `files` in the field `files`, as `multipart/form-data` with [`BOUNDARY`].
#[must_use]
pub fn multipart(fields: &[(String, String)], files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(format!("{head}{value}\r\n").as_bytes());
    }
    for (name, bytes) in files {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\n");
        body.extend_from_slice(format!("{head}Content-Type: image/jpeg\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// `fields` as `application/x-www-form-urlencoded`.
#[must_use]
pub fn form_encoded(fields: &[(String, String)]) -> String {
    let encoded = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => char::from(byte).to_string(),
            b' ' => "+".to_owned(),
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    pairs.join("&")
}

/// Sends bytes, which must ask for `Connection: close`, and reads the answer.
pub fn exchange(address: SocketAddr, request: &[u8]) -> io::Result<Response> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    parse(&bytes).ok_or_else(|| io::Error::other(format!("no HTTP answer: {:?}", String::from_utf8_lossy(&bytes))))
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    let headers: Vec<(String, String)> = lines.filter_map(header).collect();
    let body = &bytes[end + 4..];
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { unchunked(body)? } else { body.to_vec() };
    Some(Response { status, headers, body })
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?.trim(), 16).ok()?;
        rest = &rest[line + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let answer = parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        assert_eq!(answer.map(|answer| answer.text()).as_deref(), Some("abcde"));
    }

    #[test]
    fn tokens_do_not_count_as_a_difference() {
        assert_eq!(without_tokens("a name=\"csrf\" value=\"x\">b"), without_tokens("a name=\"csrf\" value=\"y\">b"));
    }
}
