//! From the Host header to a company.

use poem::Request;
use poem::http::{StatusCode, header};

use crate::problem::Problem;

/// The request's host: lower case, without port and trailing dot. Two Host headers are a trick, and so is a request
/// line that names another host than the header does (400); none or a malformed one leads nowhere (421).
pub fn host_of(request: &Request) -> Result<String, Problem> {
    let mut headers = request.headers().get_all(header::HOST).iter();
    let header = headers.next().map(|value| value.to_str().ok().and_then(normalised));
    let line = request.original_uri().authority().map(|authority| normalised(authority.as_str()));
    // A proxy on the way may go by either of the two.
    let differ = header.as_ref().zip(line.as_ref()).is_some_and(|(header, line)| header != line);
    if differ || headers.next().is_some() {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "duplicate_host", ""));
    }
    header.or(line).flatten().ok_or_else(unknown_host)
}

/// 421: this host is no company's.
#[must_use]
pub fn unknown_host() -> Problem {
    Problem::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", "")
}

fn normalised(host: &str) -> Option<String> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        Some(_) => return None,
        None => host,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    let usual = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    usual.then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn a_host_is_matched_without_its_port_case_and_dot() {
        for host in ["beregovoy.localhost:8080", "Beregovoy.LOCALHOST", "beregovoy.localhost."] {
            assert_eq!(normalised(host).as_deref(), Some("beregovoy.localhost"));
        }
        for strange in ["", "a b", "user@host", "host:port", "[::1]:80", "хост"] {
            assert_eq!(normalised(strange), None, "{strange}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_plain_host_or_none(text in r"[a-zA-Z0-9.:@\[\] -]{0,40}|.{0,40}") {
            if let Some(host) = normalised(&text) {
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
                proptest::prop_assert!(!host.is_empty() && host.chars().all(plain), "{text}: {host}");
            }
        }
    }
}
