//! `/settings`: e-mail, phone, password, sessions.

use kabinet_contracts::ResidentId;
use kabinet_core::{Day, Timestamp, Tx};
use kabinet_web::session::{Sessions, Subject};
use kabinet_web::{FieldError, Form, Guest, PageRoute, Problem, Resident};
use poem::web::{Data, Query};
use poem::{EndpointExt, Response, get, handler, post};
use serde::{Deserialize, Serialize};

use super::{NoFields, Token, password_errors, stale_link};
use crate::attempts::Attempts;
use crate::error::Error;
use crate::gosuslugi::{self, SettingsBlock};
use crate::means::Means;
use crate::profile::{self, PasswordChange};
use crate::{consent, device, email, phone, store};

const TITLE: &str = "Настройки";

pub(super) fn routes(means: &Means) -> Vec<PageRoute> {
    vec![
        PageRoute::new("/settings", get(show).post(save).data(means.clone())),
        PageRoute::new("/settings/email", get(ask_email).post(confirm_email)),
        PageRoute::new("/settings/email/cancel", post(cancel_email)),
        PageRoute::new("/settings/sessions", post(end_session)),
        PageRoute::new("/settings/sessions/others", post(end_others)),
    ]
}

/// One of the page's forms: the fields tell which.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SettingsForm {
    email: Option<String>,
    phone: Option<String>,
    current_password: Option<String>,
    password: String,
    password_repeat: String,
}

#[derive(Serialize)]
struct SettingsContext {
    profile: ProfileContext,
    form: FormContext,
    pending_email: Option<String>,
    sessions: Vec<SessionContext>,
    consent_on: Option<Day>,
    export: Option<ExportContext>,
    gosuslugi: Option<SettingsBlock>,
    errors: Vec<FieldError>,
}

#[derive(Serialize)]
struct ProfileContext {
    email: String,
    phone: Option<String>,
    has_password: bool,
}

/// What the fields hold: the profile, or what was refused; whether the form of the password is open.
#[derive(Serialize)]
struct FormContext {
    email: String,
    phone: String,
    password: bool,
}

#[derive(Serialize)]
struct SessionContext {
    id: String,
    device: String,
    address: String,
    seen_on: Day,
    current: bool,
}

#[derive(Serialize)]
struct ExportContext {
    ready: bool,
    until: Day,
}

#[handler]
async fn show(resident: Resident, Data(means): Data<&Means>) -> Result<Response, Problem> {
    let context = context(&resident, means, &SettingsForm::default(), Vec::new()).await?;
    resident.page(TITLE, "residents/settings.html", &context)
}

async fn context(
    resident: &Resident,
    means: &Means,
    typed: &SettingsForm,
    errors: Vec<FieldError>,
) -> Result<SettingsContext, Problem> {
    let id = ResidentId(resident.id());
    let tx = resident.read().await?;
    let row = store::resident(&tx, id).await?.ok_or_else(Problem::not_found)?;
    let day = |moment: Timestamp| moment.day(tx.tenant().zone);
    let shown = phone::shown(&row.phone);
    let export = store::latest_export(&tx, id).await?;
    let context = SettingsContext {
        form: FormContext {
            email: typed.email.clone().unwrap_or_else(|| row.email.clone()),
            phone: typed.phone.clone().unwrap_or_else(|| shown.clone()),
            password: typed.current_password.is_some(),
        },
        profile: ProfileContext {
            email: row.email,
            phone: Some(shown).filter(|phone| !phone.is_empty()),
            has_password: row.password_hash.is_some(),
        },
        pending_email: profile::pending_email(&tx, id).await?,
        sessions: sessions(&tx, resident).await?,
        consent_on: consent::in_force(&tx, id).await?.map(day),
        export: export.map(|export| ExportContext { ready: export.ready, until: day(export.expires_at) }),
        gosuslugi: gosuslugi::settings_block(means.gosuslugi.as_ref(), &tx, id).await?,
        errors,
    };
    tx.commit().await?;
    Ok(context)
}

async fn sessions(tx: &Tx, resident: &Resident) -> Result<Vec<SessionContext>, Problem> {
    let open = Sessions::list(tx, Subject::Resident, resident.id(), resident.session_value()).await?;
    let shown = |session: kabinet_web::session::OpenSession| SessionContext {
        id: session.id,
        device: device::in_words(&session.agent),
        address: session.address,
        seen_on: session.seen_at.day(tx.tenant().zone),
        current: session.current,
    };
    Ok(open.into_iter().map(shown).collect())
}

async fn refuse(
    resident: &Resident,
    means: &Means,
    typed: &SettingsForm,
    errors: Vec<FieldError>,
) -> Result<Response, Problem> {
    let context = context(resident, means, typed, errors).await?;
    resident.refused(TITLE, "residents/settings.html", &context)
}

#[handler]
async fn save(
    resident: Resident,
    Form(form): Form<SettingsForm>,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    match &form {
        SettingsForm { current_password: Some(current), .. } => change_password(&resident, &form, current, means).await,
        SettingsForm { email: Some(email), .. } => change_email(&resident, means, &form, email).await,
        SettingsForm { phone: Some(phone), .. } => change_phone(&resident, means, &form, phone).await,
        _ => Err(Problem::refused("unreadable_form", "")),
    }
}

