//! Who is logged in.

use kabinet_web::{ApiResult, Resident};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

pub(crate) struct SessionApi;

/// The logged-in resident.
#[derive(Object)]
struct Me {
    /// E-mail, the login.
    email: String,
    /// Accounts linked now.
    accounts: Vec<MyAccount>,
}

/// A linked account.
#[derive(Object)]
struct MyAccount {
    /// Identifier.
    id: String,
    /// Number as printed on receipts.
    number: String,
    /// Address in one line.
    address: String,
    /// Whether the pages show this one.
    active: bool,
}

#[OpenApi]
impl SessionApi {
    /// The logged-in resident with the linked accounts.
    #[oai(path = "/me", method = "get", operation_id = "getMe")]
    async fn me(&self, resident: Resident) -> ApiResult<Me> {
        let active = resident.active().map(|account| account.id);
        let accounts = resident.accounts().iter().map(|account| MyAccount {
            id: account.id.to_string(),
            number: account.number.clone(),
            address: account.address.clone(),
            active: active == Some(account.id),
        });
        Ok(Json(Me { email: resident.email().to_owned(), accounts: accounts.collect() }))
    }
}
