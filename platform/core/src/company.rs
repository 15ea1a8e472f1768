//! Writing what a company is: its row, its hosts and its brand files, inside its own transaction.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

use crate::db::Tx;
use crate::entity::{brand_asset, tenant, tenant_host};
use crate::error::DbError;
use crate::tenancy::{self, Tenants};

impl Tx {
    /// Stores the transaction's company as it stands: name, status, zone, profile, package. A new
    /// company's other rows come after this.
    pub async fn save_company(&mut self) -> Result<(), DbError> {
        let company = self.tenant().clone();
        let row = tenant::ActiveModel {
            id: Set(company.id),
            slug: Set(company.slug.clone()),
            name: Set(company.name.clone()),
            status: Set(company.status.clone()),
            time_zone: Set(company.zone.name().to_owned()),
            profile: Set(serde_json::to_string(&company.profile)?),
            package_hash: Set(company.package_hash.clone()),
            created_at: Set(self.now()),
            updated_at: Set(self.now()),
        };
        use tenant::Column;
        let kept =
            [Column::Name, Column::Status, Column::TimeZone, Column::Profile, Column::PackageHash, Column::UpdatedAt];
        let change = OnConflict::column(Column::Id).update_columns(kept).to_owned();
        tenant::Entity::insert(row).on_conflict(change).exec_without_returning(self.platform()).await?;
        self.audit("company.saved", &company.slug, serde_json::json!({ "package": company.package_hash })).await?;
        self.touch(tenancy::TOPIC).await
    }

    /// Makes `hosts` the company's only ones, the first canonical. [`DbError::Duplicate`] when one of
    /// them is another company's.
    pub async fn set_hosts(&mut self, hosts: &[String]) -> Result<(), DbError> {
        let mine = tenant_host::Column::TenantId.eq(self.tenant_id());
        tenant_host::Entity::delete_many().filter(mine).exec(self.platform()).await?;
        let rows = hosts.iter().enumerate().map(|(position, host)| tenant_host::ActiveModel {
            host: Set(host.clone()),
            tenant_id: Set(self.tenant_id()),
            canonical: Set(position == 0),
        });
        tenant_host::Entity::insert_many(rows.collect::<Vec<_>>()).exec_without_returning(self.platform()).await?;
        self.audit("company.hosts", &self.tenant().slug, serde_json::json!(hosts)).await?;
        self.touch(tenancy::TOPIC).await
    }

    /// Stores the brand file `name`; `hash` stands in its address, so that browsers may keep it.
    pub async fn set_brand_file(
        &mut self,
        name: &str,
        kind: &str,
        hash: &str,
        content: Vec<u8>,
    ) -> Result<(), DbError> {
        self.remove_brand_file(name).await?;
        self.insert(brand_asset::ActiveModel {
            tenant_id: Set(self.tenant_id()),
            name: Set(name.to_owned()),
            content_type: Set(kind.to_owned()),
            hash: Set(hash.to_owned()),
            content: Set(content),
        })
        .await
    }

    /// The brand file `name`: its content type and its bytes.
    pub async fn brand_file(&self, name: &str) -> Result<Option<(String, Vec<u8>)>, DbError> {
        let named = brand_asset::Entity::find().filter(brand_asset::Column::Name.eq(name));
        Ok(self.one(named).await?.map(|file| (file.content_type, file.content)))
    }

    /// Forgets the brand file `name`.
    pub async fn remove_brand_file(&mut self, name: &str) -> Result<(), DbError> {
        let named = brand_asset::Column::Name.eq(name);
        self.delete_where(brand_asset::Entity::delete_many().filter(named)).await?;
        self.touch(tenancy::TOPIC).await
    }
}

impl Tenants {
    /// The company's hosts, the canonical one first, the others by name.
    pub async fn hosts(&self, id: tenancy::TenantId) -> Result<Vec<String>, DbError> {
        let mine = tenant_host::Column::TenantId.eq(id);
        let mut rows = tenant_host::Entity::find().filter(mine).all(self.db().platform()).await?;
        rows.sort_by(|a, b| b.canonical.cmp(&a.canonical).then_with(|| a.host.cmp(&b.host)));
        Ok(rows.into_iter().map(|row| row.host).collect())
    }
}
