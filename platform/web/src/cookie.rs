//! Cookies and the form tokens derived from them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use poem::Request;
use poem::http::header;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Names and attributes of the platform's cookies, by the public scheme: over https they carry the
/// `__Host-` prefix, which browsers tie to the host, the root path and `Secure`.
#[derive(Clone, Copy, Debug)]
pub struct CookieNames {
    secure: bool,
}

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The session of a resident.
    Resident,
    /// The session of a staff member.
    Staff,
    /// A guest's random value, to which form tokens are bound.
    Guest,
    /// A message for the next page.
    Message,
    /// How the pages look («Версия для слабовидящих»).
    View,
    /// A login through Gosuslugi under way: binds it to the browser that began it.
    Gosuslugi,
    /// The account that a resident is about to link, sealed.
    Linking,
    /// The code of a receipt whose QR was read, sealed.
    ReceiptCode,
    /// The account that a guest sends readings for, sealed.
    Readings,
    /// The page that waits for a login, sealed.
    Return,
}

impl CookieNames {
    /// The names for a public scheme (`http` or `https`).
    #[must_use]
    pub fn for_scheme(scheme: &str) -> Self {
        Self { secure: scheme == "https" }
    }

    /// The cookie's name.
    #[must_use]
    pub const fn name(self, purpose: Purpose) -> &'static str {
        match (self.secure, purpose) {
            (true, Purpose::Resident) => "__Host-kabinet",
            (false, Purpose::Resident) => "kabinet",
            (true, Purpose::Staff) => "__Host-kabinet-staff",
            (false, Purpose::Staff) => "kabinet-staff",
            (true, Purpose::Guest) => "__Host-kabinet-guest",
            (false, Purpose::Guest) => "kabinet-guest",
            (true, Purpose::Message) => "__Host-kabinet-message",
            (false, Purpose::Message) => "kabinet-message",
            (_, Purpose::View) => "kabinet_view",
            (true, Purpose::Gosuslugi) => "__Host-kabinet-gosuslugi",
            (false, Purpose::Gosuslugi) => "kabinet-gosuslugi",
            (true, Purpose::Linking) => "__Host-kabinet-linking",
            (false, Purpose::Linking) => "kabinet-linking",
            (true, Purpose::ReceiptCode) => "__Host-kabinet-code",
            (false, Purpose::ReceiptCode) => "kabinet-code",
            (true, Purpose::Readings) => "__Host-kabinet-readings",
            (false, Purpose::Readings) => "kabinet-readings",
            (true, Purpose::Return) => "__Host-kabinet-return",
            (false, Purpose::Return) => "kabinet-return",
        }
    }

    /// The `Set-Cookie` value; `seconds` is its age, 0 removes it, `None` ends with the browser.
    #[must_use]
    pub fn set(self, purpose: Purpose, value: &str, seconds: Option<i64>) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        let age = seconds.map(|s| format!("; Max-Age={s}")).unwrap_or_default();
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", self.name(purpose))
    }

    /// The value that the request carries.
    #[must_use]
    pub fn read(self, request: &Request, purpose: Purpose) -> Option<String> {
        let name = self.name(purpose);
        let lines = request.headers().get_all(header::COOKIE).iter();
        let pairs = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
        let mut values = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(key, _)| *key == name);
        values.next().map(|(_, value)| value.to_owned()).filter(|value| value.len() <= 512)
    }
}

/// The platform's secret, from which form tokens are made.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey")
    }
}

