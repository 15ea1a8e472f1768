//! The request, to the byte.

use kabinet_residents::gosuslugi::protocol::{Request, SCOPE};
use kabinet_tests::{Kind, Server, on_both_databases};

use crate::journey::{field, leave, path_on, provider};

on_both_databases![the_browser_is_sent_with_every_field_of_the_protocol, a_changed_request_is_refused];

/// Written out by hand: client_id, scope, timestamp, state, redirect_uri, and for the token call the code.
const SIGNED: &str = "7400KABINETopenid fullname snils mobile email2026.11.22 12:00:00 +0300\
                      1b4e28ba-2fa1-41d2-883f-0016d3cca427http://beregovoy.localhost:8080/esia/callback";

#[test]
fn the_signed_string_is_the_vectors() {
    let request = Request {
        client_id: "7400KABINET",
        scope: SCOPE,
        timestamp: "2026.11.22 12:00:00 +0300",
        state: "1b4e28ba-2fa1-41d2-883f-0016d3cca427",
        redirect_uri: "http://beregovoy.localhost:8080/esia/callback",
        code: "",
    };
    assert_eq!(request.signed(), SIGNED);
    assert_eq!(Request { code: "eyJ.code", ..request }.signed(), format!("{SIGNED}eyJ.code"));
}

fn the_browser_is_sent_with_every_field_of_the_protocol(kind: Kind) {
    let server = Server::shared(kind);
    let mut browser = server.browser("beregovoy");
    let url = leave(&mut browser);
    assert!(url.starts_with(&format!("http://esia.localhost:{}/aas/oauth2/v2/ac?", server.listen.port())), "{url}");
    assert_eq!(field(&url, "scope"), "openid fullname snils mobile email");
    assert_eq!(field(&url, "redirect_uri"), format!("http://{}/esia/callback", browser.host));
    assert_eq!((field(&url, "response_type"), field(&url, "access_type")), ("code".into(), "online".into()));
    let (hash, secret, timestamp) =
        (field(&url, "client_certificate_hash"), field(&url, "client_secret"), field(&url, "timestamp"));
    assert!(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)), "{hash}");
    assert!(secret.len() == 88 && !secret.contains(['+', '/']), "64 bytes in base64url: {secret}");
    assert!(timestamp.len() == 25 && timestamp.ends_with(" +0300"), "{timestamp}");
    let again = leave(&mut browser);
    assert_ne!(field(&url, "state"), field(&again, "state"), "a fresh state each time");
    assert!(uuid::Uuid::parse_str(&field(&url, "state")).is_ok());
    // What binds the browser is no script's business.
    let answer = browser.get("/esia/login");
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Max-Age=600"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

fn a_changed_request_is_refused(kind: Kind) {
    let server = Server::shared(kind);
    let url = leave(&mut server.browser("teploset"));
    let mut provider = provider(server);
    let path = path_on(&url, &provider.host);
    provider.get(&path).expect(200);
    let changes = [
        ("client_id=KABINET-DEMO", "client_id=KABINET-DEM0"),
        ("scope=openid+fullname", "scope=openid+birthdate+fullname"),
        ("teploset.localhost", "beregovoy.localhost"),
        ("teploset.localhost", "evil.example"),
        ("%2Fesia%2Fcallback", "%2Fesia%2Fcallback2"),
        ("+%2B0300", "+%2B0400"),
        ("timestamp=20", "timestamp=19"),
        ("&state=", "&state=0"),
        ("client_certificate_hash=", "client_certificate_hash=0"),
        ("client_secret=", "client_secret=AAAA"),
    ];
    for (from, to) in changes {
        assert!(path.contains(from), "{from} in {path}");
        let answer = provider.get(&path.replacen(from, to, 1));
        assert_eq!(answer.status, 400, "{to}");
    }
}
