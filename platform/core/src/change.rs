//! Change counters: how a cache learns that another process changed what it holds.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait, ExprTrait, Set};

use crate::entity::change_counter::{self, Column, Entity};
use crate::error::DbError;

type Listener = Box<dyn Fn() + Send + Sync>;

/// How many changes this process had heard of when something began to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round(pub(crate) u64);

/// Those who want to hear of changes, by topic.
#[derive(Clone, Default)]
pub struct Changes {
    listeners: Arc<Mutex<HashMap<&'static str, Vec<Listener>>>>,
    seen: Arc<Mutex<HashMap<String, i64>>>,
    pub(crate) rounds: Arc<AtomicU64>,
}

impl std::fmt::Debug for Changes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Changes")
    }
}

impl Changes {
    /// Calls `listener` whenever `topic` changes, here or in another process.
    pub fn subscribe(&self, topic: &'static str, listener: impl Fn() + Send + Sync + 'static) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.entry(topic).or_default().push(Box::new(listener));
    }

    /// The round that runs: asked for before something is read that is to be kept until it changes.
    #[must_use]
    pub fn round(&self) -> Round {
        Round(self.rounds.load(Ordering::Acquire))
    }

    /// Tells this process's listeners of a change that is stored: another round begins.
    pub fn notify(&self, topic: &str) {
        self.rounds.fetch_add(1, Ordering::AcqRel);
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        for listener in listeners.get(topic).into_iter().flatten() {
            listener();
        }
    }

    /// Raises the counter of `topic`, inside the transaction that makes the change.
    pub(crate) async fn bump(connection: &impl ConnectionTrait, topic: &str) -> Result<(), DbError> {
        let row = change_counter::ActiveModel { topic: Set(topic.to_owned()), value: Set(1) };
        let raise = OnConflict::column(Column::Topic)
            .value(Column::Value, Expr::col((Entity, Column::Value)).add(1))
            .to_owned();
        Entity::insert(row).on_conflict(raise).exec_without_returning(connection).await?;
        Ok(())
    }

    /// Looks at the counters once and tells the listeners of those that moved.
    pub async fn look(&self, connection: &DatabaseConnection) -> Result<(), DbError> {
        let rows = Entity::find().all(connection).await?;
        for row in rows {
            let before = {
                let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.insert(row.topic.clone(), row.value)
            };
            if before != Some(row.value) {
                self.notify(&row.topic);
            }
        }
        Ok(())
    }

    /// Looks at the counters twice a second, for as long as the server lives.
    pub async fn watch(self, connection: DatabaseConnection) {
        let mut beat = tokio::time::interval(Duration::from_millis(500));
        loop {
            beat.tick().await;
            if let Err(error) = self.look(&connection).await {
                tracing::warn!(%error, "change counters cannot be read");
            }
        }
    }
}
