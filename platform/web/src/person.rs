//! Authority arrives by extractor: no handler can name a company or an account without it.

use std::marker::PhantomData;
use std::sync::Arc;

use kabinet_core::limits::{self, Limit, Verdict};
use kabinet_core::{Actor, PermissionKey, Tenant, Tx};
use poem::http::StatusCode;
use poem::{FromRequest, Request, RequestBody, Response, Result};
use serde::Serialize;
use uuid::Uuid;

use crate::cookie::Purpose;
use crate::form::check_origin;
use crate::page::PageRequest;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::profile::{AccountAccess, AccountRef, LinkedAccount};
use crate::redirect::{see_other, see_other_saying};
use crate::repeat::Once;
use crate::session::{Session, Subject};

/// Anybody on a company's portal.
#[derive(Clone, Debug)]
pub struct Guest {
    page: Arc<PageRequest>,
    session: Option<Arc<Session>>,
}

/// A resident who is logged in.
#[derive(Clone, Debug)]
pub struct Resident {
    page: Arc<PageRequest>,
    session: Arc<Session>,
    once: Option<Arc<Once>>,
}

/// A staff member who holds permission `P`.
#[derive(Debug)]
pub struct Staff<P> {
    platform: Arc<Platform>,
    tenant: Arc<Tenant>,
    session: Arc<Session>,
    once: Option<Arc<Once>>,
    permission: PhantomData<P>,
}

pub(crate) fn tenant_of(request: &Request) -> Result<Arc<Tenant>, Problem> {
    request.extensions().get::<Arc<Tenant>>().cloned().ok_or_else(Problem::not_found)
}

pub(crate) fn is_api(request: &Request) -> bool {
    request.original_uri().path().starts_with("/api/")
}

/// The session that a request carries.
pub(crate) async fn session_of(request: &Request, subject: Subject) -> Result<Option<Arc<Session>>, Problem> {
    let platform = Platform::of(request);
    let tenant = tenant_of(request)?;
    let purpose = if subject == Subject::Staff { Purpose::Staff } else { Purpose::Resident };
    match platform.cookies.read(request, purpose) {
        Some(value) => {
            let found = platform.sessions.find(&tenant, subject, &value).await?;
            Ok(found.map(|session| session.as_of(platform.db.clock().now())))
        }
        None => Ok(None),
    }
}

impl Guest {
    /// The company.
    #[must_use]
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.page.tenant
    }

    /// Whether somebody is logged in.
    #[must_use]
    pub fn is_resident(&self) -> bool {
        self.session.is_some()
    }

    /// The cookie value of the session that somebody is logged in with.
    #[must_use]
    pub fn session_value(&self) -> Option<&str> {
        self.session.as_ref().map(|session| session.value.as_str())
    }

    /// A transaction that may write.
    pub async fn begin(&self) -> Result<Tx, Problem> {
        Ok(self.page.platform.db.begin(&self.page.tenant, Actor::Guest).await?)
    }

    /// A transaction that only reads.
    pub async fn read(&self) -> Result<Tx, Problem> {
        Ok(self.page.platform.db.read(&self.page.tenant, Actor::Guest).await?)
    }

    /// The platform.
    #[must_use]
    pub fn platform(&self) -> &Arc<Platform> {
        &self.page.platform
    }

    /// A page.
    pub fn page(&self, title: &str, template: &str, context: &impl Serialize) -> Result<Response, Problem> {
        self.page.render(StatusCode::OK, title, template, context, self.session.as_deref())
    }

    /// A page with a status of its own.
    pub fn answer(
        &self,
        status: StatusCode,
        title: &str,
        template: &str,
        context: &impl Serialize,
    ) -> Result<Response, Problem> {
        self.page.render(status, title, template, context, self.session.as_deref())
    }

    /// The page of a refused form: 422, values kept.
    pub fn refused(&self, title: &str, template: &str, context: &impl Serialize) -> Result<Response, Problem> {
        let viewer = self.session.as_deref();
        self.page.render(StatusCode::UNPROCESSABLE_ENTITY, title, template, context, viewer)
    }

    /// A page of its own where there is nothing (any more): 404.
    pub fn missing(&self, title: &str, template: &str, context: &impl Serialize) -> Result<Response, Problem> {
        self.page.render(StatusCode::NOT_FOUND, title, template, context, self.session.as_deref())
    }

    /// The answer to an accepted form: 303 to `path`, with a sentence that the next page shows once.
    #[must_use]
    pub fn done_saying(&self, path: &str, text: &str) -> Response {
        see_other_saying(self.platform(), path, text)
    }
}

