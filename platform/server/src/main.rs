//! The binary `kabinet`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kabinet_server::cli::main()
}
