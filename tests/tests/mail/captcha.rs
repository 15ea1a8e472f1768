//! The captcha over HTTP: a module of the test has a form with one.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kabinet_core::{Entropy, Manifest, Module, ModuleKind, SealKey, Tenant};
use kabinet_server::App;
use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Browser, Kind, on_both_databases};
use kabinet_web::cookie::TokenKey;
use kabinet_web::{Captcha, FieldError, Form, Guest, PageRoute, Problem, WebModule, see_other};
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::{Response, get, handler};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::stage::database;

on_both_databases![
    a_code_is_accepted_once_in_its_company_and_time,
    picture_and_sound_are_what_their_names_say,
    the_demo_may_have_a_fixed_answer,
];

static MANIFEST: Manifest =
    Manifest { id: "robots", title: "Проба", kind: ModuleKind::Core, permissions: &[], navigation: &[] };

const TEMPLATE: &str = "{% extends \"layout.html\" %}{% import \"macros.html\" as ui %}{% block content %}<h1>Проба</h1>\
    <form method=\"post\" action=\"/robots\">{{ ui.csrf(page.csrf) }}{{ ui.captcha_field(captcha, errors) }}\
    {{ ui.button(\"Дальше\") }}</form>{% endblock %}";

#[derive(Debug)]
struct Robots;

impl Module for Robots {
    fn manifest(&self) -> &'static Manifest {
        &MANIFEST
    }
}

impl WebModule for Robots {
    fn pages(&self) -> Vec<PageRoute> {
        vec![PageRoute::new("/robots", get(show).post(check))]
    }
    fn templates(&self) -> &'static [(&'static str, &'static str)] {
        &[("robots/form.html", TEMPLATE)]
    }
}

#[derive(Serialize)]
struct Context {
    captcha: Captcha,
    errors: Vec<FieldError>,
}

#[derive(Deserialize)]
struct Answer {
    captcha: String,
    captcha_token: String,
}

#[handler]
fn show(guest: Guest) -> Result<Response, Problem> {
    guest.page("Проба", "robots/form.html", &Context { captcha: guest.captcha(), errors: Vec::new() })
}

#[handler]
async fn check(guest: Guest, Form(answer): Form<Answer>) -> Result<Response, Problem> {
    let Some(error) = guest.captcha_error(&answer.captcha_token, &answer.captcha).await? else {
        return Ok(see_other("/"));
    };
    guest.refused("Проба", "robots/form.html", &Context { captcha: guest.captcha(), errors: vec![error] })
}

/// The platform with the form, both companies, and the key of the tokens.
struct Stage {
    #[expect(dead_code, reason = "it serves")]
    runtime: Runtime,
    address: SocketAddr,
    key: SealKey,
    tenants: Vec<Arc<Tenant>>,
    now: i64,
}

impl Stage {
    fn set(kind: Kind, fixed: &str) -> Self {
        let database = database(kind);
        run(command(&database, NOW).args(["tenant", "apply", "tenants/teploset"]));
        let runtime = Runtime::new().expect("a runtime");
        let mut config = database.config(NOW);
        fixed.clone_into(&mut config.demo.captcha_answer);
        config.demo.running = !fixed.is_empty();
        let app = runtime.block_on(App::open_with(config, vec![Arc::new(Robots)])).expect("the platform");
        let acceptor = runtime.block_on(TcpListener::bind("127.0.0.1:0").into_acceptor()).expect("a port");
        let address = *acceptor.local_addr()[0].as_socket_addr().expect("an address");
        runtime.spawn(poem::Server::new_with_acceptor(acceptor).run(app.endpoint().expect("the application")));
        let secret = std::fs::read(database.dir.join("secret.key")).expect("the platform's key");
        let key = TokenKey::new(secret.try_into().expect("32 bytes")).derived("captcha token");
        let tenants = runtime.block_on(app.tenants.all()).expect("the companies");
        let now = app.db.clock().now().0;
        Self { runtime, address, key: SealKey::new(key), tenants, now }
    }

    fn browser(&self, slug: &str) -> Browser {
        Browser::new(self.address, &format!("{slug}.localhost"))
    }

    fn place(&self, slug: &str) -> Vec<u8> {
        let tenant = self.tenants.iter().find(|tenant| tenant.slug == slug).expect("a company");
        [b"captcha".as_slice(), tenant.id.0.as_bytes()].concat()
    }

    /// The code of a token, as only the platform's key tells it.
    fn code(&self, slug: &str, token: &str) -> String {
        let sealed = URL_SAFE_NO_PAD.decode(token).expect("a token");
        let plain = self.key.open(&self.place(slug), &sealed).expect("a token of the company");
        format!("{:06}", u64::from_le_bytes(plain[..8].try_into().expect("a number")))
    }

