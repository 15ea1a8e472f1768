//! What the stand-in knows and checks: registered systems, logins under way, codes and tokens.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use kabinet_core::{Clock, Entropy, Tenants, Timestamp};
use kabinet_residents::gosuslugi::ProviderKey;
use kabinet_residents::gosuslugi::protocol::{self, SCOPE};
use poem::Endpoint;
use ring::signature::{ED25519, RsaKeyPair, UnparsedPublicKey};
use serde::Deserialize;

use super::people::Person;
use super::tokens::Issue;
use super::{certificate_of, login};

/// How long a code is good for, in milliseconds.
const CODE_LIFETIME: i64 = 120_000;
/// How far a request's timestamp may be off, in milliseconds.
const SKEW: i64 = 300_000;
/// Logins under way that are remembered; the demo forgets all when there are more.
const MOST: usize = 10_000;

/// A way to misbehave, for tests; set for one login by its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Knob {
    /// The person refuses to pass data on.
    Denied,
    /// The person's account is not a confirmed one.
    Untrusted,
    /// Tokens are over.
    ExpiredToken,
    /// Tokens name another issuer.
    WrongIssuer,
    /// Tokens are another system's.
    WrongAudience,
    /// Tokens carry no signature and say so.
    AlgNone,
    /// Tokens carry a wrong signature.
    ForgedToken,
    /// The browser comes back with another state.
    WrongState,
    /// The token reply carries another state.
    WrongTokenState,
    /// The code was used before.
    ReplayedCode,
    /// The code was issued two minutes ago.
    LateCode,
    /// The token call's signature is taken for wrong.
    WrongSignature,
    /// The token call is answered with 500.
    Failing,
    /// The token call is not answered.
    Silent,
    /// The token reply is not JSON.
    NotJson,
    /// The token reply leads elsewhere.
    Redirecting,
}

/// Checks signatures of a registered system.
#[async_trait]
pub trait Verifier: Send + Sync {
    /// Whether `signature` is the system's over `message`.
    async fn verifies(&self, message: &[u8], signature: &[u8]) -> bool;
}

/// The demo's own key.
pub(super) struct Ed25519Verifier(pub(super) Vec<u8>);

#[async_trait]
impl Verifier for Ed25519Verifier {
    async fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

/// Where a system's browsers may come back to.
#[derive(Clone)]
pub enum Redirects {
    /// These addresses.
    Listed(Vec<String>),
    /// The callback of every company's portal.
    Portals {
        /// The companies.
        tenants: Box<Tenants>,
        /// `http` or `https`.
        scheme: String,
        /// `:8080`, or nothing.
        suffix: String,
    },
}

impl Redirects {
    /// The portal's origin when `uri` is a registered way back.
    async fn origin(&self, uri: &str, path: &str) -> Option<String> {
        match self {
            Self::Listed(all) => {
                let origin = uri.strip_suffix(path)?;
                all.iter().any(|one| one.starts_with(&format!("{origin}/"))).then(|| origin.to_owned())
            }
            Self::Portals { tenants, scheme, suffix } => {
                let host = uri.strip_prefix(&format!("{scheme}://"))?.strip_suffix(&format!("{suffix}{path}"))?;
                tenants.by_host(host).await.ok()??;
                Some(format!("{scheme}://{host}{suffix}"))
            }
        }
    }
}

/// A registered system.
#[derive(Clone)]
pub struct Registration {
    /// Its mnemonic.
    pub client_id: String,
    /// The hash of its certificate.
    pub certificate_hash: String,
    /// Its key.
    pub verifier: Arc<dyn Verifier>,
    /// Where browsers may come back to.
    pub redirects: Redirects,
}

/// The fields of an authorize or a token call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Call {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) client_certificate_hash: String,
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    pub(super) response_type: String,
    pub(super) state: String,
    pub(super) access_type: String,
    pub(super) timestamp: String,
    pub(super) code: String,
    pub(super) grant_type: String,
    pub(super) token_type: String,
}

/// A login under way.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) state: String,
}

struct Grant {
    pending: Pending,
    person: Person,
    knob: Option<Knob>,
    expires_at: i64,
    used: bool,
}

/// The stand-in. Cheap to clone.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    issuer: String,
    key: RsaKeyPair,
    public: ProviderKey,
    clock: Clock,
    registered: Mutex<HashMap<String, Registration>>,
    pending: Mutex<HashMap<String, Pending>>,
    knobs: Mutex<HashMap<String, Knob>>,
    grants: Mutex<HashMap<String, Grant>>,
    tokens: Mutex<HashMap<String, Person>>,
}