impl Resident {
    /// The company.
    #[must_use]
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.page.tenant
    }

    /// The resident's identifier.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.session.subject_id
    }

    /// The resident's e-mail.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.session.profile.email
    }

    /// The cookie value of this session.
    #[must_use]
    pub fn session_value(&self) -> &str {
        &self.session.value
    }

    /// The accounts linked now.
    #[must_use]
    pub fn accounts(&self) -> &[LinkedAccount] {
        &self.session.profile.accounts
    }

    /// The account chosen in the client menu.
    #[must_use]
    pub fn active(&self) -> Option<&LinkedAccount> {
        let active = self.session.profile.active?;
        self.accounts().iter().find(|account| account.id == active)
    }

    /// The right to the chosen account, its holder's: 404 without one and for a helper. Whatever is not
    /// meant for helpers asks this.
    pub fn account(&self) -> Result<AccountRef, Problem> {
        self.account_where(AccountAccess::is_full)
    }

    /// The right to see sums of the chosen account; 404 for a helper who may not.
    pub fn account_with_sums(&self) -> Result<AccountRef, Problem> {
        self.account_where(AccountAccess::sees_sums)
    }

    /// The right to see the meters of the chosen account and to send readings: every helper's, too.
    pub fn account_for_readings(&self) -> Result<AccountRef, Problem> {
        self.account_where(|_| true)
    }

    fn account_where(&self, may: impl Fn(AccountAccess) -> bool) -> Result<AccountRef, Problem> {
        let right = self.active().map(LinkedAccount::right).filter(|account| may(account.access));
        right.ok_or_else(Problem::not_found)
    }

    /// The linked account with this identifier, if the resident is its holder; 404 for a helper's, for
    /// another's and for none.
    pub fn own_account(&self, id: Uuid) -> Result<&LinkedAccount, Problem> {
        let own = self.accounts().iter().find(|account| account.id == id && account.access.is_full());
        own.ok_or_else(Problem::not_found)
    }

    /// The platform.
    #[must_use]
    pub fn platform(&self) -> &Arc<Platform> {
        &self.page.platform
    }

    /// Counts one more `what` of this resident; 429 where it is over the limit.
    pub async fn count_against(&self, limit: Limit, what: &str) -> Result<(), Problem> {
        count_against(self.platform(), limit, &format!("{what}:{}:{}", self.tenant().id, self.id())).await
    }

    /// A transaction that may write, in the resident's name.
    pub async fn begin(&self) -> Result<Tx, Problem> {
        begin_once(&self.page.platform, &self.page.tenant, Actor::Resident(self.id()), self.once.as_deref()).await
    }

    /// A transaction that only reads.
    pub async fn read(&self) -> Result<Tx, Problem> {
        Ok(self.page.platform.db.read(&self.page.tenant, Actor::Resident(self.id())).await?)
    }

    /// A page.
    pub fn page(&self, title: &str, template: &str, context: &impl Serialize) -> Result<Response, Problem> {
        self.page.render(StatusCode::OK, title, template, context, Some(&*self.session))
    }

    /// The page of a refused form: 422, values kept.
    pub fn refused(&self, title: &str, template: &str, context: &impl Serialize) -> Result<Response, Problem> {
        let viewer = Some(&*self.session);
        self.page.render(StatusCode::UNPROCESSABLE_ENTITY, title, template, context, viewer)
    }

    /// Counts anew what the menu counts: for a page that has just changed it.
    pub async fn recount(&self) {
        self.page.count(&self.session).await;
    }

    /// The answer to an accepted form: 303 to `path`.
    #[must_use]
    pub fn done(&self, path: &str) -> Response {
        see_other(path)
    }

    /// The answer to an accepted form with a sentence that the next page shows once: 303 to `path`.
    #[must_use]
    pub fn done_saying(&self, path: &str, text: &str) -> Response {
        see_other_saying(self.platform(), path, text)
    }
}

