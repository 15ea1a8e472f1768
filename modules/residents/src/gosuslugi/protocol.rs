//! The strings of the protocol, to the byte: what is signed, where the browser is sent, what the token
//! call carries. Pure functions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use kabinet_core::Timestamp;

/// What is asked for: who the person is and how to reach them, and nothing else.
pub const SCOPE: &str = "openid fullname snils mobile email";

/// Where a browser begins.
pub const AUTHORIZE_PATH: &str = "/aas/oauth2/v2/ac";
/// Where a code becomes a token.
pub const TOKEN_PATH: &str = "/aas/oauth2/v3/te";
/// Where a session at ESIA ends.
pub const LOGOUT_PATH: &str = "/idp/ext/Logout";

/// Moscow's distance from UTC in seconds: the protocol's examples and its servers use it.
const MOSCOW: i32 = 3 * 3600;

/// What a request says of itself; the order of the fields is the order in which they are signed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The mnemonic of the registered system.
    pub client_id: &'a str,
    /// The scopes, separated by spaces.
    pub scope: &'a str,
    /// `yyyy.MM.dd HH:mm:ss +0300`.
    pub timestamp: &'a str,
    /// A fresh UUID.
    pub state: &'a str,
    /// Where the browser comes back to.
    pub redirect_uri: &'a str,
    /// The code of the token call; empty for the authorize call.
    pub code: &'a str,
}

impl Request<'_> {
    /// The string that is signed: the fields one after another with nothing between them.
    #[must_use]
    pub fn signed(&self) -> String {
        [self.client_id, self.scope, self.timestamp, self.state, self.redirect_uri, self.code].concat()
    }

    /// The query of the authorize call.
    pub fn authorize_query(
        &self,
        secret: &str,
        certificate_hash: &str,
    ) -> Result<String, serde_urlencoded::ser::Error> {
        serde_urlencoded::to_string([
            ("client_id", self.client_id),
            ("client_secret", secret),
            ("client_certificate_hash", certificate_hash),
            ("redirect_uri", self.redirect_uri),
            ("scope", self.scope),
            ("response_type", "code"),
            ("state", self.state),
            ("access_type", "online"),
            ("timestamp", self.timestamp),
        ])
    }

    /// The body of the token call.
    pub fn token_form(&self, secret: &str, certificate_hash: &str) -> Result<String, serde_urlencoded::ser::Error> {
        serde_urlencoded::to_string([
            ("client_id", self.client_id),
            ("code", self.code),
            ("grant_type", "authorization_code"),
            ("client_secret", secret),
            ("client_certificate_hash", certificate_hash),
            ("state", self.state),
            ("redirect_uri", self.redirect_uri),
            ("scope", self.scope),
            ("timestamp", self.timestamp),
            ("token_type", "Bearer"),
        ])
    }
}

/// A raw signature as `client_secret`: base64url with its padding.
#[must_use]
pub fn client_secret(signature: &[u8]) -> String {
    URL_SAFE.encode(signature)
}

/// A moment as the protocol writes it, in Moscow's time: `2026.11.22 15:04:05 +0300`.
#[must_use]
pub fn timestamp(now: Timestamp) -> String {
    let utc = chrono::DateTime::from_timestamp_millis(now.0).unwrap_or_default();
    match chrono::FixedOffset::east_opt(MOSCOW) {
        Some(moscow) => utc.with_timezone(&moscow).format("%Y.%m.%d %H:%M:%S %z").to_string(),
        None => utc.format("%Y.%m.%d %H:%M:%S +0000").to_string(),
    }
}

/// Where the browser goes to end its session at ESIA as well.
pub fn logout_url(base: &str, client_id: &str, redirect: &str) -> Result<String, serde_urlencoded::ser::Error> {
    let query = serde_urlencoded::to_string([("client_id", client_id), ("redirect_url", redirect)])?;
    Ok(format!("{base}{LOGOUT_PATH}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Request<'static> = Request {
        client_id: "KABINET01",
        scope: SCOPE,
        timestamp: "2026.11.22 15:04:05 +0300",
        state: "0c7d1f3e-5a7b-4b7e-9a53-6a1c5a0d9a11",
        redirect_uri: "https://lk.example.ru/esia/callback",
        code: "",
    };

    #[test]
    fn the_signed_string_is_the_fields_in_their_order_without_separators() {
        assert_eq!(
            REQUEST.signed(),
            "KABINET01openid fullname snils mobile email2026.11.22 15:04:05 +0300\
             0c7d1f3e-5a7b-4b7e-9a53-6a1c5a0d9a11https://lk.example.ru/esia/callback"
        );
        let token = Request { code: "abc.def", ..REQUEST };
        assert_eq!(token.signed(), format!("{}abc.def", REQUEST.signed()));
    }

    #[test]
    fn the_query_is_the_protocols() {
        assert_eq!(
            REQUEST.authorize_query("c2VjcmV0_-==", "AB").unwrap(),
            "client_id=KABINET01&client_secret=c2VjcmV0_-%3D%3D&client_certificate_hash=AB\
             &redirect_uri=https%3A%2F%2Flk.example.ru%2Fesia%2Fcallback&scope=openid+fullname+snils+mobile+email\
             &response_type=code&state=0c7d1f3e-5a7b-4b7e-9a53-6a1c5a0d9a11&access_type=online\
             &timestamp=2026.11.22+15%3A04%3A05+%2B0300"
        );
    }

    #[test]
    fn a_moment_is_written_in_moscows_time() {
        assert_eq!(timestamp(Timestamp(1_795_391_999_999)), "2026.11.23 02:59:59 +0300");
    }

    #[test]
    fn a_secret_is_base64url_with_padding() {
        assert_eq!(client_secret(&[0xfb, 0xff, 0xfe, 0x01]), "-__-AQ==");
    }

    #[test]
    fn logout_names_the_client_and_the_way_back() {
        assert_eq!(
            logout_url("https://esia.gosuslugi.ru", "KABINET01", "https://lk.example.ru/").unwrap(),
            "https://esia.gosuslugi.ru/idp/ext/Logout?client_id=KABINET01&redirect_url=https%3A%2F%2Flk.example.ru%2F"
        );
    }
}
