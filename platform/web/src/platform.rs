//! What every request finds at hand.

use std::net::IpAddr;
use std::sync::Arc;

use kabinet_core::{Access, Db, Registry, Tenants};
use poem::Request;

use crate::asset::Assets;
use crate::cookie::{CookieNames, TokenKey};
use crate::counter::Counters;
use crate::page::Pages;
use crate::session::Sessions;

/// The settings of the HTTP layer.
#[derive(Clone, Debug)]
pub struct PlatformConfig {
    /// `http` or `https`: how browsers reach the portals.
    pub public_scheme: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Origins of other sites to which a form may lead (by redirects too): ESIA's.
    pub form_targets: Vec<String>,
    /// An answer that every captcha accepts: for a demo; empty for none.
    pub captcha_answer: String,
}

/// Shared state of the HTTP layer.
#[derive(Debug)]
pub struct Platform {
    /// The database.
    pub db: Db,
    /// The companies.
    pub tenants: Tenants,
    /// The modules and their switches.
    pub registry: Arc<Registry>,
    /// Who may do what.
    pub access: Access,
    /// Sessions of residents and staff.
    pub sessions: Sessions,
    /// Counts in the menu.
    pub counters: Counters,
    /// Page templates.
    pub pages: Pages,
    /// Styles and scripts.
    pub assets: Assets,
    /// Names of cookies.
    pub cookies: CookieNames,
    /// The key of form tokens.
    pub key: TokenKey,
    /// Settings.
    pub config: PlatformConfig,
}

impl Platform {
    /// The platform behind a request; the application endpoint puts it there.
    ///
    /// # Panics
    /// When the endpoint is used outside the application: a mistake of wiring that no request can cause.
    #[must_use]
    #[expect(clippy::expect_used, reason = "set for every request by the outermost endpoint")]
    pub fn of(request: &Request) -> &Arc<Self> {
        request.extensions().get::<Arc<Self>>().expect("the application endpoint sets the platform")
    }
}