impl TokenKey {
    /// A key from 32 secret bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The form token for a session or guest value: useless without the cookie.
    #[must_use]
    pub fn form_token(&self, bound_to: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.digest(bound_to))
    }

    /// Whether `token` is the form token for `bound_to`.
    #[must_use]
    pub fn accepts(&self, bound_to: &str, token: &str) -> bool {
        let Ok(given) = URL_SAFE_NO_PAD.decode(token) else { return false };
        self.digest(bound_to).as_slice().ct_eq(&given).into()
    }

    /// A key of its own for `purpose`: knowing it tells nothing of the others.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        self.mac(b"key:", purpose)
    }

    fn digest(&self, bound_to: &str) -> [u8; 32] {
        self.mac(b"form:", bound_to)
    }

    fn mac(&self, label: &[u8], text: &str) -> [u8; 32] {
        // A short key is one that zeros fill up to the block (RFC 2104).
        let mut block = [0_u8; 64];
        block[..32].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(label);
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// 32 random bytes as a cookie value.
#[must_use]
pub fn random_value(entropy: kabinet_core::Entropy) -> String {
    URL_SAFE_NO_PAD.encode(entropy.bytes::<32>())
}

/// What is stored of a secret value: its SHA-256.
#[must_use]
pub fn stored(value: &str) -> Vec<u8> {
    Sha256::digest(value.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_token_fits_its_own_session_only() {
        let key = TokenKey::new([7; 32]);
        let token = key.form_token("session-a");
        assert!(key.accepts("session-a", &token));
        assert!(!key.accepts("session-b", &token));
        assert!(!key.accepts("session-a", ""));
        assert!(!TokenKey::new([8; 32]).accepts("session-a", &token));
    }

    #[test]
    fn cookies_are_bound_to_the_host_over_https() {
        let cookie = CookieNames::for_scheme("https").set(Purpose::Resident, "x", None);
        assert_eq!(cookie, "__Host-kabinet=x; Path=/; HttpOnly; SameSite=Lax; Secure");
    }

    /// The session cookie that is read of a Cookie header with these bytes; `None` also for what is no header.
    fn read(header: &[u8]) -> Option<String> {
        let value = header::HeaderValue::from_bytes(header).ok()?;
        let request = Request::builder().header(header::COOKIE, value).finish();
        CookieNames::for_scheme("http").read(&request, Purpose::Resident)
    }

    proptest::proptest! {
        #[test]
        fn any_cookie_header_holds_a_value_of_its_own_or_none(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..700),
            text in r"[ -~]{0,60}(kabinet=[!-~]{0,600})?[;=, ]{0,3}(kabinet|kabinet-staff|KABINET)?(=[ -~]{0,40})?",
        ) {
            for header in [bytes.as_slice(), text.as_bytes()] {
                if let Some(value) = read(header) {
                    let inside = header.windows(value.len().max(1)).any(|part| part == value.as_bytes());
                    proptest::prop_assert!(value.is_empty() || inside, "{value:?} is not in {header:?}");
                    proptest::prop_assert!(value.len() <= 512 && !value.contains(';'), "{value:?}");
                }
            }
        }

        #[test]
        fn a_cookie_is_found_among_any_others(before in "[ -:<-~]{0,40}", value in "[!-:<-~]{0,40}") {
            let others = !before.trim_start().starts_with("kabinet=");
            let header = format!("{before}; kabinet={value}; kabinet-guest=x");
            proptest::prop_assert!(!others || read(header.as_bytes()) == Some(value), "{header}");
        }

        #[test]
        fn nothing_but_the_token_itself_is_accepted(
            bound_to in ".{0,40}",
            other in r"[A-Za-z0-9_-]{43}|[A-Za-z0-9_=+/-]{0,90}|.{0,60}",
            at in 0_usize..43,
            put in "[A-Za-z0-9_=-]",
        ) {
            let key = TokenKey::new([7; 32]);
            let token = key.form_token(&bound_to);
            let mut changed = token.clone();
            changed.replace_range(at..=at, &put);
            let longer = [format!("{token}{put}"), format!(" {token}")];
            for text in [token.as_str(), other.as_str(), changed.as_str(), &token[..at], longer[0].as_str(), &longer[1]] {
                proptest::prop_assert_eq!(key.accepts(&bound_to, text), text == token, "{}", text);
            }
        }
    }
}
