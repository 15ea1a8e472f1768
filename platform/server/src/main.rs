//! The binary `kabinet`.

use std::process::ExitCode;

/// Pages and receipts are made of many small pieces: the C library's allocator spent up to a fifth of a request on
/// them, and kept more of the memory afterwards. SQLite takes its memory here, too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Known to this file alone, so that a commit builds no more than it.
    kabinet_server::cli::main(option_env!("KABINET_COMMIT"))
}
