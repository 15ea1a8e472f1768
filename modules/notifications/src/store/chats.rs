//! Chats: codes that link one, linked ones, and what came in from them.

use kabinet_contracts::ResidentId;
use kabinet_core::{DbError, Timestamp, Tx};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, Set};

use crate::channel::Channel;
use crate::entity::{chat, chat_code, chat_update};

/// Stores a code in place of the resident's former ones for this channel.
pub(crate) async fn save_code(
    tx: &Tx,
    hash: Vec<u8>,
    channel: Channel,
    resident: ResidentId,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    let former = chat_code::Column::ResidentId.eq(resident).and(chat_code::Column::Channel.eq(channel.code()));
    tx.delete_where(chat_code::Entity::delete_many().filter(former)).await?;
    tx.insert(chat_code::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        code_hash: Set(hash),
        channel: Set(channel.code().to_owned()),
        resident_id: Set(resident),
        expires_at: Set(expires_at),
    })
    .await
}

/// Uses a code up: whose it was, unless it is over.
pub(crate) async fn take_code(tx: &Tx, hash: Vec<u8>, channel: Channel) -> Result<Option<ResidentId>, DbError> {
    let named = chat_code::Column::CodeHash.eq(hash).and(chat_code::Column::Channel.eq(channel.code()));
    let Some(row) = tx.one(chat_code::Entity::find().filter(named.clone())).await? else { return Ok(None) };
    let taken = tx.delete_where(chat_code::Entity::delete_many().filter(named)).await? > 0;
    Ok((taken && row.expires_at > tx.now()).then_some(row.resident_id))
}

/// Links a chat to a resident: it is nobody else's then, and the resident's only one in this messenger.
pub(crate) async fn link(tx: &Tx, channel: Channel, resident: ResidentId, name: &str) -> Result<(), DbError> {
    use chat::Column;
    let former = Column::Channel.eq(channel.code()).and(Column::ResidentId.eq(resident).or(Column::Chat.eq(name)));
    tx.delete_where(chat::Entity::delete_many().filter(former)).await?;
    tx.insert(chat::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        channel: Set(channel.code().to_owned()),
        resident_id: Set(resident),
        chat: Set(name.to_owned()),
        linked_at: Set(tx.now()),
    })
    .await
}

pub(crate) async fn unlink(tx: &Tx, channel: Channel, resident: ResidentId) -> Result<bool, DbError> {
    let mine = chat::Column::Channel.eq(channel.code()).and(chat::Column::ResidentId.eq(resident));
    Ok(tx.delete_where(chat::Entity::delete_many().filter(mine)).await? > 0)
}

/// Unlinks a chat whose owner stopped the bot.
pub(crate) async fn unlink_chat(tx: &Tx, channel: Channel, name: &str) -> Result<bool, DbError> {
    let mine = chat::Column::Channel.eq(channel.code()).and(chat::Column::Chat.eq(name));
    Ok(tx.delete_where(chat::Entity::delete_many().filter(mine)).await? > 0)
}

pub(crate) async fn owner(tx: &Tx, channel: Channel, name: &str) -> Result<Option<ResidentId>, DbError> {
    let mine = chat::Column::Channel.eq(channel.code()).and(chat::Column::Chat.eq(name));
    Ok(tx.one(chat::Entity::find().filter(mine)).await?.map(|row| row.resident_id))
}

/// The resident's chats.
pub(crate) async fn of(tx: &Tx, resident: ResidentId) -> Result<Vec<chat::Model>, DbError> {
    let mine = chat::Entity::find().filter(chat::Column::ResidentId.eq(resident));
    tx.all(mine.order_by_asc(chat::Column::Channel)).await
}

pub(crate) async fn forget(tx: &Tx, resident: ResidentId) -> Result<(), DbError> {
    tx.delete_where(chat::Entity::delete_many().filter(chat::Column::ResidentId.eq(resident))).await?;
    let codes = chat_code::Column::ResidentId.eq(resident);
    tx.delete_where(chat_code::Entity::delete_many().filter(codes)).await.map(drop)
}

/// Notes an update of a messenger; false when it came before.
pub(crate) async fn note_update(tx: &Tx, channel: Channel, number: &str) -> Result<bool, DbError> {
    tx.insert_if_absent(chat_update::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        channel: Set(channel.code().to_owned()),
        number: Set(number.to_owned()),
        at: Set(tx.now()),
    })
    .await
}

/// Removes codes that are over, and updates that no messenger sends again.
pub(crate) async fn sweep(tx: &Tx) -> Result<(), DbError> {
    const REPEATED_FOR: i64 = 7 * 24 * 3600;
    let old = chat_update::Column::At.lt(tx.now().plus_seconds(-REPEATED_FOR));
    tx.delete_where(chat_update::Entity::delete_many().filter(old)).await?;
    let over = chat_code::Column::ExpiresAt.lte(tx.now());
    tx.delete_where(chat_code::Entity::delete_many().filter(over)).await.map(drop)
}
