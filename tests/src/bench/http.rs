//! The load client's HTTP/1.1: one kept-alive connection, nothing compressed, as cheap as it can be, since
//! it shares the machine with what it measures.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};

/// So long an answer is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that is kept open.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    host: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The head's lines as they came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The values of the head's lines `name`.
    pub(crate) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value of the cookie `name` that the answer sets.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let value = self.headers("set-cookie").find_map(|value| value.strip_prefix(name)?.strip_prefix('='))?;
        Some(value.split(';').next().unwrap_or_default().to_owned())
    }
}

impl Connection {
    /// A connection to `address`, asking for `host`.
    pub(crate) fn open(address: SocketAddr, host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024), host: host.to_owned() })
    }

    /// This connection, asking for another host from now on.
    pub(crate) fn asking(&mut self, host: &str) -> &mut Self {
        host.clone_into(&mut self.host);
        self
    }

    /// GET `path` with these cookies (`name=value; …`, may be empty).
    pub(crate) fn get(&mut self, path: &str, cookies: &str) -> anyhow::Result<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookies}\r\n\r\n", self.host))
    }

    /// POST of a form that is encoded already, from a page of the same site.
    pub(crate) fn post(&mut self, path: &str, cookies: &str, form: &str) -> anyhow::Result<Answer> {
        self.post_from("", path, cookies, form)
    }

    /// The answer to a form that comes from another address by the word of a proxy (empty for none).
    pub(crate) fn post_from(&mut self, from: &str, path: &str, cookies: &str, form: &str) -> anyhow::Result<Answer> {
        let proxy = if from.is_empty() { String::new() } else { format!("X-Forwarded-For: {from}\r\n") };
        let kind = "Content-Type: application/x-www-form-urlencoded";
        self.post_body(path, &format!("Cookie: {cookies}\r\n{proxy}{kind}\r\n"), form)
    }

    /// POST of a program's words to the API.
    pub(crate) fn post_json(&mut self, path: &str, cookies: &str, body: &serde_json::Value) -> anyhow::Result<Answer> {
        self.post_body(path, &format!("Cookie: {cookies}\r\nContent-Type: application/json\r\n"), &body.to_string())
    }

    /// POST of `body`; `head` are the lines that are its own.
    fn post_body(&mut self, path: &str, head: &str, body: &str) -> anyhow::Result<Answer> {
        let (host, length) = (&self.host, body.len());
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n{head}\
             Content-Length: {length}\r\n\r\n{body}"
        ))
    }

    fn send(&mut self, request: &str) -> anyhow::Result<Answer> {
        self.stream.write_all(request.as_bytes()).context("the server closed the connection")?;
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            self.receive()?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end + 4);
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
        let body = match length(&head) {
            _ if status == 204 || status == 304 => Vec::new(),
            Some(length) => self.take(length)?,
            None if head.to_ascii_lowercase().contains("transfer-encoding: chunked") => self.chunks()?,
            None => bail!("an answer without a length"),
        };
        Ok(Answer { status, head, body })
    }

    fn receive(&mut self) -> anyhow::Result<()> {
        let mut piece = [0; 32 * 1024];
        match self.stream.read(&mut piece)? {
            0 => bail!("the server closed the connection"),
            count => self.buffer.extend_from_slice(&piece[..count]),
        }
        Ok(())
    }

    fn take(&mut self, length: usize) -> anyhow::Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.receive()?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    fn chunks(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                    break at;
                }
                self.receive()?;
            };
            let line = String::from_utf8(self.take(end + 2)?)?;
            let length = usize::from_str_radix(line.trim().split(';').next().unwrap_or_default(), 16)?;
            let chunk = self.take(length + 2)?;
            if length == 0 {
                return Ok(body);
            }
            body.extend_from_slice(&chunk[..length]);
        }
    }
}

fn length(head: &str) -> Option<usize> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next()?.1.trim().parse().ok()
}

/// A form's fields, encoded.
pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect();
    pairs.join("&")
}

fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded() {
        assert_eq!(encoded(&[("date", "22.11.2026"), ("a b", "ё&=")]), "date=22.11.2026&a%20b=%D1%91%26%3D");
    }

    #[test]
    fn a_cookie_is_found_among_the_head_lines() {
        let head =
            "HTTP/1.1 303 See Other\r\nset-cookie: kabinet-guest=1; Path=/\r\nSet-Cookie: kabinet=2; Path=/".into();
        let answer = Answer { status: 303, head, body: Vec::new() };
        assert_eq!(answer.cookie("kabinet").as_deref(), Some("2"));
        assert_eq!(answer.cookie("kabinet-guest").as_deref(), Some("1"));
        assert_eq!(answer.cookie("other"), None);
        assert_eq!(length("HTTP/1.1 200 OK\r\nContent-Length: 17"), Some(17));
    }
}
