//! The disk runs full while clients work, and has room again: what was acknowledged is there, and the platform goes on
//! by itself, without a restart.
//!
//! The disk is a small tmpfs. It is mounted in a mount namespace that only a second process of this program is in, with
//! the server and PostgreSQL as its children: the mount ends with them, however they end, and nobody else sees it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use kabinet_core::audit::{Anchors, Head};
use kabinet_core::{Actor, Timestamp};
use kabinet_tests::postgres::Cluster;
use kabinet_tests::process::{is_root, new_folder, run, start};
use kabinet_tests::server::{NOW, command};
use kabinet_tests::world::{self, Person};
use kabinet_tests::{Database, Kind, Server, block_on};
use sea_orm::ConnectionTrait;

use crate::clients::{self, COMPANY, Client, until_each_is_acknowledged, while_they_work};
use crate::clock::Shift;
use crate::verify::{settle, verify};

#[test]
#[ignore = "takes long: `make stress-disk`"]
fn a_full_disk_loses_nothing_that_was_acknowledged_on_postgresql() {
    run_full("a_full_disk_loses_nothing_that_was_acknowledged_on_postgresql", Kind::PostgreSql, Full::Disk);
}

#[test]
#[ignore = "takes long: `make stress-disk`"]
fn a_full_disk_loses_nothing_that_was_acknowledged_on_sqlite() {
    run_full("a_full_disk_loses_nothing_that_was_acknowledged_on_sqlite", Kind::Sqlite, Full::Disk);
}

#[test]
#[ignore = "takes long: `make stress-disk`"]
fn a_full_disk_that_holds_the_log_loses_nothing_that_was_acknowledged() {
    run_full("a_full_disk_that_holds_the_log_loses_nothing_that_was_acknowledged", Kind::PostgreSql, Full::WithLog);
}

#[test]
#[ignore = "takes long: `make stress-disk`"]
fn a_full_disk_of_the_write_ahead_log_loses_nothing_that_was_acknowledged() {
    let test = "a_full_disk_of_the_write_ahead_log_loses_nothing_that_was_acknowledged";
    run_full(test, Kind::PostgreSql, Full::WriteAheadLog);
}

/// What runs full.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Full {
    /// The disk of the database and of what people send; the server's own log lies elsewhere.
    Disk,
    /// The same with the server's log.
    WithLog,
    /// A disk that PostgreSQL's write-ahead log alone lies on: without room for it PostgreSQL ends itself.
    WriteAheadLog,
}

/// Where the small disk is, in the process that has one.
const DISK: &str = "KABINET_TESTS_DISK";
/// The disk's size: the demo and room for a while.
const SIZE: &str = "320m";
/// Where on it the disk of the write-ahead log is, some segments of 16 MB.
const LOG_DISK: &str = "write-ahead";
/// How often the disk runs full.
const ROUNDS: u32 = 1;
/// Mounts `$1` and the disk of the write-ahead log in it, becomes this user again (`$3`, empty for root, who is one
/// inside as well), and goes on as the rest.
const MOUNT: &str = r#"mount -t tmpfs -o size="$2",mode=755 tmpfs "$1" && mkdir "$1/write-ahead" || exit 77
mount -t tmpfs -o size=200m,mode=755 tmpfs "$1/write-ahead" || exit 77
export TMPDIR="$1" KABINET_TESTS_DISK="$1"; user=$3; shift 3
[ -z "$user" ] || exec unshare --user --map-user="${user%:*}" --map-group="${user#*:}" setpriv --pdeathsig KILL -- "$@"
exec setpriv --pdeathsig KILL -- "$@""#;

fn run_full(test: &str, kind: Kind, full: Full) {
    match std::env::var_os(DISK) {
        Some(disk) => live_through_it(kind, Path::new(&disk), full),
        None => on_a_disk_of_its_own(&format!("disk::{test}")),
    }
}

