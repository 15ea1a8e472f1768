//! Everybody there is at a company: nobody, its residents, its staff. The platform has no more roles over HTTP: its
//! operator works by commands, and programs come with the sessions of people.

use kabinet_residents::{password, people};
use kabinet_tests::world::{self, PASSWORD};
use kabinet_tests::{Browser, Server};

use super::calls::Call;

/// A picture of a dial, which goes along with a request.
const PICTURE: &[u8] = include_bytes!("../../../../platform/server/src/demo/dial.png");

/// Somebody with a browser.
pub(super) struct Role {
    pub(super) name: &'static str,
    pub(super) browser: Browser,
    /// What forms of this browser carry.
    pub(super) token: String,
}

impl Role {
    fn of((name, mut browser): (&'static str, Browser)) -> Self {
        let token = browser.page("/recover").one("[name=csrf]").attribute("value").expect("a token").to_owned();
        Self { name, browser, token }
    }
}

/// The roles.
pub(super) struct Cast(pub(super) Vec<Role>);

/// Where those stand who do what a route is there for.
pub(super) const GUEST: usize = 0;
pub(super) const RESIDENT: usize = 1;
pub(super) const ADMINISTRATOR: usize = 2;

/// Pages that are shown to, or taken from, people who have not logged in.
const OF_GUESTS: [&str; 10] = [
    "/",
    "/login",
    "/register",
    "/register/sent",
    "/recover",
    "/recover/sent",
    "/consent",
    "/readings",
    "/esia/login",
    "/esia/join/sent",
];

impl Cast {
    /// The people of the own company, and somebody who comes with the cookies of the other one.
    pub(super) fn of(server: &Server, own: &str, other: &str) -> Self {
        // Sessions that may be ended: the role's own comes last.
        for _ in 0..3 {
            drop(demo_resident(server, own));
        }
        let mut resident = demo_resident(server, own);
        with_a_file(&mut resident);
        let known = world::flat(server, own, 0);
        let mut neighbour = world::holder(server, own, &known);
        let mut helper = world::newcomer(server, own);
        neighbour.invite(known.id, &helper.email, "sums", "30.11.2026").expect(303);
        helper.accept_invitation(server);
        let mut elsewhere = server.browser(own);
        elsewhere.cookies = demo_resident(server, other).cookies;
        elsewhere.cookies.extend(server.staff(other).cookies);
        let everybody = [
            ("a guest", server.browser(own)),
            ("the resident", resident),
            ("the administrator", server.staff(own)),
            ("an accountant", colleague(server, own, "accountant")),
            ("a dispatcher", colleague(server, own, "dispatcher")),
            ("a neighbour", neighbour.browser),
            ("a helper", helper.browser),
            ("somebody of the other company", elsewhere),
        ];
        Self(everybody.into_iter().map(Role::of).collect())
    }

    /// The first three alone.
    pub(super) fn working(server: &Server, slug: &str) -> Self {
        let people = [
            ("a guest", server.browser(slug)),
            ("the resident", demo_resident(server, slug)),
            ("the administrator", server.staff(slug)),
        ];
        Self(people.into_iter().map(Role::of).collect())
    }

    /// Who does what the call is there for.
    pub(super) fn entitled(call: &Call) -> usize {
        match call.pattern.as_str() {
            pattern if pattern.starts_with("/api/admin/") => ADMINISTRATOR,
            pattern if OF_GUESTS.contains(&pattern) => GUEST,
            _ => RESIDENT,
        }
    }
}

fn demo_resident(server: &Server, slug: &str) -> Browser {
    let login = &server.facts().company(slug).resident;
    let mut browser = server.stranger(slug);
    browser.log_in(&login.email, &login.password);
    browser
}

/// A request with a file: only a form brings one.
fn with_a_file(resident: &mut Browser) {
    let address = "/requests/new?kind=appeal";
    let form = resident.page(address).form(address);
    let form = form.with("subject", "Счётчик").with("text", "На фото показания.");
    resident.submit_with_files(&form, &[("dial.png", PICTURE)]).expect(303);
}

/// A member of the company's staff with this role, logged in.
fn colleague(server: &Server, slug: &str, role: &str) -> Browser {
    let email = format!("{role}@{slug}.example");
    let hash = password::hash_now(PASSWORD).expect("a hash");
    world::in_company(server, slug, async |tx| {
        let made = people::create_staff(tx, tx.new_id(), &email, "Проверка", role, &hash).await;
        made.expect("a member of the staff");
    });
    let mut browser = server.browser(slug);
    let login = serde_json::json!({ "email": email, "password": PASSWORD });
    browser.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
    browser
}
