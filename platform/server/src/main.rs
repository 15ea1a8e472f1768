//! The binary `kabinet`.

use std::process::ExitCode;

fn main() -> ExitCode {
    give_large_blocks_back();
    // Known to this file alone, so that a commit builds no more than it.
    kabinet_server::cli::main(option_env!("KABINET_COMMIT"))
}

/// Tells the allocator to map blocks of a megabyte and more, and to unmap them when they are free. Left to itself
/// it learns from the first hashed password (19 MiB) to keep such blocks, one for each thread that ever needed
/// one: 154 MB resident instead of 53.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_large_blocks_back() {
    const LARGE: libc::c_int = 1 << 20;
    // SAFETY: called first of all, before there is a second thread.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
}

/// Other allocators are left to themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_large_blocks_back() {}
