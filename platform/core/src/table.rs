//! Tables as one line each: the entity with its key and columns.

/// The entity of a table as a module: its key, then its other columns. Types are those in scope where it
/// stands. Only for the platform's own tables, which no company owns; see [`tenant_table!`](crate::tenant_table).
#[macro_export]
macro_rules! table {
    ($module:ident, $table:literal, key { $($key:ident: $key_type:ty),* $(,)? }, { $($field:ident: $type:ty),* $(,)? }) => {
        #[allow(missing_docs, reason = "the columns are documented by their migration and the glossary")]
        pub mod $module {
            #[allow(unused_imports, reason = "not every table has columns of its neighbours' types")]
            use super::*;
            #[allow(unused_imports, reason = "the platform's own tables have no company")]
            use $crate::TenantId;
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                $(#[sea_orm(primary_key, auto_increment = false)]
                pub $key: $key_type,)*
                $(pub $field: $type,)*
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

/// The entity of a company's table as a module: `tenant_id` comes first in its key, and it is a
/// [`TenantEntity`](crate::db::TenantEntity), so that [`Tx`](crate::Tx) filters and stamps its rows.
///
/// ```ignore
/// tenant_table!(holder, "holder", key { id: Uuid }, { account_id: AccountId, surname: String });
/// ```
#[macro_export]
macro_rules! tenant_table {
    ($module:ident, $table:literal, key { $($key:ident: $key_type:ty),* $(,)? }, { $($field:ident: $type:ty),* $(,)? }) => {
        $crate::table!($module, $table, key { tenant_id: TenantId, $($key: $key_type),* }, { $($field: $type),* });

        impl $crate::db::TenantEntity for $module::Entity {
            const TENANT: Self::Column = $module::Column::TenantId;
        }
    };
}

pub(crate) use {table, tenant_table};
