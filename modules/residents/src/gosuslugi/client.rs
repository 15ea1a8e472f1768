//! The client of ESIA: sends browsers there, turns their codes into identities.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kabinet_core::{DbError, Entropy, Tenant, Timestamp};
use kabinet_outward::Reply;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::certificate::ProviderKey;
use super::failure::Failure;
use super::http::Http;
use super::protocol::{self, AUTHORIZE_PATH, Request, SCOPE, TOKEN_PATH};
use super::settings::GosuslugiSettings;
use super::signer::Signer;
use super::token::{self, Expected};

/// Signatures made at the same time: an external signer is a process each.
const SIGNING_AT_ONCE: usize = 8;

/// Where ESIA is and what its tokens must fit.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Scheme and host, no slash at the end: `https://esia.gosuslugi.ru`.
    pub base_url: String,
    /// What tokens say in `iss`.
    pub issuer: String,
    /// The key that tokens are signed with.
    pub key: ProviderKey,
    /// Connected to instead of looking the host's name up: the demo's own listener.
    pub address: Option<SocketAddr>,
    /// Authorities believed beside the usual ones, PEM; may be empty.
    pub roots: Vec<u8>,
    /// How long a call may take.
    pub timeout: Duration,
}

/// The platform's side.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The other side.
    pub endpoint: Endpoint,
    /// The platform's registered system; empty where each company brings its own.
    pub client_id: String,
    /// The hash of its certificate.
    pub certificate_hash: String,
}

/// Who logged in at ESIA, as far as it is needed here. Only confirmed accounts become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The person's identifier at ESIA.
    pub oid: String,
    /// The verified e-mail, if there is one.
    pub email: Option<String>,
    /// The verified mobile phone, if there is one.
    pub phone: Option<String>,
}

/// A registered system in whose name a company's residents log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its mnemonic.
    pub client_id: String,
    /// The hash of its certificate.
    pub certificate_hash: String,
}

/// The way to ESIA, shared by the whole server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gosuslugi(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: ClientConfig,
    signer: Arc<dyn Signer>,
    signing: Semaphore,
    http: Http,
}

#[derive(Deserialize)]
struct TokenReply {
    access_token: String,
    #[serde(default)]
    id_token: Option<String>,
    #[serde(default)]
    state: String,
}

impl Gosuslugi {
    /// The way to the ESIA of `config`, signing with `signer`; an error when TLS cannot be set up.
    pub fn new(config: ClientConfig, signer: Arc<dyn Signer>) -> Result<Self, kabinet_outward::TlsError> {
        let endpoint = &config.endpoint;
        let http = Http::new(&endpoint.base_url, endpoint.address, &endpoint.roots, endpoint.timeout)?;
        Ok(Self(Arc::new(Inner { signing: Semaphore::new(SIGNING_AT_ONCE), config, signer, http })))
    }

    /// The system that signs for `tenant`; `None` where the company has the login off, or neither it nor
    /// the platform is registered.
    pub fn client(&self, tenant: &Tenant) -> Result<Option<Client>, DbError> {
        let settings = GosuslugiSettings::of(tenant)?;
        let platform = &self.0.config;
        let client = if settings.client_id.is_empty() {
            Client { client_id: platform.client_id.clone(), certificate_hash: platform.certificate_hash.clone() }
        } else {
            Client { client_id: settings.client_id, certificate_hash: settings.certificate_hash }
        };
        Ok(Some(client).filter(|client| settings.enabled && !client.client_id.is_empty()))
    }

