//! Who may do what: casbin over roles and the permissions that modules declare.

use std::sync::Arc;

use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};

use crate::module::Registry;

/// `role, permission`: the policies are shared by all companies; a staff member's role is stored in
/// the company's own table, so that no policy ever names a person.
const MODEL: &str = "
[request_definition]
r = role, permission
[policy_definition]
p = role, permission
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.role == p.role && r.permission == p.permission
";

/// A permission as a type, so that a handler's signature says what it needs.
pub trait PermissionKey: Send + Sync + 'static {
    /// The key that its module's manifest declares.
    const KEY: &'static str;
}

/// The platform's answer to "may this role do that". Cheap to clone.
#[derive(Clone)]
pub struct Access {
    enforcer: Arc<Enforcer>,
    decisions: moka::sync::Cache<(String, &'static str), bool>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Access")
    }
}

impl Access {
    /// The default policies: each permission for the roles its module names.
    pub async fn new(registry: &Registry) -> Result<Self, casbin::Error> {
        let model = DefaultModel::from_str(MODEL).await?;
        let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await?;
        for permission in registry.manifests().flat_map(|manifest| manifest.permissions) {
            for role in permission.roles {
                enforcer.add_policy(vec![(*role).to_owned(), permission.key.to_owned()]).await?;
            }
        }
        Ok(Self { enforcer: Arc::new(enforcer), decisions: moka::sync::Cache::new(10_000) })
    }

    /// Whether `role` holds `permission`. A fault of the policies is a refusal.
    #[must_use]
    pub fn allows(&self, role: &str, permission: &'static str) -> bool {
        self.decisions.get_with((role.to_owned(), permission), || {
            self.enforcer.enforce((role, permission)).unwrap_or_else(|error| {
                tracing::error!(%error, "casbin");
                false
            })
        })
    }
}
