//! Killable worker processes for work that no library can be trusted to bound:
//! compiling WebAssembly, rendering company templates, typesetting.

mod frame;
mod pool;
mod worker;

pub use pool::{Pool, PoolConfig, SandboxError};
pub use worker::{Task, worker_main};
