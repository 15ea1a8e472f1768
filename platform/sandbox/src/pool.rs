//! The server's side: starts workers when they are needed, kills them at the deadline.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{Semaphore, oneshot};

use crate::frame::{self, MAX_FRAME, STATUS_OK, STATUS_REFUSED, STATUS_RETIRE};

/// How much of a worker's last words is kept, bytes.
const LAST_WORDS: usize = 2_048;

/// How many times its limit of processor time a job may take by the clock.
const PATIENCE: u32 = 10;

/// Which program a worker is, and how many may run at once.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// The program; usually the running binary itself.
    pub program: PathBuf,
    /// Its arguments; usually `worker`.
    pub args: Vec<String>,
    /// Workers that may run at the same time, at least 1.
    pub workers: usize,
}

/// Why a job has no result.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The task itself refused, with its reason.
    #[error("{0}")]
    Refused(String),
    /// The work took longer than its limit; the worker was killed.
    #[error("the work did not end within {} ms and was stopped", .0.as_millis())]
    Deadline(Duration),
    /// The worker died: out of memory, out of processor time, a crash.
    #[error("the worker process died: {0}")]
    Died(String),
    /// No worker could be started.
    #[error("a worker process could not be started: {0}")]
    Spawn(#[source] std::io::Error),
}

/// Worker processes, started when first needed and used again while they live.
pub struct Pool {
    permits: Semaphore,
    idle: Mutex<Vec<Worker>>,
    spawner: mpsc::Sender<SpawnRequest>,
}

impl Pool {
    /// A pool without any worker yet: nothing is started before the first job.
    pub fn new(config: PoolConfig) -> Pool {
        let permits = Semaphore::new(config.workers.max(1));
        Pool { permits, idle: Mutex::new(Vec::new()), spawner: start_spawner(config) }
    }

    /// The result of `task` on `payload`, or why there is none.
    ///
    /// `limit` is processor time for the job, so that a busy machine refuses nothing that an idle one
    /// would do; work that only waits ends after `PATIENCE` times as much wall time, the start of a
    /// worker included. Waiting for a free worker does not count. Dropping the future kills the worker.
    pub async fn run(&self, task: &str, payload: &[u8], limit: Duration) -> Result<Vec<u8>, SandboxError> {
        let _permit = self.permits.acquire().await.map_err(|e| SandboxError::Spawn(std::io::Error::other(e)))?;
        let job = async {
            let mut worker = match self.take_idle() {
                Some(worker) => worker,
                None => self.start().await?,
            };
            let limit_ms = u32::try_from(limit.as_millis()).unwrap_or(u32::MAX);
            let reply = worker.exchange(&frame::request(task, limit_ms, payload)).await;
            Ok::<_, SandboxError>((worker, reply))
        };
        // On timeout the future is dropped with the worker in it, and dropping kills it.
        let job = tokio::time::timeout(limit * PATIENCE, job).await;
        let (worker, reply) = job.map_err(|_| SandboxError::Deadline(limit))??;
        let Ok((status, body)) = reply else {
            return Err(worker.end(limit).await);
        };
        if status & STATUS_RETIRE == 0 {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        }
        match status & !STATUS_RETIRE {
            STATUS_OK => Ok(body),
            STATUS_REFUSED => Err(SandboxError::Refused(String::from_utf8_lossy(&body).into_owned())),
            other => Err(SandboxError::Died(format!("unknown reply status {other}"))),
        }
    }

    /// A waiting worker that is still alive.
    fn take_idle(&self) -> Option<Worker> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(mut worker) = idle.pop() {
            if matches!(worker.child.try_wait(), Ok(None)) {
                return Some(worker);
            }
        }
        None
    }

    async fn start(&self) -> Result<Worker, SandboxError> {
        let (reply, started) = oneshot::channel();
        let request = SpawnRequest { runtime: tokio::runtime::Handle::current(), reply };
        let gone = || SandboxError::Spawn(std::io::Error::other("the spawning thread is gone"));
        self.spawner.send(request).map_err(|_| gone())?;
        started.await.map_err(|_| gone())?.map_err(SandboxError::Spawn)
    }
}