    /// A token as the platform would have made it for another moment.
    fn token(&self, slug: &str, code: u64, expires: i64) -> String {
        let plain = [code.to_le_bytes(), expires.to_le_bytes()].concat();
        URL_SAFE_NO_PAD.encode(self.key.seal(Entropy, &self.place(slug), &plain))
    }
}

/// Sends the form with another token or answer; the status.
fn answer(browser: &mut Browser, token: &str, code: &str) -> u16 {
    let form = browser.page("/robots").form("/robots");
    browser.submit(&form.with("captcha_token", token).with("captcha", code)).status
}

fn token_of(browser: &mut Browser) -> String {
    let page = browser.page("/robots");
    page.one("input[name=captcha_token]").attribute("value").expect("a token").to_owned()
}

fn a_code_is_accepted_once_in_its_company_and_time(kind: Kind) {
    let stage = Stage::set(kind, "");
    let mut browser = stage.browser("beregovoy");
    let token = token_of(&mut browser);
    let code = stage.code("beregovoy", &token);
    assert_eq!(answer(&mut stage.browser("teploset"), &token, &code), 422, "another company's");
    let spaced = format!(" {} {} ", &code[..3], &code[3..]);
    assert_eq!(answer(&mut browser, &token, &spaced), 303);
    assert_eq!(answer(&mut browser, &token, &code), 422, "a second use");

    let token = token_of(&mut browser);
    let code = stage.code("beregovoy", &token);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(answer(&mut browser, &token, wrong), 422);
    assert_eq!(answer(&mut browser, &token, &code), 422, "a wrong answer uses the token up");
    for nonsense in ["", "123456", "AAAA"] {
        assert_eq!(answer(&mut browser, nonsense, "123456"), 422, "{nonsense:?}");
    }

    let fresh = stage.token("beregovoy", 42, stage.now + 60_000);
    assert_eq!(answer(&mut browser, &fresh, "000042"), 303);
    let expired = stage.token("beregovoy", 42, stage.now);
    assert_eq!(answer(&mut browser, &expired, "000042"), 422, "expired");
}

fn picture_and_sound_are_what_their_names_say(kind: Kind) {
    let stage = Stage::set(kind, "");
    let mut browser = stage.browser("beregovoy");
    let page = browser.page("/robots");
    let image = page.one("form img").attribute("src").expect("a picture").to_owned();
    let sound = page.one("form audio").attribute("src").expect("a sound").to_owned();
    assert!(page.one("form audio a").text().contains("Прослушать"), "a link for browsers without players");
    assert!(image.ends_with(".png") && sound.ends_with(".wav") && image.starts_with("/captcha/"));

    let picture = browser.get(&image).expect(200);
    assert_eq!(picture.header("content-type"), Some("image/png"));
    assert!(picture.body.starts_with(b"\x89PNG\r\n\x1a\n") && (1_500..16_000).contains(&picture.body.len()));
    let side = |at: usize| u32::from_be_bytes(picture.body[at..at + 4].try_into().expect("four bytes"));
    assert_eq!((side(16), side(20)), (420, 132));
    assert_eq!(browser.get(&image).expect(200).body, picture.body, "the same at every look");

    let spoken = browser.get(&sound).expect(200);
    assert_eq!(spoken.header("content-type"), Some("audio/wav"));
    let wav = &spoken.body;
    let number = |at: usize| u32::from_le_bytes(wav[at..at + 4].try_into().expect("four bytes")) as usize;
    assert!(wav.starts_with(b"RIFF") && &wav[8..16] == b"WAVEfmt " && &wav[36..40] == b"data");
    assert_eq!((number(4) + 8, number(24)), (wav.len(), 8000));
    assert!(number(40) + 44 <= wav.len() && number(40) > 40_000, "{}", number(40));
    let part = browser.send("GET", &sound, &[("Range", "bytes=0-99")], None).expect(206);
    assert_eq!(part.body, wav[..100]);

    let policy = spoken.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("media-src 'self'") && policy.contains("img-src 'self'"), "{policy}");
    stage.browser("teploset").get(&image).expect(404);
    for name in ["/captcha/AAAA.png", "/captcha/nothing", &image.replace(".png", ".svg")] {
        browser.get(name).expect(404);
    }
}

fn the_demo_may_have_a_fixed_answer(kind: Kind) {
    let stage = Stage::set(kind, "ответ7");
    let mut browser = stage.browser("beregovoy");
    assert_eq!(answer(&mut browser, "", "ответ7"), 303, "even without a token");
    assert_eq!(answer(&mut browser, "", "ответ8"), 422);
    let token = token_of(&mut browser);
    let code = stage.code("beregovoy", &token);
    assert_eq!(answer(&mut browser, &token, &code), 303, "the real one too");
}
