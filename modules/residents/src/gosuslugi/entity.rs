//! Rows of the login through Gosuslugi.

macro_rules! entity {
    ($name:ident, $table:literal, { $($field:ident: $kind:ty),* $(,)? }, keys { $($key:ident: $key_kind:ty),* $(,)? }) => {
        pub mod $name {
            #[allow(unused_imports, reason = "each table needs some of them")]
            use kabinet_contracts::ResidentId;
            #[allow(unused_imports, reason = "each table needs some of them")]
            use kabinet_core::{TenantId, Timestamp};
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub tenant_id: TenantId,
                $(#[sea_orm(primary_key, auto_increment = false)]
                pub $key: $key_kind,)*
                $(pub $field: $kind,)*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

entity!(attempt, "gosuslugi_attempt", {
    browser_hash: Vec<u8>,
    purpose: String,
    resident_id: Option<ResidentId>,
    redirect_uri: String,
    expires_at: Timestamp,
}, keys { state_hash: Vec<u8> });

entity!(arrival, "gosuslugi_arrival", {
    oid: String,
    email: String,
    phone: String,
    expires_at: Timestamp,
}, keys { token_hash: Vec<u8> });

entity!(letter, "gosuslugi_letter", {
    oid: String,
    email: String,
    phone: String,
    expires_at: Timestamp,
}, keys { token_hash: Vec<u8> });

entity!(link, "gosuslugi_link", {
    resident_id: ResidentId,
    linked_at: Timestamp,
}, keys { oid: String });

entity!(session, "gosuslugi_session", {
    expires_at: Timestamp,
}, keys { token_hash: Vec<u8> });

kabinet_core::tenant_entities!(attempt, arrival, letter, link, session);
