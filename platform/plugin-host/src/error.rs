//! Why a plugin was refused or a calculation has no result.

use kabinet_sandbox::SandboxError;

/// Why a plugin was refused or a calculation has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    /// The file is not a plugin that may be used; the reason names what is wrong with it.
    #[error("the plugin is refused: {0}")]
    Refused(String),
    /// The component is another one than its `plugin.toml` speaks of.
    #[error("the plugin and its description differ: {0}")]
    Undeclared(String),
    /// It was built for a contract version this platform does not speak.
    #[error("the plugin is built for contract version {found}, this platform speaks {spoken}")]
    ApiVersion {
        /// Version the component was built for.
        found: String,
        /// Versions that have an adapter.
        spoken: &'static str,
    },
    /// Its compilation took too much time or memory and was stopped.
    #[error("the plugin cannot be compiled within its limits: {0}")]
    Compilation(String),
    /// A call used up a limit: instructions, time, memory, tables, stack or output.
    #[error("the plugin was stopped: {0}")]
    Limit(Exceeded),
    /// A call failed inside the plugin.
    #[error("the plugin failed: {0}")]
    Trap(String),
    /// The plugin cannot charge an account.
    #[error("account {index}: {message}")]
    Account {
        /// The account's index in the batch.
        index: u32,
        /// Position of the service in the batch's tables.
        service: Option<u16>,
        /// What is wrong, for the company's accountant.
        message: String,
    },
    /// A service table is wrong.
    #[error("service table {service}: {message}")]
    Table {
        /// Position of the service in the batch's tables.
        service: u16,
        /// What is wrong, for the company's accountant.
        message: String,
    },
    /// The plugin does not know what it was asked for.
    #[error("not supported by the plugin: {0}")]
    Unsupported(String),
    /// The input does not fit the contract; nothing was called.
    #[error("the input does not fit the contract: {0}")]
    Input(String),
    /// The answer contradicts the question or itself and was thrown away.
    #[error("the plugin's answer is refused: {0}")]
    Output(String),
    /// The platform itself is in trouble: no worker, no cache folder.
    #[error("plugins are not available: {0}")]
    Unavailable(String),
}

/// The limit that a call used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// Instructions, counted as fuel.
    #[error("too many instructions")]
    Instructions,
    /// Time by the clock.
    #[error("too much time")]
    Time,
    /// The stack.
    #[error("too deep a recursion")]
    Recursion,
    /// Memory.
    #[error("too much memory")]
    Memory,
    /// A table's elements.
    #[error("too large a table")]
    Table,
    /// The size of the answer.
    #[error("too large an answer")]
    Answer,
}

impl From<SandboxError> for PluginError {
    fn from(error: SandboxError) -> PluginError {
        match error {
            SandboxError::Refused(reason) => PluginError::Refused(reason),
            SandboxError::Deadline(_) | SandboxError::Died(_) => PluginError::Compilation(error.to_string()),
            SandboxError::Spawn(_) => PluginError::Unavailable(error.to_string()),
        }
    }
}

impl PluginError {
    /// What a failed call into the guest means.
    pub(crate) fn from_call(error: &wasmtime::Error) -> PluginError {
        use wasmtime::Trap;
        if let Some(trap) = error.downcast_ref::<Trap>() {
            return match trap {
                Trap::OutOfFuel => PluginError::Limit(Exceeded::Instructions),
                Trap::Interrupt => PluginError::Limit(Exceeded::Time),
                Trap::StackOverflow => PluginError::Limit(Exceeded::Recursion),
                other => PluginError::Trap(other.to_string()),
            };
        }
        // Refused growth and too large an answer are plain errors with these words.
        let text = format!("{error:#}");
        if text.contains("memory") && text.contains("grow") {
            PluginError::Limit(Exceeded::Memory)
        } else if text.contains("table") && text.contains("grow") {
            PluginError::Limit(Exceeded::Table)
        } else if text.contains("fuel allocated for hostcalls") {
            PluginError::Limit(Exceeded::Answer)
        } else {
            PluginError::Trap(text)
        }
    }
}
