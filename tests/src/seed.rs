//! Demo data that are made once for all test processes: servers begin with a copy of them, which their start brings up
//! to their day.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chrono::NaiveDate;

use crate::database::{Database, Kind};
use crate::house::root;
use crate::mutants::VARIABLE;
use crate::postgres::{Cluster, PostgresDatabase};
use crate::server::{NOW, Server, binary};

/// The days whose demos are kept: a first start makes fourteen months, which takes longer than most tests.
const DAYS: [&str; 2] = ["2026-11-01", NOW];

/// How many days after a kept one a start only adds what is new, and what lay there has not grown old.
const NEAR: i64 = 35;

/// The day whose demo a server begins with that is first started at `now`; none where no kept one is near.
pub(crate) fn day_before(now: &str) -> Option<&'static str> {
    let now = day(now);
    DAYS.into_iter().rev().find(|kept| (0..NEAR).contains(&(now - day(kept)).num_days()))
}

fn day(moment: &str) -> NaiveDate {
    moment.get(..10).and_then(|day| day.parse().ok()).unwrap_or_else(|| panic!("{moment} begins with no day"))
}

/// Fills an empty database with the demo as a first start on `day`, one of [`DAYS`], leaves it.
pub(crate) fn fill(database: &Database, day: &'static str) {
    let seed = seed(database.kind, day);
    copy(&seed.dir, &database.dir);
    if let (Some(from), Some(to)) = (&seed.postgres, &database.postgres) {
        Cluster::shared().copy(from, to);
    }
}

/// Whether [`fill`] is for this database: nobody has used it, and it is where the copies can be made.
pub(crate) fn fits(database: &Database) -> bool {
    let unused = std::fs::read_dir(&database.dir).expect("a folder").next().is_none();
    unused && database.postgres.as_ref().is_none_or(|postgres| Cluster::shared().is_home_of(postgres))
}

/// The database that is copied: made by the first test process that needs it and kept beside the program under test,
/// for all processes until the program, the mutant that is on in it, its plugins or the demo's companies change.
fn seed(kind: Kind, day: &'static str) -> Arc<Database> {
    type Made = HashMap<(Kind, &'static str), Arc<Database>>;
    static SEEDS: LazyLock<Mutex<Made>> = LazyLock::new(Mutex::default);
    let mut seeds = SEEDS.lock().unwrap_or_else(PoisonError::into_inner);
    let seed = seeds.entry((kind, day)).or_insert_with(|| {
        let database = Database::named(kind, &format!("seed_{}", day.replace('-', "")));
        Kept::of(kind, day).fill(&database);
        Arc::new(database)
    });
    Arc::clone(seed)
}

/// A seed that stays on the disk.
struct Kept {
    day: &'static str,
    folder: PathBuf,
}

impl Kept {
    fn of(kind: Kind, day: &'static str) -> Self {
        Self { day, folder: binary().with_file_name(format!("demo-of-tests-{kind}-{day}")) }
    }

    /// Fills the database, making the seed first where it is not kept or of other sources. One process at a time.
    fn fill(&self, database: &Database) {
        std::fs::create_dir_all(&self.folder).expect("a folder");
        let turn = std::fs::File::create(self.folder.join("lock")).expect("a lock");
        turn.lock().expect("its turn");
        let (sources, known) = (sources(), self.folder.join("sources"));
        if std::fs::read_to_string(&known).is_ok_and(|kept| kept == sources) {
            copy(&self.folder.join("data"), &database.dir);
            self.database_file(database, Cluster::restore);
            return;
        }
        let _ = std::fs::remove_file(&known);
        let _ = std::fs::remove_dir_all(self.folder.join("data"));
        Server::unfilled(database.clone(), self.day, &[]).kill();
        copy(&database.dir, &self.folder.join("data"));
        self.database_file(database, Cluster::dump);
        std::fs::write(known, sources).expect("the sources' names");
    }

    /// What the data folder does not hold: the database on PostgreSQL.
    fn database_file(&self, database: &Database, moved: impl Fn(&Cluster, &PostgresDatabase, &Path)) {
        if let Some(postgres) = &database.postgres {
            moved(Cluster::shared(), postgres, &self.folder.join("database"));
        }
    }
}

/// All that demo data are made by, with sizes and times; one program holds all mutants, of migrations as well.
fn sources() -> String {
    let (program, tenants) = (binary(), root().join("tenants"));
    let mut files = vec![program.clone()];
    for folder in [program.with_file_name("plugins"), tenants] {
        add_files(&folder, &mut files);
    }
    files.sort();
    let line = |path: &PathBuf| {
        let known = std::fs::metadata(path).expect("a file");
        format!("{} {} {:?}\n", path.display(), known.len(), known.modified().expect("its time"))
    };
    let mutant = std::env::var(VARIABLE).unwrap_or_default();
    format!("{mutant}\n{}", files.iter().map(line).collect::<String>())
}

fn add_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().expect("its type").is_dir() {
            true => add_files(&entry.path(), files),
            false => files.push(entry.path()),
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().expect("its type").is_dir() {
            true => copy(&path, &target),
            false => drop(std::fs::copy(&path, &target).expect("a copy")),
        }
    }
}
