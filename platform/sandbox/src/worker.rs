//! The worker's side: limits on itself, then one job after another until standard input ends.

use std::io::{Read, Write};

use crate::frame::{self, MAX_FRAME, STATUS_OK, STATUS_REFUSED, STATUS_RETIRE};

/// Address space of a worker, bytes.
const ADDRESS_SPACE: u64 = 512 << 20;

/// A worker that has once held more than this, in KiB, ends after its job:
/// freed memory does not reliably go back to the system.
const RETIRE_ABOVE_KIB: i64 = 256 << 10;

/// One kind of work a worker knows.
#[derive(Clone, Copy)]
pub struct Task {
    /// Name the pool asks for.
    pub name: &'static str,
    /// The work: payload in, result or a reason for the person who asked out.
    pub run: fn(&[u8]) -> Result<Vec<u8>, String>,
}

/// Serves jobs until standard input ends, then exits; never returns.
///
/// Call it first thing in `main`, before threads or a runtime start: the address
/// space is limited to 512 MiB for everything in the process.
pub fn worker_main(tasks: &[Task]) -> ! {
    confine();
    let code = match serve(tasks, &mut std::io::stdin().lock(), &mut std::io::stdout().lock()) {
        Ok(()) => 0,
        Err(_) => 1,
    };
    std::process::exit(code)
}

fn serve(tasks: &[Task], input: &mut impl Read, output: &mut impl Write) -> std::io::Result<()> {
    while let Some(request) = read_frame(input)? {
        let (mut status, body) = match answer(tasks, &request) {
            Ok(result) => (STATUS_OK, result),
            Err(reason) => (STATUS_REFUSED, reason.into_bytes()),
        };
        let retire = peak_kib() > RETIRE_ABOVE_KIB;
        if retire {
            status |= STATUS_RETIRE;
        }
        let length = u32::try_from(body.len() + 1).map_err(std::io::Error::other)?;
        output.write_all(&length.to_le_bytes())?;
        output.write_all(&[status])?;
        output.write_all(&body)?;
        output.flush()?;
        if retire {
            break;
        }
    }
    Ok(())
}

fn answer(tasks: &[Task], request: &[u8]) -> Result<Vec<u8>, String> {
    let (limit_ms, name, payload) = frame::parse_request(request).ok_or_else(|| "malformed request".to_owned())?;
    let task = tasks.iter().find(|task| task.name == name).ok_or_else(|| format!("unknown task {name}"))?;
    allow_cpu(limit_ms);
    let outcome = (task.run)(payload);
    set_timer(0);
    outcome
}

/// The next frame, or `None` where the input ends between frames.
fn read_frame(input: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut length = [0u8; 4];
    let mut have = 0;
    while have < 4 {
        match input.read(&mut length[have..])? {
            0 if have == 0 => return Ok(None),
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => have += n,
        }
    }
    let length = usize::try_from(u32::from_le_bytes(length)).map_err(std::io::Error::other)?;
    if length > MAX_FRAME {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut frame = vec![0; length];
    input.read_exact(&mut frame)?;
    Ok(Some(frame))
}

/// Limits memory, forbids core files, and asks to be killed with the server.
fn confine() {
    set_limit(libc::RLIMIT_AS, ADDRESS_SPACE, ADDRESS_SPACE);
    set_limit(libc::RLIMIT_CORE, 0, 0);
    // SAFETY: prctl with PR_SET_PDEATHSIG takes a plain integer and touches no memory of ours.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
}

/// Has the kernel kill the process after `limit_ms` more of processor time. The timer counts in
/// milliseconds; behind it the soft CPU limit, which counts whole seconds over the life of the process.
fn allow_cpu(limit_ms: u32) {
    let used = usage().map_or(0, |u| u64::try_from(u.ru_utime.tv_sec + u.ru_stime.tv_sec).unwrap_or(0));
    let soft = used + u64::from(limit_ms.div_ceil(1_000)) + 2;
    set_limit(libc::RLIMIT_CPU, soft, libc::RLIM_INFINITY);
    set_timer(limit_ms.max(1));
}

/// Sends SIGPROF, which nothing here handles, after so much processor time; 0 takes the order back.
fn set_timer(ms: u32) {
    let once = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let after =
        libc::timeval { tv_sec: libc::time_t::from(ms / 1_000), tv_usec: libc::suseconds_t::from(ms % 1_000 * 1_000) };
    let order = libc::itimerval { it_interval: once, it_value: after };
    // SAFETY: the pointer is to a live, initialised struct for the duration of the call; the old value is not asked
    // for.
    let done = unsafe { libc::setitimer(libc::ITIMER_PROF, &order, std::ptr::null_mut()) };
    if done != 0 {
        std::process::exit(2);
    }
}

fn set_limit(resource: libc::__rlimit_resource_t, soft: u64, hard: u64) {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: the pointer is to a live, initialised struct for the duration of the call.
    let done = unsafe { libc::setrlimit(resource, &limit) };
    if done != 0 {
        // Without its limits a worker must not run; the pool reports the exit.
        std::process::exit(2);
    }
}

fn peak_kib() -> i64 {
    usage().map_or(0, |u| u.ru_maxrss)
}

fn usage() -> Option<libc::rusage> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage fills the struct; it was zeroed, and every bit pattern of it is valid.
    unsafe { (libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) == 0).then(|| usage.assume_init()) }
}
