//! The adapter of contract version 1.0.0.

mod input;
mod output;

use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

use crate::api::{AccountCharges, Batch};
use crate::error::PluginError;
use crate::host::Guard;

mod bindings {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::unwrap_used)]
    wasmtime::component::bindgen!({
        path: "../../plugins/wit/tariff-1.0",
        world: "tariff",
    });
}

use bindings::exports::kabinet::tariff::calculation as wit;

/// A component ready to be instantiated.
pub(crate) struct Plugin(bindings::TariffPre<Guard>);

/// What a plugin says about itself.
pub(crate) struct Described {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) rules: Vec<String>,
}

impl Plugin {
    /// The component with its types checked against the contract.
    pub(crate) fn new(engine: &Engine, component: &Component) -> Result<Plugin, PluginError> {
        let refused = |error: wasmtime::Error| PluginError::Refused(format!("{error:#}"));
        let ready = Linker::new(engine).instantiate_pre(component).map_err(refused)?;
        Ok(Plugin(bindings::TariffPre::new(ready).map_err(refused)?))
    }

    pub(crate) fn describe(&self, store: &mut Store<Guard>) -> Result<Described, PluginError> {
        let failed = |error: wasmtime::Error| PluginError::from_call(&error);
        // What is no trap is a mismatch with the contract's types, found at the first instance.
        let mismatch = |error: wasmtime::Error| match PluginError::from_call(&error) {
            PluginError::Trap(text) if !error.is::<wasmtime::Trap>() => PluginError::Refused(text),
            other => other,
        };
        let instance = self.0.instantiate(&mut *store).map_err(mismatch)?;
        let info = instance.kabinet_tariff_calculation().call_describe(store).map_err(failed)?;
        Ok(Described { id: info.id, version: info.version, rules: info.rules })
    }

    pub(crate) fn calculate(
        &self,
        store: &mut Store<Guard>,
        batch: &Batch,
    ) -> Result<Vec<AccountCharges>, PluginError> {
        let failed = |error: wasmtime::Error| PluginError::from_call(&error);
        let input = input::batch(batch)?;
        let instance = self.0.instantiate(&mut *store).map_err(failed)?;
        let answer = instance.kabinet_tariff_calculation().call_calculate(store, &input).map_err(failed)?;
        output::charges(answer.map_err(output::failure)?)
    }
}
