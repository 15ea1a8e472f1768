//! `/register`, `/activate`.

use kabinet_core::Tenant;
use kabinet_core::text::email_key;
use kabinet_web::captcha::Captcha;
use kabinet_web::{ClientAddress, FieldError, Form, Guest, PageRoute, Problem, see_other};
use poem::web::{Data, Query};
use poem::{EndpointExt, Response, get, handler};
use serde::{Deserialize, Serialize};

use super::{Token, consent, password_errors, stale_link};
use crate::attempts::Attempts;
use crate::consent::ConsentText;
use crate::email::{self, Domains};
use crate::error::Error;
use crate::means::Means;
use crate::phone;
use crate::registration::{self, Application};

const TITLE: &str = "Регистрация";

pub(super) fn routes(means: &Means) -> Vec<PageRoute> {
    vec![
        PageRoute::new("/register", get(show).post(register).data(means.clone())),
        PageRoute::new("/register/sent", get(sent)),
        PageRoute::new("/activate", get(ask).post(activate)),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RegisterForm {
    email: String,
    password: String,
    password_repeat: String,
    phone: String,
    captcha: String,
    captcha_token: String,
    consent: String,
    /// The hash of the text that the page led to.
    consent_text: String,
}

#[derive(Serialize)]
struct RegisterContext<'a> {
    form: FormContext<'a>,
    domains: Vec<String>,
    captcha: Captcha,
    taken: bool,
    errors: Vec<FieldError>,
}

#[derive(Serialize)]
struct FormContext<'a> {
    email: &'a str,
    phone: &'a str,
    consent: bool,
    consent_text: String,
}

/// The parts of a form that is right.
struct Checked {
    email: String,
    phone: String,
}

#[handler]
fn show(guest: Guest, Data(means): Data<&Means>) -> Result<Response, Problem> {
    if guest.is_resident() {
        return Ok(see_other("/overview"));
    }
    let empty = RegisterForm::default();
    let context = context(&guest, means, &empty, Vec::new(), false)?;
    guest.page(TITLE, "residents/register.html", &context)
}

fn context<'f>(
    guest: &Guest,
    means: &Means,
    form: &'f RegisterForm,
    errors: Vec<FieldError>,
    taken: bool,
) -> Result<RegisterContext<'f>, Problem> {
    Ok(RegisterContext {
        form: FormContext {
            email: &form.email,
            phone: &form.phone,
            consent: !form.consent.is_empty(),
            consent_text: consent::shown(guest)?.fingerprint(),
        },
        domains: means.mail_domains(guest.tenant())?.listed(),
        captcha: guest.captcha(),
        taken,
        errors,
    })
}

#[handler]
async fn register(
    guest: Guest,
    address: ClientAddress,
    Form(form): Form<RegisterForm>,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    let (tenant, db) = (guest.tenant(), &guest.platform().db);
    let text = consent::shown(&guest)?;
    let Checked { email, phone } = match checked(&guest, means, &form, &text).await? {
        Ok(checked) => checked,
        Err(errors) => return refuse(&guest, means, &form, errors, false),
    };
    let limits = &means.rules.limits;
    Attempts::registrations_from(limits, tenant, &address.0).count(db).await?;
    Attempts::letters_to(limits, tenant, &email_key(&email)).count(db).await?;
    let (password, address) = (form.password.as_str(), address.0.as_str());
    let application = Application { email: &email, password, phone: &phone, consent: &text, address };
    match registration::apply(db, &means.passwords, tenant, application).await {
        Ok(()) => Ok(see_other("/register/sent")),
        Err(taken @ Error::EmailTaken) => {
            refuse(&guest, means, &form, vec![FieldError::new("email", taken.to_string())], true)
        }
        Err(other) => Err(other.into()),
    }
}

/// The form with its captcha, which is spent by being looked at.
async fn checked(
    guest: &Guest,
    means: &Means,
    form: &RegisterForm,
    text: &ConsentText,
) -> Result<Result<Checked, Vec<FieldError>>, Problem> {
    let checked = check(form, text, &means.mail_domains(guest.tenant())?, guest.tenant());
    Ok(match guest.captcha_error(&form.captcha_token, &form.captcha).await? {
        Some(error) => Err(checked.err().unwrap_or_default().into_iter().chain([error]).collect()),
        None => checked,
    })
}

/// What is wrong with the form, in the order of its fields.
fn check(
    form: &RegisterForm,
    text: &ConsentText,
    domains: &Domains<'_>,
    tenant: &Tenant,
) -> Result<Checked, Vec<FieldError>> {
    let email = email::checked(&form.email, domains);
    let phone = phone::normalised(&form.phone);
    let mut errors: Vec<FieldError> =
        email.as_ref().err().map(|text| FieldError::new("email", text)).into_iter().collect();
    errors.extend(password_errors(tenant, &form.email, &form.password, &form.password_repeat));
    errors.extend(phone.as_ref().err().map(|text| FieldError::new("phone", *text)));
    if form.consent.is_empty() {
        let needed = "Ознакомьтесь с согласием на обработку персональных данных и примите его условия";
        errors.push(FieldError::new("consent", needed));
    } else if !form.consent_text.is_empty() && form.consent_text != text.fingerprint() {
        errors.push(FieldError::new("consent", "Текст согласия изменился: прочтите его ещё раз"));
    }
    match (email, phone) {
        (Ok(email), Ok(phone)) if errors.is_empty() => Ok(Checked { email, phone }),
        _ => Err(errors),
    }
}

fn refuse(
    guest: &Guest,
    means: &Means,
    form: &RegisterForm,
    errors: Vec<FieldError>,
    taken: bool,
) -> Result<Response, Problem> {
    guest.refused(TITLE, "residents/register.html", &context(guest, means, form, errors, taken)?)
}

#[derive(Serialize)]
struct SentContext {
    kind: &'static str,
}

#[handler]
fn sent(guest: Guest) -> Result<Response, Problem> {
    guest.page("Проверьте почту", "residents/letter_sent.html", &SentContext { kind: "activation" })
}

#[derive(Serialize)]
struct ActivateContext<'a> {
    token: &'a str,
    email: String,
}

/// The page with one button: whoever only looks at the link (a mail scanner) activates nothing.
#[handler]
async fn ask(guest: Guest, Query(query): Query<Token>) -> Result<Response, Problem> {
    let tx = guest.read().await?;
    match registration::pending(&tx, &query.token).await {
        Ok(email) => {
            let context = ActivateContext { token: &query.token, email };
            guest.page("Активация личного кабинета", "residents/activate.html", &context)
        }
        Err(Error::StaleLink) => stale_link(&guest, "activation", false),
        Err(other) => Err(other.into()),
    }
}

#[handler]
async fn activate(guest: Guest, Form(form): Form<Token>) -> Result<Response, Problem> {
    let mut tx = guest.begin().await?;
    match registration::activate(&mut tx, &form.token).await {
        Ok(_) => {
            tx.commit().await?;
            Ok(guest.done_saying("/", "Личный кабинет активирован. Войдите с Вашим Email и паролем."))
        }
        Err(Error::StaleLink | Error::EmailTaken) => stale_link(&guest, "activation", true),
        Err(other) => Err(other.into()),
    }
}