/// Runs the test once more in a process that has a small disk for all its files.
fn on_a_disk_of_its_own(test: &str) {
    let disk = new_folder("disk");
    let tried = with_disk(&disk, "true".as_ref()).output();
    assert!(
        tried.as_ref().is_ok_and(|output| output.status.success()),
        "no disk can be mounted here: run `make stress-disk` as root, in a container with CAP_SYS_ADMIN, or where users \
         may make namespaces (sysctl kernel.unprivileged_userns_clone=1, or on Ubuntu \
         kernel.apparmor_restrict_unprivileged_userns=0): {tried:?}"
    );
    let mut again = with_disk(&disk, &std::env::current_exe().expect("this program"));
    again.args([test, "--exact", "--include-ignored", "--nocapture"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = start(again).wait_with_output().expect("its end");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{errors}");
    eprint!("{errors}");
}

/// A command for `program` with a small disk at `disk`, where its temporary files go.
fn with_disk(disk: &Path, program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    let user = if is_root() { String::new() } else { whoami() };
    if !user.is_empty() {
        command.arg("--map-root-user");
    }
    command.args(["sh", "-c", MOUNT, "sh"]).arg(disk).args([SIZE, &user]).arg(program);
    command
}

/// The numbers of this user and group, with a colon between.
fn whoami() -> String {
    let number = |flag: &str| run(Command::new("id").arg(flag)).trim().to_owned();
    format!("{}:{}", number("-u"), number("-g"))
}

/// What takes all room of a disk, until it is dropped.
struct Ballast(PathBuf);

impl Ballast {
    fn on(disk: &Path) -> Self {
        let ballast = Self(disk.join("ballast"));
        ballast.top_up();
        ballast
    }

    /// Takes what room there is again.
    fn top_up(&self) {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.0).expect("the ballast");
        let block = vec![0_u8; 1 << 20];
        for size in [block.len(), 4096, 1] {
            while file.write(&block[..size]).is_ok_and(|written| written > 0) {}
        }
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).expect("the ballast goes");
    }
}

fn live_through_it(kind: Kind, disk: &Path, full: Full) {
    let cluster = (kind == Kind::PostgreSql).then(Cluster::start);
    if let Some(cluster) = &cluster {
        // What is kept of its log, a few hundred megabytes, would be room that it has left on a full disk.
        for setting in ["max_wal_size = '64MB'", "min_wal_size = '32MB'"] {
            cluster.execute("postgres", &format!("ALTER SYSTEM SET {setting}"));
        }
        cluster.execute("postgres", "SELECT pg_reload_conf()");
    }
    let database = cluster.as_ref().map_or_else(|| Database::new(kind), Database::on);
    if full != Full::WithLog {
        let elsewhere = disk.with_extension("log");
        std::os::unix::fs::symlink(&elsewhere, database.dir.with_extension("log")).expect("a link");
    }
    let clock = Shift::new();
    let mut server = Server::unfilled(database, NOW, &clock.environment());
    let process = server.process_id();
    let mut clients = clients::all(&server);
    let mut uploads = Uploads::of_a_newcomer(&server);
    let mut restarts = 0;
    for _ in 0..ROUNDS {
        until_each_is_acknowledged(&mut clients, || server.log());
        uploads.send();
        restarts += match (&cluster, full) {
            (Some(cluster), Full::WriteAheadLog) => no_room_for_the_log(cluster, disk, &mut clients, &mut uploads),
            _ => {
                let ballast = Ballast::on(disk);
                work_on_a_full_disk(&mut clients, &ballast, &mut uploads);
                drop(ballast);
                u32::from(database_is_back(&server, cluster.as_ref()))
            }
        };
        until_each_is_acknowledged(&mut clients, || server.log());
        uploads.send();
    }
    assert!(!server.has_ended() && server.process_id() == process, "the server did not live through it");
    assert!(clients.iter().all(|client| !client.unanswered), "an answer never came");
    // Jobs whose end could not be stored are taken up when their leases end, a minute later.
    clock.set(120);
    settle(&server, &mut clients);
    let done = verify(&server, &clients);
    let kept = uploads.verify();
    let refused: Vec<String> = clients.iter().map(|client| format!("{:?} {:?}", client.what, client.refused)).collect();
    eprintln!(
        "{kind}: {ROUNDS} times full; {done}; refused: {}; {kept}; PostgreSQL ended {restarts} times",
        refused.join(", ")
    );
}

/// Refusals for a trouble of the server's own.
fn refusals(clients: &[Client]) -> u32 {
    clients.iter().flat_map(|client| &client.refused).filter(|(status, _)| **status >= 500).map(|(_, of)| of).sum()
}