impl<P: PermissionKey> Staff<P> {
    /// The company the staff member works for.
    #[must_use]
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.tenant
    }

    /// The staff member's identifier.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.session.subject_id
    }

    /// Counts one more `what` of this staff member; 429 where it is over the limit.
    pub async fn count_against(&self, limit: Limit, what: &str) -> Result<(), Problem> {
        count_against(&self.platform, limit, &format!("{what}:{}:{}", self.tenant.id, self.id())).await
    }

    /// A transaction that may write, in the staff member's name.
    pub async fn begin(&self) -> Result<Tx, Problem> {
        begin_once(&self.platform, &self.tenant, Actor::Staff(self.id()), self.once.as_deref()).await
    }

    /// A transaction that only reads.
    pub async fn read(&self) -> Result<Tx, Problem> {
        Ok(self.platform.db.read(&self.tenant, Actor::Staff(self.id())).await?)
    }
}

impl<'a> FromRequest<'a> for Guest {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        if is_api(request) {
            check_origin(request)?;
        }
        let (session, page) = (session_of(request, Subject::Resident).await?, PageRequest::of(request)?);
        if let Some(session) = session.as_deref().filter(|_| !is_api(request)) {
            page.count(session).await;
        }
        Ok(Self { page, session })
    }
}

impl<'a> FromRequest<'a> for Resident {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        if is_api(request) {
            check_origin(request)?;
        }
        match session_of(request, Subject::Resident).await? {
            Some(session) => {
                let page = PageRequest::of(request)?;
                if !is_api(request) {
                    page.count(&session).await;
                }
                Ok(Self { page, session, once: once_of(request) })
            }
            None if is_api(request) => Err(not_logged_in().into()),
            None => Err(poem::Error::from_response(see_other("/"))),
        }
    }
}

impl<'a, P: PermissionKey> FromRequest<'a> for Staff<P> {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        check_origin(request)?;
        let platform = Platform::of(request).clone();
        let session = session_of(request, Subject::Staff).await?.ok_or_else(not_logged_in)?;
        if !platform.access.allows(&session.profile.role, P::KEY) {
            return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "Недостаточно прав").into());
        }
        let (tenant, once) = (tenant_of(request)?, once_of(request));
        Ok(Self { platform, tenant, session, once, permission: PhantomData })
    }
}

/// A transaction that may write; with a key to be repeated by, the first one takes it.
async fn begin_once(
    platform: &Platform,
    tenant: &Arc<Tenant>,
    actor: Actor,
    once: Option<&Once>,
) -> Result<Tx, Problem> {
    let tx = platform.db.begin(tenant, actor).await?;
    if let Some(once) = once {
        once.claim(&tx).await?;
    }
    Ok(tx)
}

async fn count_against(platform: &Platform, limit: Limit, counter: &str) -> Result<(), Problem> {
    match limits::hit(&platform.db, counter, limit).await? {
        Verdict::Allowed => Ok(()),
        Verdict::Wait(seconds) => Err(Problem::too_many(seconds)),
    }
}

fn once_of(request: &Request) -> Option<Arc<Once>> {
    request.extensions().get::<Arc<Once>>().cloned()
}

pub(crate) fn not_logged_in() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "not_logged_in", "Войдите в личный кабинет")
}