async fn change_email(
    resident: &Resident,
    means: &Means,
    form: &SettingsForm,
    email: &str,
) -> Result<Response, Problem> {
    let id = ResidentId(resident.id());
    let email = match email::checked(email, &means.mail_domains(resident.tenant())?) {
        Ok(email) => email,
        Err(text) => return refuse(resident, means, form, vec![FieldError::new("email", text)]).await,
    };
    Attempts::changes_of(resident.tenant(), &id.to_string()).count(&resident.platform().db).await?;
    let mut tx = resident.begin().await?;
    match profile::request_email(&mut tx, id, &email).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(resident.done_saying("/settings", "На новый адрес придёт письмо: перейдите по ссылке в нём."))
        }
        Err(same @ Error::SameEmail) => {
            drop(tx);
            refuse(resident, means, form, vec![FieldError::new("email", same.to_string())]).await
        }
        Err(other) => Err(other.into()),
    }
}

async fn change_phone(
    resident: &Resident,
    means: &Means,
    form: &SettingsForm,
    phone: &str,
) -> Result<Response, Problem> {
    let phone = match phone::normalised(phone) {
        Ok(phone) => phone,
        Err(text) => return refuse(resident, means, form, vec![FieldError::new("phone", text)]).await,
    };
    let tx = resident.begin().await?;
    profile::set_phone(&tx, ResidentId(resident.id()), &phone).await?;
    tx.commit().await?;
    Ok(resident.done_saying("/settings", "Номер телефона сохранён."))
}

async fn change_password(
    resident: &Resident,
    form: &SettingsForm,
    current: &str,
    means: &Means,
) -> Result<Response, Problem> {
    let mut errors = password_errors(resident.tenant(), resident.email(), &form.password, &form.password_repeat);
    if current.is_empty() {
        errors.insert(0, FieldError::new("current_password", "Введите текущий пароль"));
    }
    if !errors.is_empty() {
        return refuse(resident, means, form, errors).await;
    }
    let change = PasswordChange { current, new: &form.password, kept: resident.session_value() };
    let (db, tenant) = (&resident.platform().db, resident.tenant());
    match profile::change_password(db, &means.passwords, tenant, ResidentId(resident.id()), change).await {
        Ok(()) => Ok(resident.done_saying("/settings", "Пароль изменён. Остальные сеансы завершены.")),
        Err(wrong @ Error::WrongCurrentPassword) => {
            refuse(resident, means, form, vec![FieldError::new("current_password", wrong.to_string())]).await
        }
        Err(other) => Err(other.into()),
    }
}

#[derive(Serialize)]
struct ConfirmContext<'a> {
    token: &'a str,
    email: String,
}

/// The page with one button behind the link to the new address, whoever is logged in or not.
#[handler]
async fn ask_email(guest: Guest, Query(query): Query<Token>) -> Result<Response, Problem> {
    let tx = guest.read().await?;
    match profile::email_of_link(&tx, &query.token).await {
        Ok(email) => {
            let context = ConfirmContext { token: &query.token, email };
            guest.page("Новый адрес для входа", "residents/confirm_email.html", &context)
        }
        Err(Error::StaleLink) => stale_link(&guest, "email", false),
        Err(other) => Err(other.into()),
    }
}

#[handler]
async fn confirm_email(guest: Guest, Form(form): Form<Token>) -> Result<Response, Problem> {
    let mut tx = guest.begin().await?;
    match profile::confirm_email(&mut tx, &form.token, guest.session_value()).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(guest.done_saying("/", "Адрес для входа изменён."))
        }
        Err(Error::StaleLink | Error::EmailTaken) => stale_link(&guest, "email", true),
        Err(other) => Err(other.into()),
    }
}

#[handler]
async fn cancel_email(resident: Resident, _form: Form<NoFields>) -> Result<Response, Problem> {
    let tx = resident.begin().await?;
    profile::cancel_email(&tx, ResidentId(resident.id())).await?;
    tx.commit().await?;
    Ok(resident.done_saying("/settings", "Адрес для входа остался прежним."))
}

#[derive(Deserialize)]
struct SessionForm {
    #[serde(default)]
    session: String,
}

#[handler]
async fn end_session(resident: Resident, Form(form): Form<SessionForm>) -> Result<Response, Problem> {
    let mut tx = resident.begin().await?;
    if !Sessions::end_named(&mut tx, Subject::Resident, resident.id(), &form.session).await? {
        return Err(Problem::not_found());
    }
    tx.audit("resident.session_ended", resident.id(), serde_json::json!({})).await?;
    tx.commit().await?;
    Ok(resident.done_saying("/settings", "Сеанс завершён."))
}

#[handler]
async fn end_others(resident: Resident, _form: Form<NoFields>) -> Result<Response, Problem> {
    let mut tx = resident.begin().await?;
    let kept = Some(resident.session_value());
    let ended = Sessions::end_others(&mut tx, Subject::Resident, resident.id(), kept).await?;
    tx.audit("resident.sessions_ended", resident.id(), serde_json::json!({ "count": ended })).await?;
    tx.commit().await?;
    Ok(resident.done_saying("/settings", "Остальные сеансы завершены."))
}
