//! Rows of residents and staff members.

#![allow(missing_docs, reason = "the columns are documented by their migration and the glossary")]

pub mod resident {
    use kabinet_contracts::{AccountId, ResidentId};
    use kabinet_core::{TenantId, Timestamp};
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "resident")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: TenantId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ResidentId,
        pub email: String,
        pub email_key: String,
        pub phone: String,
        pub password_hash: Option<String>,
        pub state: String,
        pub active_account: Option<AccountId>,
        pub created_at: Timestamp,
        pub last_login_at: Option<Timestamp>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod staff {
    use kabinet_core::{TenantId, Timestamp};
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "staff")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: TenantId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub email: String,
        pub email_key: String,
        pub name: String,
        pub password_hash: String,
        pub role: String,
        pub state: String,
        pub created_at: Timestamp,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

kabinet_core::tenant_entities!(resident, staff);
