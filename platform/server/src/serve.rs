//! The listeners: portals on one address, health and metrics on another.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use kabinet_core::{Db, limits};
use kabinet_files::Files;
use poem::http::StatusCode;
use poem::listener::{Listener, TcpListener};
use poem::web::Data;
use poem::{Endpoint, EndpointExt, Response, Route, Server, get, handler};

use crate::composition::App;

/// Serves until the process is told to stop; requests under way are finished first.
pub async fn serve(app: Arc<App>) -> anyhow::Result<()> {
    let portals = app.endpoint()?;
    let address = app.config.server.listen;
    let listener =
        TcpListener::bind(address).into_acceptor().await.with_context(|| format!("server.listen {address}"))?;
    let address = app.config.server.management;
    let health =
        TcpListener::bind(address).into_acceptor().await.with_context(|| format!("server.management {address}"))?;
    let runner = tokio::spawn(app.runner_apart().await?.run());
    let watcher = tokio::spawn(app.db.changes().clone().watch(app.db.platform_read().clone()));
    let sweeper = tokio::spawn(sweep(app.db.clone()));
    let sealer = tokio::spawn(app.sealer().run());
    let health = tokio::spawn(Server::new_with_acceptor(health).run(management(app.db.clone(), app.files.clone())));
    let stop = Duration::from_secs(10);
    Server::new_with_acceptor(listener).run_with_graceful_shutdown(portals, told_to_stop(), Some(stop)).await?;
    for task in [runner, watcher, sweeper, sealer] {
        task.abort();
    }
    health.abort();
    app.sealer().noted().await;
    Ok(())
}

/// Forgets old counters of attempts, every hour.
async fn sweep(db: Db) {
    let mut hour = tokio::time::interval(Duration::from_secs(3600));
    loop {
        hour.tick().await;
        if let Err(error) = limits::sweep(&db).await {
            tracing::warn!(%error, "counters of attempts cannot be swept");
        }
    }
}

async fn told_to_stop() {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    match terminate {
        Ok(mut terminate) => {
            tokio::select! { _ = tokio::signal::ctrl_c() => {}, _ = terminate.recv() => {} }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

fn management(db: Db, files: Files) -> impl Endpoint {
    let routes = Route::new().at("/healthz", get(alive)).at("/readyz", get(ready)).at("/metrics", get(metrics));
    routes.data(db).data(files)
}

#[handler]
fn alive() -> &'static str {
    "alive\n"
}

/// Ready when the database and the store of files answer; the tables were brought up to date before the listener
/// opened.
#[handler]
async fn ready(Data(db): Data<&Db>, Data(files): Data<&Files>) -> Response {
    let soon = Duration::from_secs(2);
    let missing = if !matches!(tokio::time::timeout(soon, db.ping()).await, Ok(Ok(()))) {
        "database unavailable\n"
    } else if !matches!(tokio::time::timeout(soon, files.ping()).await, Ok(Ok(()))) {
        "files unavailable\n"
    } else {
        return Response::builder().body("ready\n");
    };
    Response::builder().status(StatusCode::SERVICE_UNAVAILABLE).body(missing)
}

/// Counters in Prometheus' text format.
#[handler]
fn metrics(Data(db): Data<&Db>) -> String {
    format!(
        "# HELP kabinet_statements_total Statements sent through companies' transactions.\n\
         # TYPE kabinet_statements_total counter\n\
         kabinet_statements_total {}\n",
        db.statements()
    )
}
