//! The module gate: a route of a module that the company switched off is not there.

use poem::endpoint::BoxEndpoint;
use poem::{Endpoint, Request, Response, Result};

use crate::person::tenant_of;
use crate::platform::Platform;
use crate::problem::Problem;

pub(crate) struct Gate {
    pub(crate) module: &'static str,
    pub(crate) inner: BoxEndpoint<'static>,
}

impl Endpoint for Gate {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let tenant = tenant_of(&request)?;
        if !Platform::of(&request).registry.is_on(&tenant, self.module) {
            return Err(Problem::not_found().into());
        }
        self.inner.call(request).await
    }
}
