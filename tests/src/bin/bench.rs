//! The program behind `make bench`; see `scripts/bench`.

#[path = "../bench/mod.rs"]
mod bench;

fn main() -> anyhow::Result<()> {
    bench::run()
}
