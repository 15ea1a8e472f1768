//! Parsing and compiling, in a sandbox worker: neither time nor memory of it can be bounded inside.

use kabinet_sandbox::Task;

use crate::{engine, precheck};

/// Name of the task.
pub(crate) const NAME: &str = "plugin.compile";

/// The task a worker needs so that plugins can be compiled in it.
pub fn compile_task() -> Task {
    Task { name: NAME, run: compile }
}

/// A component that passed the checks, compiled.
pub(crate) struct Compiled {
    /// Version of the contract it was built for.
    pub(crate) api: String,
    /// What wasmtime made of it; trustworthy only because our own worker made it.
    pub(crate) artifact: Vec<u8>,
}

fn compile(component: &[u8]) -> Result<Vec<u8>, String> {
    let api = precheck::check(component)?;
    let engine = engine::compiler().map_err(|error| format!("{error:#}"))?;
    let artifact = engine.precompile_component(component).map_err(|error| format!("{error:#}"))?;
    Ok(Compiled { api, artifact }.to_bytes())
}

impl Compiled {
    /// One length byte, the version, the artifact.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let api = &self.api.as_bytes()[..self.api.len().min(usize::from(u8::MAX))];
        let mut bytes = Vec::with_capacity(1 + api.len() + self.artifact.len());
        bytes.push(u8::try_from(api.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(api);
        bytes.extend_from_slice(&self.artifact);
        bytes
    }

    /// What [`Compiled::to_bytes`] made these bytes of, or `None` if it did not make them.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Compiled> {
        let (length, rest) = bytes.split_first()?;
        let (api, artifact) = rest.split_at_checked(usize::from(*length))?;
        Some(Compiled { api: String::from_utf8(api.to_vec()).ok()?, artifact: artifact.to_vec() })
    }
}
