//! The logged-in resident: who it is, the phone, the sessions.

use kabinet_contracts::ResidentId;
use kabinet_web::session::{OpenSession, Sessions, Subject};
use kabinet_web::{ApiResult, Problem, Resident};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use crate::{device, people, phone, profile};

pub(crate) struct MeApi;

/// The logged-in resident.
#[derive(Object)]
struct Me {
    /// E-mail, the login.
    email: String,
    /// Phone as `+7XXXXXXXXXX`; empty where none is known.
    phone: String,
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

/// What a resident may change here; the e-mail and the password have pages of their own.
#[derive(Object)]
struct MyChange {
    /// Phone, spelt as people do.
    phone: String,
}

/// The resident's sessions.
#[derive(Object)]
struct MySessions {
    /// The last seen first.
    items: Vec<MySession>,
}

/// A session.
#[derive(Object)]
struct MySession {
    /// What to end it by.
    id: String,
    /// Browser and system in words.
    device: String,
    /// Where it was begun from.
    address: String,
    /// When it was begun, in milliseconds since 1970 UTC.
    created_at: i64,
    /// When it was last seen, to the hour.
    seen_at: i64,
    /// Whether it is this one.
    current: bool,
}

#[derive(ApiResponse)]
enum Ended {
    /// The session is over.
    #[oai(status = 204)]
    Done,
}

#[OpenApi]
impl MeApi {
    /// The logged-in resident with the linked accounts.
    #[oai(path = "/me", method = "get", operation_id = "getMe")]
    async fn me(&self, resident: Resident) -> ApiResult<Me> {
        me(&resident).await
    }

    /// Changes the phone.
    #[oai(path = "/me", method = "patch", operation_id = "changeMe")]
    async fn change(&self, resident: Resident, change: Json<MyChange>) -> ApiResult<Me> {
        let phone = phone::normalised(&change.phone)
            .map_err(|text| Problem::refused_fields("residents.wrong_phone", [("phone", text)]))?;
        let tx = resident.begin().await?;
        profile::set_phone(&tx, ResidentId(resident.id()), &phone).await?;
        tx.commit().await?;
        me(&resident).await
    }

    /// The resident's sessions that are not over.
    #[oai(path = "/me/sessions", method = "get", operation_id = "listMySessions")]
    async fn sessions(&self, resident: Resident) -> ApiResult<MySessions> {
        let tx = resident.read().await?;
        let open = Sessions::list(&tx, Subject::Resident, resident.id(), resident.session_value()).await?;
        tx.commit().await?;
        Ok(Json(MySessions { items: open.into_iter().map(session).collect() }))
    }

    /// Ends one of the resident's sessions.
    #[oai(path = "/me/sessions/:id", method = "delete", operation_id = "endMySession")]
    async fn end(&self, resident: Resident, id: Path<String>) -> Result<Ended, Problem> {
        let mut tx = resident.begin().await?;
        if !Sessions::end_named(&mut tx, Subject::Resident, resident.id(), &id).await? {
            return Err(Problem::not_found());
        }
        tx.audit("resident.session_ended", resident.id(), serde_json::json!({})).await?;
        tx.commit().await?;
        Ok(Ended::Done)
    }
}

async fn me(resident: &Resident) -> ApiResult<Me> {
    let tx = resident.read().await?;
    let visitor = people::resident(&tx, ResidentId(resident.id())).await?.ok_or_else(Problem::not_found)?;
    tx.commit().await?;
    let active = resident.active().map(|account| account.id);
    let accounts = resident.accounts().iter().map(|account| MyAccount {
        id: account.id.to_string(),
        number: account.number.clone(),
        address: account.address.clone(),
        active: active == Some(account.id),
    });
    Ok(Json(Me { email: visitor.email, phone: visitor.phone, accounts: accounts.collect() }))
}

fn session(session: OpenSession) -> MySession {
    MySession {
        id: session.id,
        device: device::in_words(&session.agent),
        address: session.address,
        created_at: session.created_at.0,
        seen_at: session.seen_at.0,
        current: session.current,
    }
}
