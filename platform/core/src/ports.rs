//! Questions whose asker does not know who answers. The asker names a trait (a port, mostly of the contracts), modules
//! bring answers along, and the registry hands out those of the modules that the company has on.

use std::any::Any;
use std::sync::{Arc, OnceLock, Weak};

use crate::module::Registry;
use crate::tenancy::Tenant;

/// A module's answer to the questions of one port.
pub struct Answer(Box<dyn Any + Send + Sync>);

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answer")
    }
}

impl Answer {
    /// What answers the port `P`: `Answer::to::<dyn AccountFlags>(Arc::new(…))`.
    #[must_use]
    pub fn to<P: ?Sized + Send + Sync + 'static>(port: Arc<P>) -> Self {
        Self(Box::new(port))
    }

    /// The answer, where it is one to `P`.
    pub(crate) fn of<P: ?Sized + Send + Sync + 'static>(&self) -> Option<Arc<P>> {
        self.0.downcast_ref::<Arc<P>>().cloned()
    }
}

/// The way to the answers for modules, which are made before the registry that knows them all. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Ports(Arc<OnceLock<Weak<Registry>>>);

impl Ports {
    /// Hands over the registry. Done once, by the composition root.
    pub fn connect(&self, registry: &Arc<Registry>) {
        // The registry keeps the modules, and they keep this.
        let _ = self.0.set(Arc::downgrade(registry));
    }

    /// The answers to `P` of the modules that the company has on; none before the registry is there.
    #[must_use]
    pub fn of<P: ?Sized + Send + Sync + 'static>(&self, tenant: &Tenant) -> Vec<Arc<P>> {
        let registry = self.0.get().and_then(Weak::upgrade);
        registry.map(|registry| registry.answers(tenant)).unwrap_or_default()
    }
}
