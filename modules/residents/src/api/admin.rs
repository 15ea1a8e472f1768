//! Sessions of staff members.

use kabinet_web::cookie::Purpose;
use kabinet_web::session::Subject;
use kabinet_web::{ClientAddress, Guest, Problem};
use poem::Request;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use crate::login::{self, Attempt, Browser};
use crate::means::Means;

pub(crate) struct StaffSessionApi {
    pub(crate) means: Means,
}

/// What a staff member logs in with.
#[derive(Object)]
struct Credentials {
    /// E-mail.
    email: String,
    /// Password.
    password: String,
}

#[derive(ApiResponse)]
enum LoggedIn {
    /// Logged in: the session is in the cookie.
    #[oai(status = 204)]
    Done(#[oai(header = "Set-Cookie")] String),
}

#[OpenApi]
impl StaffSessionApi {
    /// Logs a staff member of this company in.
    #[oai(path = "/session", method = "post", operation_id = "logStaffIn")]
    async fn log_in(
        &self,
        guest: Guest,
        address: ClientAddress,
        request: &Request,
        credentials: Json<Credentials>,
    ) -> Result<LoggedIn, Problem> {
        let platform = guest.platform();
        let former = platform.cookies.read(request, Purpose::Staff);
        let attempt = Attempt {
            email: &credentials.email,
            password: &credentials.password,
            browser: Browser { former: former.as_deref(), ..Browser::of(&guest, &address, request) },
        };
        let value = login::enter(&platform.db, &self.means, guest.tenant(), Subject::Staff, attempt).await?;
        Ok(LoggedIn::Done(platform.cookies.set(Purpose::Staff, &value, None)))
    }
}
