//! Child processes and files that never outlive the test process, even when it is killed.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};

type Order = (Command, Sender<io::Result<Child>>);

/// Spawns `program`, which gets `signal` when this process ends. It is started by a thread that lives as
/// long as the process: Linux sends the signal when the starting *thread* ends, and every test has its own.
///
/// # Panics
/// When the process cannot be started.
pub fn spawn(program: &Path, signal: &str, prepare: impl FnOnce(&mut Command)) -> Child {
    static KEEPER: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
    let keeper = KEEPER.get_or_init(|| {
        let (sender, orders) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in orders {
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(sender)
    });
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal]).stdin(Stdio::null());
    prepare(&mut command);
    // What `prepare` added as arguments belongs behind the program.
    let mut whole = Command::new(command.get_program());
    let given: Vec<_> = command.get_args().map(std::ffi::OsStr::to_owned).collect();
    let (own, rest) = given.split_at(2);
    let (switches, arguments) = rest.split_at(rest.iter().take_while(|a| a.to_string_lossy().starts_with("--re") || a.to_string_lossy().starts_with("--init")).count());
    whole.args(own).args(switches).arg("--").arg(program).args(arguments);
    let _ = whole;
    unimplemented!()
}
