//! The tokens that the stand-in issues.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::people::Person;
use super::provider::Knob;

/// How long a token lives, in seconds.
const LIFETIME: i64 = 3600;

/// What a token is made of.
pub(super) struct Issue<'a> {
    pub(super) key: &'a RsaKeyPair,
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) person: &'a Person,
    /// Seconds since 1970.
    pub(super) now: i64,
    pub(super) knob: Option<Knob>,
}

impl Issue<'_> {
    /// The access token.
    pub(super) fn access(&self) -> Option<String> {
        let mut claims = self.common();
        claims["client_id"] = json!(self.audience());
        claims["scope"] = json!("openid fullname snils mobile email");
        claims["urn:esia:sid"] = json!(uuid::Uuid::new_v4());
        claims["urn:esia:sbj_id"] = json!(self.person.oid);
        self.signed("access", &claims)
    }

    /// The identity token.
    pub(super) fn identity(&self) -> Option<String> {
        let mut claims = self.common();
        claims["aud"] = json!(self.audience());
        claims["sub"] = json!(self.person.oid);
        claims["urn:esia:sbj"] = json!({
            "urn:esia:sbj:typ": "P", "urn:esia:sbj:oid": self.person.oid, "urn:esia:sbj:is_tru": self.person.trusted,
        });
        self.signed("id", &claims)
    }

    fn common(&self) -> Value {
        let issuer = if self.knob == Some(Knob::WrongIssuer) { "http://esia.evil.example/" } else { self.issuer };
        let end = if self.knob == Some(Knob::ExpiredToken) { self.now - 1 } else { self.now + LIFETIME };
        json!({ "iss": issuer, "iat": self.now, "nbf": self.now, "exp": end })
    }

    fn audience(&self) -> &str {
        if self.knob == Some(Knob::WrongAudience) { "ANOTHER-SYSTEM" } else { self.client_id }
    }

    fn signed(&self, kind: &str, claims: &Value) -> Option<String> {
        let alg = if self.knob == Some(Knob::AlgNone) { "none" } else { "RS256" };
        let header = json!({ "ver": 1, "typ": "JWT", "sbt": kind, "alg": alg });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        if self.knob == Some(Knob::AlgNone) {
            return Some(format!("{message}."));
        }
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).ok()?;
        if self.knob == Some(Knob::ForgedToken) {
            signature.reverse();
        }
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(&signature)))
    }
}
