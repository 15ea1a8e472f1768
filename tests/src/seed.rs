//! Demo data that are made once for all test processes: the servers of the usual day begin with a copy of them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::database::{Database, Kind};
use crate::house::root;
use crate::mutants::VARIABLE;
use crate::postgres::{Cluster, PostgresDatabase};
use crate::server::{NOW, Server, binary};

/// Fills an empty database with the demo as a first start on [`NOW`] leaves it.
pub(crate) fn fill(database: &Database) {
    let seed = seed(database.kind);
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
fn seed(kind: Kind) -> &'static Database {
    static SQLITE: OnceLock<Database> = OnceLock::new();
    static POSTGRESQL: OnceLock<Database> = OnceLock::new();
    let seed = match kind {
        Kind::Sqlite => &SQLITE,
        Kind::PostgreSql => &POSTGRESQL,
    };
    seed.get_or_init(|| {
        let database = Database::named(kind, "seed");
        Kept::of(kind).fill(&database);
        database
    })
}

/// A seed that stays on the disk.
struct Kept {
    folder: PathBuf,
}

impl Kept {
    fn of(kind: Kind) -> Self {
        Self { folder: binary().with_file_name(format!("demo-of-tests-{kind}")) }
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
        Server::unfilled(database.clone(), NOW, &[]).kill();
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
    format!("{NOW}\n{mutant}\n{}", files.iter().map(line).collect::<String>())
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
