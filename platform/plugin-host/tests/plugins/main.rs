//! Plugins through the whole host: sandbox worker, artifact cache, limits, verification.
//! This executable is its own worker: it starts itself again with `worker`.

mod bombs;
mod build;
mod chance;
mod guest;
mod hostile;
mod liars;
mod speed;
mod standard;

use std::path::Path;
use std::sync::Arc;

use kabinet_plugin_host::{PluginHost, compile_task};
use kabinet_sandbox::{Pool, PoolConfig, worker_main};

type Test = (&'static str, fn(&Stage));

/// What every test gets.
struct Stage {
    runtime: tokio::runtime::Runtime,
    host: PluginHost,
    cache: tempfile::TempDir,
}

const KEY: [u8; 32] = [7; 32];

fn main() {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("worker") {
        worker_main(&[compile_task()]);
    }
    let filter = argument.filter(|a| !a.starts_with('-')).unwrap_or_default();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let cache = tempfile::tempdir().expect("a folder");
    let stage = Stage { host: new_host(cache.path()), runtime, cache };
    let (mut passed, mut failed) = (0, Vec::new());
    let suites = [hostile::TESTS, bombs::TESTS, chance::TESTS, liars::TESTS, standard::TESTS, speed::TESTS];
    for (name, test) in suites.concat() {
        if !name.contains(&filter) {
            continue;
        }
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&stage)));
        println!("test {name} ... {}", if outcome.is_ok() { "ok" } else { "FAILED" });
        match outcome {
            Ok(()) => passed += 1,
            Err(_) => failed.push(name),
        }
    }
    println!("plugins: {passed} passed, {} failed {failed:?}", failed.len());
    std::process::exit(i32::from(!failed.is_empty()));
}

fn new_host(cache: &Path) -> PluginHost {
    let pool = Pool::new(PoolConfig {
        program: std::env::current_exe().expect("this executable"),
        args: vec!["worker".to_owned()],
        workers: 2,
    });
    PluginHost::new(Arc::new(pool), cache.to_owned(), KEY).expect("a host")
}