/// Work goes on, in spells, until the full disk was noticed; what others let go of is taken.
fn work_on_a_full_disk(clients: &mut [Client], ballast: &Ballast, uploads: &mut Uploads) {
    let before = refusals(clients);
    for spell in 0..60 {
        while_they_work(clients, || {
            for _ in 0..10 {
                ballast.top_up();
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        uploads.send();
        if spell > 4 && refusals(clients) - before > 20 {
            return;
        }
    }
    panic!("a full disk refused {} wishes only", refusals(clients) - before);
}

/// Waits for the database. PostgreSQL that finds no room for its log ends; where it could not start again by itself
/// on the full disk, it is started as a machine's service manager would. Whether it was.
fn database_is_back(server: &Server, cluster: Option<&Cluster>) -> bool {
    let mut started = false;
    for look in 0..1200 {
        if server.is_ready() {
            return started;
        }
        if let Some(cluster) = cluster.filter(|_| look == 100) {
            cluster.resume();
            started = true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not ready again: {}", server.log());
}

/// Work goes on until PostgreSQL has ended itself for want of room for its log and more was refused; then there is room,
/// and it is started as a machine's service manager would. How often it had ended.
fn no_room_for_the_log(cluster: &Cluster, disk: &Path, clients: &mut [Client], uploads: &mut Uploads) -> u32 {
    let disk = disk.join(LOG_DISK);
    let data = PathBuf::from(cluster.execute("postgres", "SHOW data_directory").trim());
    let bin = PathBuf::from(cluster.execute("postgres", "SELECT setting FROM pg_config WHERE name = 'BINDIR'").trim());
    let port = cluster.execute("postgres", "SHOW port").trim().to_owned();
    // What was used up would be used again, for ever, and no new segment wanted.
    cluster.execute("postgres", "ALTER SYSTEM SET wal_recycle = off");
    cluster.execute("postgres", "CHECKPOINT");
    cluster.stop();
    move_log(&data.join("pg_wal"), &disk.join("pg_wal"));
    cluster.resume();
    until_each_is_acknowledged(clients, || "after PostgreSQL was away".to_owned());
    let (before, ballast) = (refusals(clients), Ballast::on(&disk));
    let panics = || {
        let said = std::fs::read_to_string(data.with_extension("log")).expect("PostgreSQL's log");
        u32::try_from(said.lines().filter(|line| line.contains("PANIC: ")).count()).expect("a few")
    };
    for _ in 0..120 {
        while_they_work(clients, || {
            for _ in 0..10 {
                ballast.top_up();
                // A segment takes longer to fill than a test may last: the rest of it is passed over.
                let mut psql = Command::new(bin.join("psql"));
                psql.args(["-h", "127.0.0.1", "-U", "postgres", "-X", "-p", &port, "-c", "SELECT pg_switch_wal()"]);
                let _ = psql.output().expect("psql");
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        uploads.send();
        if panics() > 0 && refusals(clients) - before > 20 {
            let times = panics();
            drop(ballast);
            cluster.stop();
            cluster.resume();
            return times;
        }
    }
    panic!("PostgreSQL ended {} times, {} wishes refused", panics(), refusals(clients) - before);
}

/// Moves the write-ahead log of a stopped cluster.
fn move_log(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-a").args([from, to]));
    std::fs::remove_dir_all(from).expect("the log goes");
    std::os::unix::fs::symlink(to, from).expect("a link");
}

/// A resident who files requests with a file, and what was acknowledged.
struct Uploads {
    person: Person,
    journal: Vec<(String, bool)>,
}

impl Uploads {
    fn of_a_newcomer(server: &Server) -> Self {
        let account = server.resident(COMPANY).active_account().parse().expect("an id");
        let person = world::newcomer(server, COMPANY);
        world::grant_link(server, COMPANY, person.id, account);
        Self { person, journal: Vec::new() }
    }

    /// What is sent with a request: a PDF by its beginning.
    fn bytes(subject: &str) -> Vec<u8> {
        [b"%PDF-1.7\r\n", subject.as_bytes(), &[7; 600_000]].concat()
    }

    /// Files a request as a person does, on the page. Both answers may be a page that says what is wrong.
    fn send(&mut self) {
        let (subject, browser) = (format!("С файлом {}", self.journal.len() + 1), &mut self.person.browser);
        let address = "/requests/new?kind=appeal";
        let answer = browser.get(address);
        assert!([200, 503].contains(&answer.status), "{} {}", answer.status, answer.text());
        let filed = answer.status == 200 && {
            let form = answer.page().form(address).with("subject", &subject).with("text", "Подробности");
            let answer = browser.submit_with_files(&form, &[("акт.pdf", &Self::bytes(&subject))]);
            assert!(
                [303, 429, 503].contains(&answer.status),
                "{} {:?} {}",
                answer.status,
                answer.location(),
                answer.text()
            );
            assert!(answer.status == 303 || !answer.page().one("h1").text().is_empty());
            answer.status == 303
        };
        self.journal.push((subject, filed));
    }

    /// Every request that was acknowledged is there once, and every file of one that is there is whole.
    fn verify(&mut self) -> String {
        let browser = &mut self.person.browser;
        let page = browser.page("/requests");
        let rows: Vec<(String, String)> = page
            .all("ul.rows a")
            .iter()
            .map(|link| (link.text(), link.attribute("href").unwrap_or_default().to_owned()))
            .collect();
        let (mut acknowledged, mut whole) = (0, 0);
        for (subject, filed) in &self.journal {
            let found: Vec<&str> =
                rows.iter().filter(|(text, _)| text == subject).map(|(_, href)| href.as_str()).collect();
            assert!(found.len() <= 1 && (found.len() == 1 || !filed), "{subject}, acknowledged {filed}: {found:?}");
            acknowledged += u32::from(*filed);
            for href in found {
                let page = browser.page(href);
                let link = page.one("ul.files a").attribute("href").expect("a file").to_owned();
                assert!(browser.get(&link).expect(200).body == Self::bytes(subject), "{subject}: another file");
                whole += 1;
            }
        }
        assert!(acknowledged >= 2 * ROUNDS, "hardly any file was taken: {:?}", self.journal);
        format!("{} requests with files, {acknowledged} acknowledged, {whole} whole", self.journal.len())
    }
}

/// SQLite ends a transaction by itself when it has no room; the connection must not go on as if it were still in it.
#[test]
fn a_transaction_that_found_no_room_takes_no_later_one_with_it() {
    block_on(async {
        let database = Database::new(Kind::Sqlite);
        run(command(&database, NOW).args(["tenant", "apply", "tenants/beregovoy"]));
        let db = database.open().await;
        let company = database.company(&db, COMPANY).await;
        let pages = async |most: &str| {
            let pragma = format!("PRAGMA max_page_count = {most}");
            db.platform().execute_unprepared(&pragma).await.expect("a pragma");
        };
        let note = async |key: &str, kept: bool| {
            let mut tx = db.begin(&company, Actor::System).await?;
            tx.set_settings(key, &serde_json::json!({ "text": "x".repeat(9_000_000) })).await?;
            if kept { tx.commit().await } else { Ok(()) }
        };
        // The smallest that SQLite takes is the size that the file has.
        pages("1").await;
        note("refused", true).await.expect_err("no room");
        pages("1000000").await;
        note("dropped", false).await.expect("room");
        note("kept", true).await.expect("acknowledged");
        let tx = db.read(&company, Actor::System).await.expect("a transaction");
        #[derive(sea_orm::FromQueryResult)]
        struct Row {
            module: String,
        }
        let sql = "SELECT module FROM setting WHERE tenant_id = $1 AND module IN ('refused', 'dropped', 'kept')";
        let rows: Vec<Row> = tx.rows(sql, Vec::new()).await.expect("rows");
        let found: Vec<String> = rows.into_iter().map(|row| row.module).collect();
        assert_eq!(found, ["kept"], "what was acknowledged is not there for others");
    });
}

/// A full disk takes the beginning of a line only; the lines after it are whole again.
#[test]
fn a_head_that_was_written_in_part_spoils_no_other() {
    let folder = new_folder("heads");
    let anchors = Anchors::new(folder.join("heads"), folder.join("memory"));
    let head = |seq: i64| Head { seq, hash: [7; 32] };
    anchors.keep("company", head(1), Timestamp(1)).expect("a line");
    let mut file = OpenOptions::new().append(true).open(anchors.file("company")).expect("the heads");
    file.write_all(b"2 0707").expect("the beginning of a line");
    anchors.keep("company", head(3), Timestamp(3)).expect("a line");
    let read: Vec<Head> = anchors.read("company").expect("heads").anchors.iter().map(|anchor| anchor.head).collect();
    assert_eq!(read, [head(1), head(3)]);
}
