//! Demo data that are made once a process: the servers of the usual day begin with a copy of them.

use std::path::Path;
use std::sync::OnceLock;

use crate::database::{Database, Kind};
use crate::postgres::Cluster;
use crate::server::{NOW, Server};

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

fn seed(kind: Kind) -> &'static Database {
    static SQLITE: OnceLock<Database> = OnceLock::new();
    static POSTGRESQL: OnceLock<Database> = OnceLock::new();
    let seed = match kind {
        Kind::Sqlite => &SQLITE,
        Kind::PostgreSql => &POSTGRESQL,
    };
    seed.get_or_init(|| {
        let mut server = Server::unfilled(Database::new(kind), NOW, &[]);
        server.kill();
        server.database.clone()
    })
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
