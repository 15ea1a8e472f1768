//! Every limit a plugin meets, in one place. Companies upload these files: treat them as hostile.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Largest component that is accepted, bytes. A plugin in Rust has 50 to 100 KiB, one in TypeScript 20.
pub const COMPONENT_BYTES: usize = 2 << 20;
/// Functions in all modules of a component.
pub(crate) const FUNCTIONS: u32 = 1_000;
/// Modules and components nested in a component, at any depth.
pub(crate) const NESTED: u32 = 16;
/// Body of one function, bytes.
pub(crate) const BODY_BYTES: usize = 64 << 10;
/// Locals of one function.
pub(crate) const LOCALS: u32 = 1_000;
/// Blocks inside blocks in one function.
pub(crate) const NESTING: usize = 200;
/// Targets of one branch table.
pub(crate) const BRANCH_TARGETS: u32 = 1_024;
/// Targets of all branch tables of a component.
pub(crate) const ALL_BRANCH_TARGETS: u32 = 16 << 10;
/// Data segments of one module.
pub(crate) const DATA_SEGMENTS: u32 = 100;
/// Types, globals, exports and element segments of one module, each.
pub(crate) const ITEMS: u32 = 2_000;

/// Wall time of a compilation in its worker.
pub(crate) const COMPILE: Duration = Duration::from_secs(2);

/// Linear memory, bytes.
pub(crate) const MEMORY_BYTES: usize = 16 << 20;
/// Entries of all tables.
pub(crate) const TABLE_ENTRIES: usize = 1_000;
/// Stack of the guest, bytes.
pub(crate) const STACK_BYTES: usize = 256 << 10;
/// Calls that may run at the same time; further ones wait.
pub(crate) const PARALLEL_CALLS: u32 = 16;

/// Fuel for each line of a call.
pub(crate) const FUEL_PER_LINE: u64 = 100_000;
/// Lines that a smaller call gets fuel for as well: what it begins with costs the same for one line.
pub(crate) const FUEL_LINES: u64 = 200;
/// How often the epoch moves on.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Wall deadline of a call in ticks, for up to [`FUEL_LINES`] lines.
pub(crate) const TICKS: u64 = 100;
/// Lines that earn one tick more.
pub(crate) const LINES_A_TICK: u64 = 10;

/// What a call may hand over in any case, bytes of host memory.
pub(crate) const OUTPUT_BASE: usize = 64 << 10;
/// ... more for each account of the batch ...
pub(crate) const OUTPUT_ACCOUNT: usize = 4 << 10;
/// ... and for each line asked for: a receipt of twenty services has more to say.
pub(crate) const OUTPUT_LINE: usize = 512;

/// Longest text a plugin may return, bytes.
pub(crate) const TEXT: usize = 500;
/// Most rules a plugin may name.
pub(crate) const RULES: usize = 100;
/// Most parts of a line.
pub(crate) const PARTS: usize = 32;
/// Most recalculations of a line.
pub(crate) const RECALCULATIONS: usize = 60;
/// Most operands of a formula.
pub(crate) const TERMS: usize = 200;

/// The limits of a call that a plugin may lower for itself in its `plugin.toml`. Only what is lowered is written
/// down, so that the rest is always what the platform allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Linear memory, bytes.
    #[serde(skip_serializing_if = "is_all_memory")]
    pub memory_bytes: usize,
    /// Fuel for each line; a call gets it for 200 lines at least.
    #[serde(skip_serializing_if = "is_all_fuel")]
    pub fuel_per_line: u64,
}

fn is_all_memory(bytes: &usize) -> bool {
    *bytes >= MEMORY_BYTES
}

fn is_all_fuel(fuel: &u64) -> bool {
    *fuel >= FUEL_PER_LINE
}

impl Default for Limits {
    fn default() -> Self {
        Self::PRODUCTION
    }
}

impl Limits {
    /// What holds where a plugin lowers nothing, and what none may exceed.
    pub const PRODUCTION: Limits = Limits { memory_bytes: MEMORY_BYTES, fuel_per_line: FUEL_PER_LINE };

    /// The smaller one of each limit.
    #[must_use]
    pub fn lowered_to(self, other: Limits) -> Limits {
        Limits {
            memory_bytes: self.memory_bytes.min(other.memory_bytes),
            fuel_per_line: self.fuel_per_line.min(other.fuel_per_line),
        }
    }

    /// Fuel for a call of so many lines.
    pub(crate) fn fuel(self, lines: usize) -> u64 {
        let lines = u64::try_from(lines).unwrap_or(u64::MAX).max(FUEL_LINES);
        self.fuel_per_line.saturating_mul(lines)
    }
}

/// Wall deadline in ticks for a call of so many lines.
pub(crate) fn ticks(lines: usize) -> u64 {
    let lines = u64::try_from(lines).unwrap_or(u64::MAX);
    TICKS + lines.saturating_sub(FUEL_LINES) / LINES_A_TICK
}

/// Host memory that the answer to a call may take, bytes.
pub(crate) fn output(accounts: usize, lines: usize) -> usize {
    OUTPUT_BASE
        .saturating_add(OUTPUT_ACCOUNT.saturating_mul(accounts))
        .saturating_add(OUTPUT_LINE.saturating_mul(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_lowered_is_written_down() {
        let lowered = Limits { memory_bytes: 1 << 20, ..Limits::PRODUCTION };
        for (limits, text) in [(Limits::PRODUCTION, "{}"), (lowered, r#"{"memory_bytes":1048576}"#)] {
            assert_eq!(serde_json::to_string(&limits).expect("text"), text);
            assert_eq!(serde_json::from_str::<Limits>(text).expect("limits"), limits);
        }
    }
}