/// A refusal with ESIA's manner of codes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal(pub(super) &'static str, pub(super) &'static str);

impl Provider {
    /// A provider at `origin` whose tokens are signed with an RSA key (PKCS#8).
    pub fn new(origin: &str, key: &[u8], clock: Clock) -> anyhow::Result<Self> {
        let public = ProviderKey::read(certificate_of(key)?.as_bytes())?;
        let key = RsaKeyPair::from_pkcs8(key).map_err(|error| anyhow::anyhow!("RSA key: {error}"))?;
        Ok(Self(Arc::new(Inner {
            issuer: format!("{origin}/"),
            key,
            public,
            clock,
            registered: Mutex::default(),
            pending: Mutex::default(),
            knobs: Mutex::default(),
            grants: Mutex::default(),
            tokens: Mutex::default(),
        })))
    }

    /// What its tokens say in `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The key that its tokens are verified with.
    #[must_use]
    pub fn key(&self) -> ProviderKey {
        self.0.public.clone()
    }

    /// Registers a system.
    pub fn register(&self, registration: Registration) {
        locked(&self.0.registered).insert(registration.client_id.clone(), registration);
    }

    /// What answers to browsers and systems.
    pub fn endpoint(&self) -> impl Endpoint + 'static {
        login::endpoint(self.clone())
    }

    fn registered(&self, client_id: &str) -> Option<Registration> {
        locked(&self.0.registered).get(client_id).cloned()
    }

    /// Checks a call as ESIA does: system, certificate, way back, time, and the signature over the string
    /// rebuilt from what was sent, to the byte. The portal's origin comes back.
    async fn check(&self, call: &Call) -> Result<String, Refusal> {
        let known = self.registered(&call.client_id).ok_or(Refusal("ESIA-007003", "unauthorized client"))?;
        if call.client_certificate_hash != known.certificate_hash {
            return Err(Refusal("ESIA-007053", "client_certificate_hash"));
        }
        let origin = known.redirects.origin(&call.redirect_uri, "/esia/callback").await;
        let origin = origin.ok_or(Refusal("ESIA-007006", "redirect_uri"))?;
        if call.scope != SCOPE {
            return Err(Refusal("ESIA-007005", "scope"));
        }
        let moment = chrono::DateTime::parse_from_str(&call.timestamp, "%Y.%m.%d %H:%M:%S %z");
        let sent = moment.map_err(|_| Refusal("ESIA-007014", "timestamp"))?;
        // The protocol's own writing, not only something that reads as a moment.
        let spelt = protocol::timestamp(Timestamp(sent.timestamp_millis())) == call.timestamp;
        if !spelt || (sent.timestamp_millis() - self.now()).abs() > SKEW {
            return Err(Refusal("ESIA-007014", "timestamp"));
        }
        if !uuid::Uuid::parse_str(&call.state).is_ok_and(|uuid| uuid.get_version_num() == 4) {
            return Err(Refusal("ESIA-007014", "state"));
        }
        let signed =
            [call.client_id.as_str(), &call.scope, &call.timestamp, &call.state, &call.redirect_uri, &call.code];
        let signature = URL_SAFE.decode(&call.client_secret).map_err(|_| Refusal("ESIA-007053", "client_secret"))?;
        if !known.verifier.verifies(signed.concat().as_bytes(), &signature).await {
            return Err(Refusal("ESIA-007053", "client_secret"));
        }
        Ok(origin)
    }

    /// Begins a login: the ticket of its form, and the origin it leads back to.
    pub(super) async fn authorize(&self, call: &Call) -> Result<(String, String), Refusal> {
        if !call.code.is_empty() || call.response_type != "code" || call.access_type != "online" {
            return Err(Refusal("ESIA-007014", "response_type or access_type"));
        }
        let origin = self.check(call).await?;
        let ticket = random();
        let pending = Pending {
            client_id: call.client_id.clone(),
            redirect_uri: call.redirect_uri.clone(),
            state: call.state.clone(),
        };
        bounded(&self.0.pending).insert(ticket.clone(), pending);
        Ok((ticket, origin))
    }

    /// The origin that a ticket's login leads back to, for the policy of its page.
    pub(super) fn pending(&self, ticket: &str) -> Option<Pending> {
        locked(&self.0.pending).get(ticket).cloned()
    }

    /// Ends a login: where the browser goes.
    pub(super) fn grant(&self, ticket: &str, person: Option<Person>) -> Option<String> {
        let pending = locked(&self.0.pending).remove(ticket)?;
        let knob = locked(&self.0.knobs).remove(&pending.state);
        let state =
            if knob == Some(Knob::WrongState) { uuid::Uuid::new_v4().to_string() } else { pending.state.clone() };
        let back = pending.redirect_uri.clone();
        let query = match person {
            Some(mut person) if knob != Some(Knob::Denied) => {
                person.trusted &= knob != Some(Knob::Untrusted);
                let code = random();
                let used = knob == Some(Knob::ReplayedCode);
                let age = if knob == Some(Knob::LateCode) { CODE_LIFETIME } else { 0 };
                let grant = Grant { pending, person, knob, expires_at: self.now() - age + CODE_LIFETIME, used };
                bounded(&self.0.grants).insert(code.clone(), grant);
                serde_urlencoded::to_string([("code", code), ("state", state)])
            }
            _ => serde_urlencoded::to_string([
                ("error", "access_denied".to_owned()),
                ("error_description", "ESIA-007004: access denied by the owner".to_owned()),
                ("state", state),
            ]),
        };
        Some(format!("{back}?{}", query.ok()?))
    }

    /// The knob of the code that a token call brings.
    pub(super) fn knob_of(&self, code: &str) -> Option<Knob> {
        locked(&self.0.grants).get(code).and_then(|grant| grant.knob)
    }

    /// Turns a code into tokens, once.
    pub(super) async fn token(&self, call: &Call) -> Result<serde_json::Value, Refusal> {
        if call.grant_type != "authorization_code" || call.token_type != "Bearer" {
            return Err(Refusal("ESIA-007014", "grant_type or token_type"));
        }
        self.check(call).await?;
        let (person, knob) = self.spend(call)?;
        if knob == Some(Knob::WrongSignature) {
            return Err(Refusal("ESIA-007053", "client_secret"));
        }
        let issue = Issue {
            key: &self.0.key,
            issuer: &self.0.issuer,
            client_id: &call.client_id,
            person: &person,
            now: self.now() / 1000,
            knob,
        };
        let broken = Refusal("ESIA-007000", "no token");
        let (access, identity) = (issue.access().ok_or(broken)?, issue.identity().ok_or(broken)?);
        bounded(&self.0.tokens).insert(access.clone(), person);
        let other = knob == Some(Knob::WrongTokenState);
        let state = if other { uuid::Uuid::new_v4().to_string() } else { call.state.clone() };
        Ok(serde_json::json!({
            "access_token": access, "id_token": identity, "state": state, "token_type": "Bearer", "expires_in": 3600,
        }))
    }

    fn spend(&self, call: &Call) -> Result<(Person, Option<Knob>), Refusal> {
        let mut grants = locked(&self.0.grants);
        let wrong = Refusal("invalid_grant", "ESIA-007012: code");
        let grant = grants.get_mut(&call.code).ok_or(wrong)?;
        let same = grant.pending.client_id == call.client_id && grant.pending.redirect_uri == call.redirect_uri;
        // The state of a token call is a fresh one.
        let fresh = grant.pending.state != call.state;
        if grant.used || !same || !fresh || grant.expires_at <= self.0.clock.now().0 {
            return Err(wrong);
        }
        grant.used = true;
        Ok((grant.person.clone(), grant.knob))
    }

    /// The person behind an access token.
    pub(super) fn bearer(&self, token: &str) -> Option<Person> {
        locked(&self.0.tokens).get(token).cloned()
    }

    /// Sets a knob for the login with this state.
    pub(super) fn turn(&self, state: String, knob: Knob) {
        bounded(&self.0.knobs).insert(state, knob);
    }

    /// Whether a browser may go to `redirect` after its session ended.
    pub(super) async fn may_leave_to(&self, client_id: &str, redirect: &str) -> bool {
        match self.registered(client_id) {
            Some(known) => known.redirects.origin(redirect, "/").await.is_some(),
            None => false,
        }
    }

    fn now(&self) -> i64 {
        self.0.clock.now().0
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The map, emptied when a flood has filled it: what stands in it lives for minutes.
fn bounded<V>(mutex: &Mutex<HashMap<String, V>>) -> MutexGuard<'_, HashMap<String, V>> {
    let mut map = locked(mutex);
    if map.len() >= MOST {
        map.clear();
    }
    map
}

fn random() -> String {
    hex::encode(Entropy.bytes::<24>())
}