struct SpawnRequest {
    runtime: tokio::runtime::Handle,
    reply: oneshot::Sender<std::io::Result<Worker>>,
}

/// One thread starts every worker and lives as long as the pool. A worker asks the kernel to
/// be killed when its parent *thread* ends, and threads of an async runtime come and go.
fn start_spawner(config: PoolConfig) -> mpsc::Sender<SpawnRequest> {
    let (sender, requests) = mpsc::channel::<SpawnRequest>();
    let body = move || {
        while let Ok(request) = requests.recv() {
            let _inside = request.runtime.enter();
            // A caller that has gone away drops the worker, which kills it.
            let _ = request.reply.send(Worker::spawn(&config));
        }
    };
    // If the thread cannot start, the channel is closed and each job reports it.
    let _ = std::thread::Builder::new().name("sandbox".into()).spawn(body);
    sender
}

/// A running worker; killed when dropped.
struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    last_words: Arc<Mutex<Vec<u8>>>,
}

impl Worker {
    fn spawn(config: &PoolConfig) -> std::io::Result<Worker> {
        let mut child = Command::new(&config.program)
            .args(&config.args)
            // The server's environment holds secrets; hostile input gets none of it.
            .env_clear()
            .env("RAYON_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take()).zip(child.stderr.take());
        let ((stdin, stdout), stderr) = pipes.ok_or_else(|| std::io::Error::other("no pipes"))?;
        let last_words = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(listen(stderr, Arc::clone(&last_words)));
        Ok(Worker { child, stdin, stdout, last_words })
    }

    /// Sends one request and reads the reply: its status and body.
    async fn exchange(&mut self, request: &[u8]) -> std::io::Result<(u8, Vec<u8>)> {
        let length = u32::try_from(request.len()).map_err(std::io::Error::other)?;
        self.stdin.write_all(&length.to_le_bytes()).await?;
        self.stdin.write_all(request).await?;
        self.stdin.flush().await?;
        let length = usize::try_from(self.stdout.read_u32_le().await?).map_err(std::io::Error::other)?;
        if length == 0 || length > MAX_FRAME {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let status = self.stdout.read_u8().await?;
        let mut body = vec![0; length - 1];
        self.stdout.read_exact(&mut body).await?;
        Ok((status, body))
    }

    /// Kills what is left of the worker and says how it ended; `limit` was its last job's.
    async fn end(mut self, limit: Duration) -> SandboxError {
        // A worker that closed its output is about to end by itself: its own status says more.
        let ended = tokio::time::timeout(Duration::from_millis(200), self.child.wait()).await;
        let status = match ended {
            Ok(status) => status.ok(),
            Err(_) => {
                let _ = self.child.start_kill();
                self.child.wait().await.ok()
            }
        };
        if status.is_some_and(|status| status.signal() == Some(libc::SIGPROF)) {
            return SandboxError::Deadline(limit);
        }
        let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        SandboxError::Died(describe(status, &String::from_utf8_lossy(&words)))
    }
}

/// Keeps the beginning of what a worker writes to standard error, and drains the rest.
async fn listen(mut stderr: ChildStderr, words: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 1_024];
    while let Ok(n @ 1..) = stderr.read(&mut buffer).await {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LAST_WORDS.saturating_sub(words.len()).min(n);
        words.extend_from_slice(&buffer[..room]);
    }
}

fn describe(status: Option<ExitStatus>, words: &str) -> String {
    if words.contains("memory allocation of") {
        return "out of memory".to_owned();
    }
    let Some(status) = status else {
        return "unknown cause".to_owned();
    };
    match status.signal() {
        Some(libc::SIGXCPU) => "out of processor time".to_owned(),
        Some(libc::SIGSEGV) => "stack overflow or invalid memory access".to_owned(),
        Some(signal) => format!("signal {signal}"),
        None => match words.lines().next() {
            Some(first) => format!("{status}: {first}"),
            None => status.to_string(),
        },
    }
}
