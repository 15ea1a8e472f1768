//! The tokens that ESIA issues: believed only after every check.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kabinet_core::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::certificate::ProviderKey;
use super::failure::Failure;

/// How far ESIA's clock may be ahead of ours, in seconds.
const SKEW: i64 = 60;

/// What a token must fit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected<'a> {
    pub(super) key: &'a ProviderKey,
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) now: Timestamp,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

/// The claims of a JWT: the algorithm is the pinned one, the signature ESIA's, issuer, audience and time
/// fit.
pub(super) fn claims(token: &str, expected: Expected<'_>) -> Result<Value, Failure> {
    let (message, signature) = token.rsplit_once('.').ok_or(Failure::Unverified("not a JWT"))?;
    let (header, payload) = message.split_once('.').ok_or(Failure::Unverified("not a JWT"))?;
    let header: Header = decoded(header)?;
    if header.alg != "RS256" {
        return Err(Failure::Unverified("algorithm is not RS256"));
    }
    let signature = bytes(signature)?;
    if !expected.key.verifies(message.as_bytes(), &signature) {
        return Err(Failure::Unverified("signature"));
    }
    let claims: Value = decoded(payload)?;
    check(&claims, expected)?;
    Ok(claims)
}

fn check(claims: &Value, expected: Expected<'_>) -> Result<(), Failure> {
    if claims["iss"].as_str() != Some(expected.issuer) {
        return Err(Failure::Unverified("issuer"));
    }
    if !is_for(claims, expected.client_id) {
        return Err(Failure::Unverified("audience"));
    }
    let now = expected.now.0 / 1000;
    let moment = |name: &str| claims[name].as_i64().or_else(|| claims[name].as_f64().map(|seconds| seconds as i64));
    match moment("exp") {
        Some(end) if now < end => {}
        _ => return Err(Failure::Unverified("expired")),
    }
    if ["nbf", "iat"].into_iter().filter_map(moment).any(|begin| begin > now + SKEW) {
        return Err(Failure::Unverified("not valid yet"));
    }
    Ok(())
}

/// Access tokens name the system in `client_id`, identity tokens in `aud`. One of them must be there, and
/// each that is there must fit.
fn is_for(claims: &Value, client_id: &str) -> bool {
    let audience = match &claims["aud"] {
        Value::Null => None,
        Value::Array(all) => Some(all.iter().any(|one| one.as_str() == Some(client_id))),
        one => Some(one.as_str() == Some(client_id)),
    };
    let named = match &claims["client_id"] {
        Value::Null => None,
        one => Some(one.as_str() == Some(client_id)),
    };
    matches!((audience, named), (Some(true), None | Some(true)) | (None, Some(true)))
}

/// An identifier of a person as text, whether the claim is a number or a text.
pub(super) fn oid(claim: &Value) -> Option<String> {
    let text = match claim {
        Value::Number(number) => number.as_u64()?.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let shaped = !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
    shaped.then_some(text)
}

fn bytes(part: &str) -> Result<Vec<u8>, Failure> {
    URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).map_err(|_| Failure::Unverified("not base64url"))
}

fn decoded<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, Failure> {
    serde_json::from_slice(&bytes(part)?).map_err(|_| Failure::Unverified("not JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn outcome(claims: &Value) -> Result<(), String> {
        let key = ProviderKey::PublicKey(Vec::new());
        let expected = Expected { key: &key, issuer: "http://esia/", client_id: "K", now: NOW };
        check(claims, expected).map_err(|failure| failure.cause().unwrap_or_default().to_owned())
    }

    #[test]
    fn issuer_audience_and_time_must_fit() {
        let good = json!({ "iss": "http://esia/", "client_id": "K", "exp": 1_800_000_001, "nbf": 1_800_000_059 });
        assert_eq!(outcome(&good), Ok(()));
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            outcome(&claims).expect_err(name)
        };
        assert_eq!(with("iss", json!("http://esia")), "issuer");
        assert_eq!(with("client_id", json!("L")), "audience");
        assert_eq!(with("client_id", Value::Null), "audience");
        assert_eq!(with("aud", json!("L")), "audience");
        assert_eq!(with("exp", json!(1_800_000_000)), "expired");
        assert_eq!(with("exp", Value::Null), "expired");
        assert_eq!(with("nbf", json!(1_800_000_061)), "not valid yet");
        let mut listed = good.clone();
        listed["aud"] = json!(["L", "K"]);
        assert_eq!(outcome(&listed), Ok(()));
    }

    #[test]
    fn a_token_without_a_signature_is_never_believed() {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let key = ProviderKey::PublicKey(Vec::new());
        let expected = Expected { key: &key, issuer: "http://esia/", client_id: "K", now: NOW };
        let claims_part = part(json!({ "iss": "http://esia/", "client_id": "K", "exp": 1_900_000_000 }));
        for alg in ["none", "None", "HS256", "RS512", "PS256"] {
            let token = format!("{}.{claims_part}.", part(json!({ "alg": alg })));
            let failure = claims(&token, expected).expect_err(alg);
            assert_eq!(failure.cause(), Some("algorithm is not RS256"), "{alg}");
        }
        for token in ["", "a", "a.b", "a.b.c", "...."] {
            assert!(claims(token, expected).is_err(), "{token}");
        }
        let unsigned = format!("{}.{claims_part}.", part(json!({ "alg": "RS256" })));
        assert_eq!(claims(&unsigned, expected).expect_err("unsigned").cause(), Some("signature"));
    }

    #[test]
    fn an_oid_is_digits() {
        assert_eq!(oid(&json!(1_000_299_654)).as_deref(), Some("1000299654"));
        assert_eq!(oid(&json!("1000299654")).as_deref(), Some("1000299654"));
        for wrong in [json!(null), json!(""), json!(-1), json!(1.5), json!("1/../2"), json!("123456789012345678901")] {
            assert_eq!(oid(&wrong), None, "{wrong}");
        }
    }
}