    /// Where a browser goes to log in, and the state with which it comes back.
    pub async fn authorize(
        &self,
        client: &Client,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Result<(String, String), Failure> {
        let (timestamp, state) = (protocol::timestamp(now), fresh_state());
        let request = Request {
            client_id: &client.client_id,
            scope: SCOPE,
            timestamp: &timestamp,
            state: &state,
            redirect_uri,
            code: "",
        };
        let secret = self.sign(&request).await?;
        let query = request.authorize_query(&secret, &client.certificate_hash).map_err(unsendable)?;
        let url = format!("{}{AUTHORIZE_PATH}?{query}", self.0.config.endpoint.base_url);
        Ok((state, url))
    }

    /// Who the person behind `code` is. The code is spent by this, whatever comes of it.
    pub async fn identify(
        &self,
        client: &Client,
        redirect_uri: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<Identity, Failure> {
        let reply = self.token(client, redirect_uri, code, now).await?;
        let oid = self.oid(client, &reply, now)?;
        let person = self.read(&format!("/rs/prns/{oid}"), &reply.access_token).await?;
        if !is_true(&person["trusted"]) {
            return Err(Failure::Untrusted);
        }
        let contacts = self.read(&format!("/rs/prns/{oid}/ctts?embed=(elements)"), &reply.access_token).await?;
        let verified = |kind: &str| verified_contact(&contacts, kind);
        // ESIA writes addresses in capitals.
        let email = verified("EML").map(|email| email.to_lowercase()).filter(|email| is_address(email));
        Ok(Identity { oid, email, phone: verified("MBT") })
    }

    /// Where a browser ends its session at ESIA, to come back to `redirect`.
    pub fn logout_url(&self, client: &Client, redirect: &str) -> Result<String, Failure> {
        protocol::logout_url(&self.0.config.endpoint.base_url, &client.client_id, redirect).map_err(unsendable)
    }

    async fn token(
        &self,
        client: &Client,
        redirect_uri: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<TokenReply, Failure> {
        let (timestamp, state) = (protocol::timestamp(now), fresh_state());
        let request = Request {
            client_id: &client.client_id,
            scope: SCOPE,
            timestamp: &timestamp,
            state: &state,
            redirect_uri,
            code,
        };
        let secret = self.sign(&request).await?;
        let form = request.token_form(&secret, &client.certificate_hash).map_err(unsendable)?;
        let reply: TokenReply = json(&self.0.http.post(TOKEN_PATH, form).await?)?;
        if reply.state != state {
            return Err(Failure::Unverified("state of the token reply"));
        }
        Ok(reply)
    }

    /// The person's identifier out of verified tokens.
    fn oid(&self, client: &Client, reply: &TokenReply, now: Timestamp) -> Result<String, Failure> {
        let endpoint = &self.0.config.endpoint;
        let expected = Expected { key: &endpoint.key, issuer: &endpoint.issuer, client_id: &client.client_id, now };
        let access = token::claims(&reply.access_token, expected)?;
        let oid = token::oid(&access["urn:esia:sbj_id"]).ok_or(Failure::Unverified("no person in the token"))?;
        if let Some(identity) = &reply.id_token {
            let claims = token::claims(identity, expected)?;
            if token::oid(&claims["urn:esia:sbj"]["urn:esia:sbj:oid"]).is_some_and(|other| other != oid) {
                return Err(Failure::Unverified("tokens of two persons"));
            }
        }
        Ok(oid)
    }

    async fn read(&self, path: &str, token: &str) -> Result<Value, Failure> {
        json(&self.0.http.get(path, token).await?)
    }

    async fn sign(&self, request: &Request<'_>) -> Result<String, Failure> {
        let _turn = self.0.signing.acquire().await.map_err(unsendable)?;
        let signature = self.0.signer.sign(request.client_id, request.signed().as_bytes()).await;
        signature
            .map(|signature| protocol::client_secret(&signature))
            .map_err(|error| Failure::Unavailable(error.to_string()))
    }
}

fn fresh_state() -> String {
    let bytes: [u8; 16] = Entropy.bytes();
    uuid::Builder::from_random_bytes(bytes).into_uuid().hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
}

fn unsendable(error: impl std::fmt::Display) -> Failure {
    Failure::Unavailable(error.to_string())
}

/// The answer's JSON. 4xx is ESIA's refusal of our request, anything else that is no JSON its fault.
fn json<T: serde::de::DeserializeOwned>(answer: &Reply) -> Result<T, Failure> {
    match answer.status {
        200..300 => serde_json::from_slice(&answer.body)
            .map_err(|_| Failure::Unavailable(format!("{}: not the JSON of the protocol", answer.status))),
        400..500 => Err(Failure::Refused(refusal(answer))),
        status => Err(Failure::Unavailable(format!("status {status}"))),
    }
}

/// ESIA's own code of a refusal (`invalid_grant`, `ESIA-007053`); nothing longer, for the log.
fn refusal(answer: &Reply) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let part = |name: &str| body[name].as_str().unwrap_or_default().chars().take(80).collect::<String>();
    format!("status {}: {} {}", answer.status, part("error"), part("error_description"))
}

fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str() == Some("true"))
}

fn verified_contact(contacts: &Value, kind: &str) -> Option<String> {
    let elements = contacts["elements"].as_array()?;
    let mut verified = elements.iter().filter(|one| one["type"] == kind && one["vrfStu"] == "VERIFIED");
    let value = verified.next()?["value"].as_str()?.trim();
    (!value.is_empty() && value.len() <= 254).then(|| value.to_owned())
}

/// Shaped like an address: what is stored and written to must not be anything else.
fn is_address(email: &str) -> bool {
    let plain = email.chars().all(|c| !c.is_control() && !c.is_whitespace());
    plain && email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_verified_contacts_count() {
        let contacts = json!({ "elements": [
            { "type": "EML", "vrfStu": "NOT_VERIFIED", "value": "a@a.ru" },
            { "type": "MBT", "vrfStu": "VERIFIED", "value": "+7(922)0000000" },
            { "type": "EML", "vrfStu": "VERIFIED", "value": " b@b.ru " },
        ] });
        assert_eq!(verified_contact(&contacts, "EML").as_deref(), Some("b@b.ru"));
        assert_eq!(verified_contact(&contacts, "MBT").as_deref(), Some("+7(922)0000000"));
        assert_eq!(verified_contact(&json!({}), "EML"), None);
    }

    #[test]
    fn a_person_is_trusted_only_when_it_is_said() {
        assert!(is_true(&json!(true)) && is_true(&json!("true")));
        assert!(!is_true(&json!(false)) && !is_true(&Value::Null) && !is_true(&json!("yes")) && !is_true(&json!(1)));
    }

    #[test]
    fn each_state_is_a_fresh_uuid() {
        let (one, other) = (fresh_state(), fresh_state());
        assert!(Uuid::parse_str(&one).is_ok_and(|uuid| uuid.get_version_num() == 4));
        assert_ne!(one, other);
    }
}
