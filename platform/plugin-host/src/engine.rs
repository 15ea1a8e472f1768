//! The two engines: one that compiles (in the worker) and one that runs (in the server).
//! They share every setting that an artifact depends on.

use std::hash::{Hash, Hasher};
use std::sync::{Condvar, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use crate::limits;

/// Address space reserved for a memory and the guard behind it: bounds checks cost nothing then.
const RESERVATION: u64 = 4 << 30;
const GUARD: u64 = 32 << 20;

/// An engine that only compiles: it reserves no address space.
pub(crate) fn compiler() -> wasmtime::Result<Engine> {
    Engine::new(&shared())
}

/// An engine that runs artifacts in a pool of instances.
pub(crate) fn runtime() -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    let calls = limits::PARALLEL_CALLS;
    pool.total_component_instances(calls)
        .total_core_instances(calls * limits::NESTED)
        .total_memories(calls)
        .total_tables(calls * 4)
        .max_core_instances_per_component(limits::NESTED)
        .max_memories_per_component(1)
        .max_memories_per_module(1)
        .max_tables_per_component(4)
        .max_tables_per_module(4)
        .max_memory_size(limits::MEMORY_BYTES)
        .table_elements(limits::TABLE_ENTRIES)
        .max_unused_warm_slots(4)
        // A usual batch stays within this: zeroing it in place is quicker than new pages.
        .linear_memory_keep_resident(2 << 20);
    let mut config = shared();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

fn shared() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(limits::STACK_BYTES)
        .cranelift_nan_canonicalization(true)
        .cranelift_opt_level(OptLevel::Speed)
        .memory_reservation(RESERVATION)
        .memory_guard_size(GUARD)
        .memory_may_move(false)
        .generate_address_map(false)
        .wasm_backtrace_max_frames(None)
        // What tariffs do not need is not there to be attacked or to differ between machines.
        .wasm_simd(false)
        .wasm_relaxed_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false);
    config
}

/// What an artifact must have been made with to be loaded by this engine.
pub(crate) fn fingerprint(engine: &Engine) -> [u8; 32] {
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut sha = Sha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut sha);
    sha.0.finalize().into()
}

/// Moves the epoch on while the engine lives, so that deadlines strike.
pub(crate) fn start_clock(engine: &Engine) -> std::io::Result<()> {
    let weak = engine.weak();
    std::thread::Builder::new().name("plugin-clock".into()).spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(limits::TICK);
        }
    })?;
    Ok(())
}

/// Lets as many calls run as the pool has instances; the others wait their turn.
pub(crate) struct Gate {
    free: Mutex<u32>,
    freed: Condvar,
}

impl Gate {
    pub(crate) fn new() -> Gate {
        Gate { free: Mutex::new(limits::PARALLEL_CALLS), freed: Condvar::new() }
    }

    /// A place in the pool, until it is dropped.
    pub(crate) fn enter(&self) -> Place<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Place(self)
    }
}

/// A place in the pool.
pub(crate) struct Place<'a>(&'a Gate);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
