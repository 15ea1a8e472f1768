//! Meters, their readings and what was consumed.
//!
//! - [`readings`] takes readings: [`readings::submit`] judges what a person sent, [`readings::record_many`] stores what
//!   files and programs bring; [`verdict`] is the judgement, a pure function over the loaded meters;
//! - [`links`] are one-meter links, for letters and paper; [`sheet`] prints those of a house;
//! - [`consumption`] tells billing what each meter shows for a month;
//! - [`settings`] is what a company decides about doubtful readings, by their source;
//! - [`meters`] puts meters into service in bulk, [`installation`] is what staff do with one, [`faults`] is what keeps
//!   one from being charged by, [`corrections`] what they do with its readings, [`photos`] what stands beside a reading;
//!   [`register`] lists both; [`houses`] are house meters, what they measure, and what stands in where they do not;
//! - [`impossibility`] keeps the acts of accounts on which no meter can be installed;
//! - [`closing`] is what publication does to readings that came too late for its bills;
//! - [`overview`] is what other pages show of them.

mod api;
pub mod closing;
pub mod consumption;
pub mod corrections;
pub mod entity;
pub mod error;
pub mod faults;
mod history;
pub mod houses;
pub mod impossibility;
pub mod installation;
pub mod links;
pub mod meters;
mod number;
pub mod overview;
mod pages;
mod personal;
pub mod photos;
pub mod readings;
pub mod register;
mod replacement;
mod resource;
mod senders;
mod sendings;
pub mod settings;
pub mod sheet;
mod store;
mod submission;
mod uncounted;
pub mod verdict;
mod view;
mod volume;
mod window;

use std::sync::Arc;

use kabinet_contracts::Estimates;
use kabinet_core::jobs::JobHandler;
use kabinet_core::{Manifest, Module, ModuleKind, NavItem, Permission};
use kabinet_files::{Files, Sweep};
use kabinet_render::ReceiptPrinter;
use kabinet_web::{ApiPart, PageRoute, WebModule, on_the_beat};
use poem::EndpointExt;

pub use error::Error;
pub use links::Links;
pub use personal::ReadingsOf;
pub use resource::{Resource, Source, zone_label};
pub use settings::{MODULE, MetersSettings};
pub use store::{MeterState, StoredReading};
pub use submission::{Row, Submission};
pub use uncounted::Uncounted;
pub use view::Verification;
pub use window::{ReadingsWindow, Window};

static MANIFEST: Manifest = Manifest {
    id: MODULE,
    title: "Приборы учёта и показания",
    kind: ModuleKind::Core,
    permissions: &[
        Permission { key: "meters.manage", roles: &["administrator", "accountant"] },
        Permission { key: "meters.read_readings", roles: &["administrator", "accountant", "dispatcher"] },
        Permission { key: "meters.links", roles: &["administrator", "dispatcher"] },
    ],
    navigation: &[
        NavItem { title: "Передать показания", href: "/meters/readings", position: 50, sums: false },
        NavItem { title: "Информация об ИПУ", href: "/meters", position: 60, sums: false },
    ],
};

/// The module.
pub struct Meters {
    estimates: Arc<dyn Estimates>,
    links: Links,
    files: Files,
    printer: ReceiptPrinter,
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meters")
    }
}

impl Meters {
    /// The module, asking `estimates` what readings will cost, sealing its `links`, keeping photos in `files` and
    /// printing by `printer`.
    #[must_use]
    pub fn new(estimates: Arc<dyn Estimates>, links: Links, files: Files, printer: ReceiptPrinter) -> Self {
        Self { estimates, links, files, printer }
    }
}

impl Module for Meters {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }

    fn jobs(&self) -> Vec<Arc<dyn JobHandler>> {
        vec![Arc::new(Sweep::new(self.files.clone(), MODULE, "reading_photo"))]
    }
}

impl WebModule for Meters {
    fn pages(&self) -> Vec<PageRoute> {
        let readings = poem::get(pages::readings::show).post(pages::readings::send);
        let readings = readings.data(self.estimates.clone()).data(self.files.clone());
        let submit = poem::get(pages::guest::show_form).post(pages::guest::send);
        let submit = submit.data(self.estimates.clone()).data(self.files.clone());
        let link = poem::get(pages::link::show).post(pages::link::send);
        let link = link.data(self.links.clone()).data(self.estimates.clone()).data(self.files.clone());
        vec![
            PageRoute::new("/readings/link/:token", link),
            PageRoute::new("/meters/readings", readings),
            PageRoute::new("/readings", poem::get(pages::guest::show).post(pages::guest::find.around(on_the_beat))),
            PageRoute::new("/readings/submit", submit),
            PageRoute::new("/meters", poem::get(pages::meters::list)),
            PageRoute::new("/meters/:id", poem::get(pages::meters::show)),
            PageRoute::new("/meters/:id/photos/:photo", poem::get(pages::photos::show).data(self.files.clone())),
        ]
    }

    fn resident_api(&self) -> Vec<ApiPart> {
        vec![ApiPart::new(api::portal::PortalApi { estimates: self.estimates.clone() })]
    }

    fn admin_api(&self) -> Vec<ApiPart> {
        let (estimates, files) = (self.estimates.clone(), self.files.clone());
        vec![
            ApiPart::new(api::admin::AdminApi { estimates: estimates.clone(), files }),
            ApiPart::new(api::readings::ReadingsApi { estimates: estimates.clone() }),
            ApiPart::new(api::faults::FaultsApi { estimates: estimates.clone() }),
            ApiPart::new(api::impossibility::ImpossibilityApi { estimates: estimates.clone() }),
            ApiPart::new(api::houses::HousesApi { estimates }),
            ApiPart::new(api::settings::SettingsApi),
            ApiPart::new(api::links::LinksApi { links: self.links.clone(), printer: self.printer.clone() }),
        ]
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
