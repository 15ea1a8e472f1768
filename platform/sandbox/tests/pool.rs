//! The pool against a worker that is this very executable, started again with `worker`.

use std::time::Duration;

use kabinet_sandbox::{Pool, PoolConfig, SandboxError, Task, worker_main};

const TASKS: &[Task] = &[
    Task { name: "echo", run: |payload| Ok(payload.to_vec()) },
    Task { name: "refuse", run: |_| Err("not today".to_owned()) },
    Task { name: "pid", run: |_| Ok(std::process::id().to_le_bytes().to_vec()) },
    Task {
        name: "spin",
        run: |_| loop {
            std::hint::spin_loop()
        },
    },
    Task {
        name: "wait",
        run: |payload| {
            std::thread::sleep(Duration::from_millis(400));
            Ok(payload.to_vec())
        },
    },
    Task { name: "eat", run: |_| eat() },
    Task { name: "panic", run: |_| panic!("broken on purpose") },
    Task { name: "environment", run: |_| Ok(environment()) },
];

fn eat() -> Result<Vec<u8>, String> {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1u8; 16 << 20]);
        std::hint::black_box(&hoard);
    }
}

fn environment() -> Vec<u8> {
    let mut names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
    names.sort();
    names.join(",").into_bytes()
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        worker_main(TASKS);
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        results_and_refusals_come_back().await;
        a_worker_is_used_again().await;
        a_loop_is_killed_at_the_deadline().await;
        a_busy_machine_refuses_nothing().await;
        work_that_never_ends_is_killed_by_the_clock().await;
        a_hoarder_dies_and_the_next_job_lives().await;
        a_panic_is_a_death_with_its_words().await;
        a_missing_program_is_told_apart().await;
        many_jobs_share_few_workers().await;
        workers_end_with_the_pool().await;
    });
    println!("pool: 10 tests passed");
}

fn pool(workers: usize) -> Pool {
    Pool::new(PoolConfig {
        program: std::env::current_exe().expect("this executable"),
        args: vec!["worker".to_owned()],
        workers,
    })
}

const LONG: Duration = Duration::from_secs(20);

async fn results_and_refusals_come_back() {
    let pool = pool(1);
    let big = vec![7u8; 3 << 20];
    assert_eq!(pool.run("echo", &big, LONG).await.expect("echo"), big);
    assert_eq!(pool.run("echo", b"", LONG).await.expect("empty echo"), b"");
    let refused = pool.run("refuse", b"", LONG).await;
    assert!(matches!(refused, Err(SandboxError::Refused(reason)) if reason == "not today"));
    let unknown = pool.run("nothing", b"", LONG).await;
    assert!(matches!(unknown, Err(SandboxError::Refused(_))));
    let names = pool.run("environment", b"", LONG).await.expect("environment");
    assert_eq!(names, b"RAYON_NUM_THREADS");
}

async fn pid(pool: &Pool) -> u32 {
    let bytes = pool.run("pid", b"", LONG).await.expect("pid");
    u32::from_le_bytes(bytes.try_into().expect("four bytes"))
}

async fn a_worker_is_used_again() {
    let pool = pool(2);
    let first = pid(&pool).await;
    assert_eq!(first, pid(&pool).await);
    // A refusal does not cost the worker.
    let _ = pool.run("refuse", b"", LONG).await;
    assert_eq!(first, pid(&pool).await);
}

async fn a_loop_is_killed_at_the_deadline() {
    let pool = pool(1);
    let first = pid(&pool).await;
    let stopped = pool.run("spin", b"", Duration::from_millis(300)).await;
    assert!(matches!(stopped, Err(SandboxError::Deadline(_))), "{stopped:?}");
    assert_ne!(first, pid(&pool).await);
    assert!(gone(first).await, "the looping worker is still there");
}

/// Waiting costs no processor time: a job that is kept from it does not come to its limit.
async fn a_busy_machine_refuses_nothing() {
    let pool = pool(1);
    for _ in 0..2 {
        assert_eq!(pool.run("wait", b"on", Duration::from_millis(100)).await.expect("in time"), b"on");
    }
}

async fn work_that_never_ends_is_killed_by_the_clock() {
    let stopped = pool(1).run("wait", b"", Duration::from_millis(10)).await;
    assert!(matches!(stopped, Err(SandboxError::Deadline(_))), "{stopped:?}");
}

async fn a_hoarder_dies_and_the_next_job_lives() {
    let pool = pool(1);
    let died = pool.run("eat", b"", LONG).await;
    assert!(matches!(&died, Err(SandboxError::Died(why)) if why == "out of memory"), "{died:?}");
    assert_eq!(pool.run("echo", b"on", LONG).await.expect("echo"), b"on");
}

async fn a_panic_is_a_death_with_its_words() {
    let died = pool(1).run("panic", b"", LONG).await;
    assert!(matches!(died, Err(SandboxError::Died(_))), "{died:?}");
}

async fn a_missing_program_is_told_apart() {
    let pool = Pool::new(PoolConfig { program: "no/such/program".into(), args: Vec::new(), workers: 1 });
    assert!(matches!(pool.run("echo", b"", LONG).await, Err(SandboxError::Spawn(_))));
}

async fn many_jobs_share_few_workers() {
    let pool = std::sync::Arc::new(pool(2));
    let jobs: Vec<_> = (0..40u8)
        .map(|n| {
            let pool = std::sync::Arc::clone(&pool);
            tokio::spawn(async move { pool.run("echo", &[n], LONG).await })
        })
        .collect();
    for (n, job) in jobs.into_iter().enumerate() {
        let reply = job.await.expect("joined").expect("echo");
        assert_eq!(reply, [u8::try_from(n).expect("small")]);
    }
}

async fn workers_end_with_the_pool() {
    let pool = pool(1);
    let worker = pid(&pool).await;
    drop(pool);
    assert!(gone(worker).await, "the worker outlived its pool");
}

/// Whether the process ends within two seconds; a zombie counts as gone.
async fn gone(pid: u32) -> bool {
    for _ in 0..40 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if stat.is_empty() || stat.contains(") Z ") {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}
