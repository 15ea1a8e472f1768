//! Notices of a company to its residents: in the portal, by letter, SMS and messenger.
//!
//! - [`messages`] are written by staff or made of an occasion ([`automatic`]), for an [`audience`]; [`addressing`]
//!   makes a notice of them for each resident, [`inbox`] is what the resident sees; [`words`] are their texts;
//! - [`plan`] says what is done next with a notice, [`delivery`] does it batch by batch ([`batch`], [`outcomes`]) through
//!   the [`carriers`], which [`gateways`] calls no faster than the other side takes it;
//! - [`choices`] are what a resident wants; [`chats`] link a messenger, [`conversation`] answers what is written
//!   there.

mod addressing;
mod api;
pub mod audience;
mod automatic;
mod batch;
pub mod carriers;
pub mod channel;
pub mod chats;
pub mod choices;
mod conversation;
mod delivery;
pub mod entity;
mod error;
mod gateways;
mod http;
pub mod inbox;
pub mod kind;
pub mod messages;
mod outcomes;
mod pages;
mod personal;
pub mod plan;
mod replies;
pub mod saying;
pub mod settings;
pub mod shortcuts;
mod store;
mod view;
mod webhooks;
pub mod words;

use std::sync::Arc;

use kabinet_contracts::Estimates;
use kabinet_core::jobs::{EventHandler, JobHandler};
use kabinet_core::{Manifest, Module, ModuleKind, NavItem, Permission, Ports};
use kabinet_meters::Links;
use kabinet_web::cookie::TokenKey;
use kabinet_web::{ApiPart, Counter, PageRoute, PublicAddress, WebModule};

pub use error::Error;
pub use personal::NoticesOf;
pub use settings::{MODULE, NotificationsSettings};

use carriers::Unsubscribing;
use gateways::Gateways;
use http::Http;

static MANIFEST: Manifest = Manifest {
    id: MODULE,
    title: "Уведомления",
    kind: ModuleKind::Optional,
    permissions: &[
        Permission { key: "notifications.send", roles: &["administrator", "dispatcher"] },
        Permission { key: "notifications.manage", roles: &["administrator"] },
    ],
    navigation: &[NavItem { title: "Уведомления", href: "/notifications", position: 90, sums: false }],
};

/// What the module works with.
#[derive(Clone)]
pub struct Means {
    /// What is told of readings.
    estimates: Arc<dyn Estimates>,
    /// Where it is asked who takes appeals that are written to a bot, and whose receipts go by letter.
    ports: Ports,
    unsubscribing: Unsubscribing,
    links: Links,
    address: PublicAddress,
    gateways: Gateways,
}

/// What the composition root hands over.
pub struct Wiring<'r> {
    /// What is told of readings.
    pub estimates: Arc<dyn Estimates>,
    /// Where it is asked who takes appeals that are written to a bot, and whose receipts go by letter.
    pub ports: Ports,
    /// The links that letters about readings offer.
    pub links: Links,
    /// The platform's key.
    pub key: &'r TokenKey,
    /// How the portals are reached from outside.
    pub address: PublicAddress,
    /// Authorities (PEM, may be empty) that are believed beside the usual ones.
    pub authorities: &'r [u8],
}

/// The module.
pub struct Notifications(Means);

impl std::fmt::Debug for Notifications {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notifications")
    }
}

impl Notifications {
    /// The module over what the composition root hands over; an error when the authorities cannot be read.
    pub fn new(wiring: Wiring<'_>) -> Result<Self, kabinet_outward::TlsError> {
        Ok(Self(Means {
            estimates: wiring.estimates,
            ports: wiring.ports,
            unsubscribing: Unsubscribing::new(wiring.key),
            links: wiring.links,
            address: wiring.address,
            gateways: Gateways::new(Http::new(wiring.authorities)?),
        }))
    }
}

impl Module for Notifications {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn jobs(&self) -> Vec<Arc<dyn JobHandler>> {
        let gateways = self.0.gateways.clone();
        vec![
            Arc::new(addressing::Address),
            Arc::new(delivery::Deliver { means: self.0.clone() }),
            Arc::new(replies::Reply { gateways: gateways.clone() }),
            Arc::new(webhooks::Subscribe { gateways, address: self.0.address.clone() }),
            Arc::new(automatic::Daily),
        ]
    }

    fn subscriptions(&self) -> Vec<Arc<dyn EventHandler>> {
        vec![Arc::new(automatic::ReceiptPublished), Arc::new(automatic::RequestMoved), Arc::new(automatic::LetterCame)]
    }
}

impl WebModule for Notifications {
    fn pages(&self) -> Vec<PageRoute> {
        pages::routes(&self.0)
    }

    fn resident_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(api::portal::PortalApi), ApiPart::new(api::preferences::PreferencesApi)]
    }

    fn admin_api(&self) -> Vec<ApiPart> {
        vec![
            ApiPart::new(api::admin::AdminApi),
            ApiPart::new(api::channels::ChannelsApi { means: self.0.clone() }),
            ApiPart::new(api::settings::SettingsApi),
        ]
    }

    fn counters(&self) -> Vec<Arc<dyn Counter>> {
        vec![Arc::new(inbox::Unread)]
    }

    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("notifications/list.html", include_str!("../templates/notifications/list.html")),
            ("notifications/one.html", include_str!("../templates/notifications/one.html")),
            ("notifications/preferences.html", include_str!("../templates/notifications/preferences.html")),
            ("notifications/unsubscribe.html", include_str!("../templates/notifications/unsubscribe.html")),
        ]
    }

    fn mails(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("notifications/notice.html", include_str!("../templates/notifications/notice.html")),
            ("notifications/notice.txt", include_str!("../templates/notifications/notice.txt")),
        ]
    }
}
