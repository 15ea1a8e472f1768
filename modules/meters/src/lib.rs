//! Meters, their readings and what was consumed.
//!
//! - [`readings`] takes readings: [`readings::submit`] judges what a person sent, `record…` store what
//!   files and programs bring; [`verdict`] is the judgement, a pure function over the loaded meters;
//! - [`links`] are one-meter links, for letters and paper;
//! - [`consumption`] tells billing what each meter shows for a month;
//! - [`meters`] puts meters into service; [`overview`] is what other pages show of them.

mod api;
pub mod consumption;
pub mod entity;
pub mod error;
pub mod links;
pub mod meters;
mod number;
pub mod overview;
mod pages;
mod personal;
pub mod readings;
mod resource;
mod sendings;
mod store;
mod submission;
pub mod verdict;
mod view;
mod volume;
mod window;

use std::sync::Arc;

use kabinet_contracts::Estimates;
use kabinet_core::{Manifest, Module, ModuleKind, NavItem, Permission};
use kabinet_web::{ApiPart, PageRoute, WebModule, on_the_beat};
use poem::EndpointExt;

pub use error::Error;
pub use links::Links;
pub use personal::ReadingsOf;
pub use resource::{Resource, Source, zone_label};
pub use store::{MeterState, StoredReading};
pub use submission::{Row, Submission};
pub use view::Verification;
pub use window::{MetersSettings, ReadingsWindow, Window};

static MANIFEST: Manifest = Manifest {
    id: "meters",
    title: "Приборы учёта и показания",
    kind: ModuleKind::Core,
    permissions: &[Permission { key: "meters.links", roles: &["administrator", "dispatcher"] }],
    navigation: &[
        NavItem { title: "Передать показания", href: "/meters/readings", position: 50, sums: false },
        NavItem { title: "Информация об ИПУ", href: "/meters", position: 60, sums: false },
    ],
};

/// The module.
pub struct Meters {
    estimates: Arc<dyn Estimates>,
    links: Links,
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meters")
    }
}

impl Meters {
    /// The module, asking `estimates` what readings will cost and sealing its `links`.
    #[must_use]
    pub fn new(estimates: Arc<dyn Estimates>, links: Links) -> Self {
        Self { estimates, links }
    }
}

impl Module for Meters {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
}

impl WebModule for Meters {
    fn pages(&self) -> Vec<PageRoute> {
        let readings = poem::get(pages::readings::show).post(pages::readings::send).data(self.estimates.clone());
        let submit = poem::get(pages::guest::show_form).post(pages::guest::send).data(self.estimates.clone());
        let link = poem::get(pages::link::show).post(pages::link::send);
        let link = link.data(self.links.clone()).data(self.estimates.clone());
        vec![
            PageRoute::new("/readings/link/:ticket", link),
            PageRoute::new("/meters/readings", readings),
            PageRoute::new("/readings", poem::get(pages::guest::show).post(pages::guest::find.around(on_the_beat))),
            PageRoute::new("/readings/submit", submit),
            PageRoute::new("/meters", poem::get(pages::meters::list)),
            PageRoute::new("/meters/:id", poem::get(pages::meters::show)),
        ]
    }

    fn resident_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(api::portal::PortalApi { estimates: self.estimates.clone() })]
    }

    fn admin_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(api::links::LinksApi { links: self.links.clone() })]
    }

    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("meters/readings.html", include_str!("../templates/meters/readings.html")),
            ("meters/link.html", include_str!("../templates/meters/link.html")),
            ("meters/link_gone.html", include_str!("../templates/meters/link_gone.html")),
            ("meters/find.html", include_str!("../templates/meters/find.html")),
            ("meters/meters.html", include_str!("../templates/meters/meters.html")),
            ("meters/meter.html", include_str!("../templates/meters/meter.html")),
        ]
    }
}
