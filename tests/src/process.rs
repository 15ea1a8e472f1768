//! Child processes and files that never outlive the test process, even when it is killed.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};

type Order = (Command, Sender<io::Result<Child>>);

/// A command for `program` that gets `signal` (`KILL`, `INT`…) when this process ends; `user` is the
/// account it runs under, where this process is root. Start it with [`start`].
#[must_use]
pub fn guarded(program: &Path, signal: &str, user: Option<&str>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal]).stdin(Stdio::null());
    if let Some(user) = user.filter(|_| is_root()) {
        command.args(["--reuid", user, "--regid", user, "--init-groups"]);
    }
    command.arg("--").arg(program);
    command
}

/// Starts a [`guarded`] command from a thread that lives as long as the process: Linux sends the signal
/// when the starting *thread* ends, and every test has a thread of its own.
///
/// # Panics
/// When the program cannot be started.
pub fn start(command: Command) -> Child {
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
    let shown = format!("{command:?}");
    let (answer, started) = channel();
    keeper.lock().expect("the keeper").send((command, answer)).expect("the keeper lives");
    started.recv().expect("an answer").unwrap_or_else(|error| panic!("{shown}: {error}"))
}

/// Runs `command` to its end: its standard output.
///
/// # Panics
/// When it fails; the message holds its standard error.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether this process is root (then PostgreSQL must run under another account).
///
/// # Panics
/// Without `/proc`.
#[must_use]
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").expect("/proc/self").uid() == 0
}

/// The folder of this test process. A small shell waits for the end of this process and removes it.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("kabinet-tests-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        if std::env::var_os("KABINET_TEST_KEEP").is_none() {
            let mut janitor = Command::new("sh");
            janitor.args(["-c", "cat >/dev/null; sleep 2; rm -rf \"$1\"", "janitor"]).arg(&folder);
            janitor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            // The pipe's other end closes when this process is gone.
            std::mem::forget(janitor.spawn().expect("sh"));
        }
        folder
    })
}

/// A new folder inside [`folder`].
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn new_folder(name: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let folder = folder().join(format!("{name}-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A port of 127.0.0.1 that nobody listens on, and that nobody gets by chance before it is used: it is below those
/// that Linux gives to outgoing connections, and another one at each call.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    const PORTS: std::ops::Range<u16> = 10_000..32_000;
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    // Test processes that run at once begin far from each other.
    let next = NEXT.get_or_init(|| AtomicU32::new(std::process::id().wrapping_mul(997)));
    let ports = u32::from(PORTS.end - PORTS.start);
    let candidate = |_| PORTS.start + u16::try_from(next.fetch_add(1, Ordering::Relaxed) % ports).unwrap_or_default();
    let mut candidates = PORTS.map(candidate);
    candidates.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}
