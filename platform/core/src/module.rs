//! What the platform knows of a module, and the one place that answers whether it is switched on.

use std::collections::HashSet;
use std::sync::Arc;

use crate::jobs::{EventHandler, JobHandler};
use crate::ports::Answer;
use crate::tenancy::Tenant;

/// Whether a company may do without the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleKind {
    /// Always on.
    Core,
    /// On only where the company switched it on.
    Optional,
}

/// A right that a role may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// Stable key: `billing.publish`.
    pub key: &'static str,
    /// Roles that hold it unless a company decides otherwise.
    pub roles: &'static [&'static str],
}

/// An entry of the resident's section menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NavItem {
    /// The section's name as the user guide has it.
    pub title: &'static str,
    /// Its address.
    pub href: &'static str,
    /// Sorts the menu over all modules, ascending.
    pub position: u16,
    /// Whether it shows sums of money: hidden from those who may not see them.
    pub sums: bool,
}

/// A module's table of contents.
#[derive(Clone, Copy, Debug)]
pub struct Manifest {
    /// Stable name: `meters`.
    pub id: &'static str,
    /// Title for staff.
    pub title: &'static str,
    /// Whether a company may do without it.
    pub kind: ModuleKind,
    /// Rights it declares.
    pub permissions: &'static [Permission],
    /// Its sections in the resident's menu.
    pub navigation: &'static [NavItem],
}

impl Manifest {
    /// Whether the company has this module.
    fn is_on(&self, tenant: &Tenant) -> bool {
        self.kind == ModuleKind::Core || tenant.features.contains(self.id)
    }
}

/// A part of the product that could be left out or taken over whole. Its pages and API are added by
/// the web layer's trait.
pub trait Module: Send + Sync + 'static {
    /// The table of contents.
    fn manifest(&self) -> &'static Manifest;
    /// Kinds of work it does in the background.
    fn jobs(&self) -> Vec<Arc<dyn JobHandler>> {
        Vec::new()
    }
    /// Events of other modules it reacts to.
    fn subscriptions(&self) -> Vec<Arc<dyn EventHandler>> {
        Vec::new()
    }
    /// Its answers to questions of modules below it.
    fn answers(&self) -> Vec<Answer> {
        Vec::new()
    }
}

struct Entry {
    manifest: &'static Manifest,
    jobs: Vec<Arc<dyn JobHandler>>,
    subscriptions: Vec<Arc<dyn EventHandler>>,
    answers: Vec<Answer>,
}

/// The modules of this process.
pub struct Registry(Vec<Entry>);

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|entry| entry.manifest.id)).finish()
    }
}

impl Registry {
    /// A registry of `modules`, in menu order.
    pub fn new<'a>(modules: impl IntoIterator<Item = &'a dyn Module>) -> Self {
        let entry = |module: &dyn Module| Entry {
            manifest: module.manifest(),
            jobs: module.jobs(),
            subscriptions: module.subscriptions(),
            answers: module.answers(),
        };
        Self(modules.into_iter().map(entry).collect())
    }

    /// The modules' tables of contents.
    pub fn manifests(&self) -> impl Iterator<Item = &'static Manifest> {
        self.0.iter().map(|entry| entry.manifest)
    }

    /// Whether the company has `module`: asked by routes, menu, job runner, event dispatcher and ports, and by
    /// nobody else. `core` is always on; an unknown module never is.
    #[must_use]
    pub fn is_on(&self, tenant: &Tenant, module: &str) -> bool {
        let known = self.manifests().find(|manifest| manifest.id == module);
        known.map_or(module == "core", |manifest| manifest.is_on(tenant))
    }

    /// The optional modules' names.
    #[must_use]
    pub fn optional(&self) -> HashSet<&'static str> {
        self.manifests().filter(|m| m.kind == ModuleKind::Optional).map(|m| m.id).collect()
    }

    /// The resident's sections that `tenant` has, in order.
    #[must_use]
    pub fn navigation(&self, tenant: &Tenant) -> Vec<NavItem> {
        let on = self.manifests().filter(|manifest| self.is_on(tenant, manifest.id));
        let mut items: Vec<NavItem> = on.flat_map(|manifest| manifest.navigation.iter().copied()).collect();
        items.sort_by_key(|item| item.position);
        items
    }

    /// The answers to the port `P` of the modules that `tenant` has on, in menu order.
    #[must_use]
    pub fn answers<P: ?Sized + Send + Sync + 'static>(&self, tenant: &Tenant) -> Vec<Arc<P>> {
        let on = self.0.iter().filter(|entry| self.is_on(tenant, entry.manifest.id));
        on.flat_map(|entry| &entry.answers).filter_map(Answer::of).collect()
    }

    /// The handler for a kind of job.
    #[must_use]
    pub fn job(&self, module: &str, kind: &str) -> Option<Arc<dyn JobHandler>> {
        let entry = self.0.iter().find(|entry| entry.manifest.id == module)?;
        entry.jobs.iter().find(|job| job.kind() == kind).cloned()
    }

    /// The jobs that may work for minutes, as `module.kind`.
    pub(crate) fn long_jobs(&self) -> Vec<String> {
        self.jobs_that(|job| job.is_long())
    }

    /// The jobs that wait for other machines, as `module.kind`.
    pub(crate) fn outward_jobs(&self) -> Vec<String> {
        self.jobs_that(|job| job.waits_for_others())
    }

    fn jobs_that(&self, fits: impl Fn(&dyn JobHandler) -> bool) -> Vec<String> {
        let named = |entry: &Entry| {
            let kinds = entry.jobs.iter().filter(|job| fits(&***job)).map(|job| job.kind());
            kinds.map(|kind| format!("{}.{kind}", entry.manifest.id)).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(named).collect()
    }

    /// The kinds of work that `tenant` has done each day, with their modules and the hour from which.
    pub(crate) fn daily(&self, tenant: &Tenant) -> Vec<(&'static str, &'static str, u32)> {
        let on = self.0.iter().filter(|entry| entry.manifest.is_on(tenant));
        let daily = |entry: &Entry| {
            let jobs = entry.jobs.iter().filter_map(|job| job.daily_from().map(|hour| (job.kind(), hour)));
            jobs.map(|(kind, hour)| (entry.manifest.id, kind, hour)).collect::<Vec<_>>()
        };
        on.flat_map(daily).collect()
    }

    /// The events that some module reacts to.
    pub fn events(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().flat_map(|entry| entry.subscriptions.iter().map(|handler| handler.event()))
    }

    /// Those who react to `event`, with their modules.
    pub fn subscribers<'a>(
        &'a self,
        event: &'a str,
    ) -> impl Iterator<Item = (&'static str, Arc<dyn EventHandler>)> + 'a {
        self.0.iter().flat_map(move |entry| {
            let mine = entry.subscriptions.iter().filter(move |handler| handler.event() == event);
            mine.map(|handler| (entry.manifest.id, handler.clone()))
        })
    }
}
