use std::collections::HashMap;

use kabinet_contracts::ResidentId;
use kabinet_core::TenantId;
use kabinet_web::cookie::TokenKey;
use uuid::Uuid;

use super::*;
use crate::http::Body;
use crate::settings::{Bot, SmsGateway};

fn means(body: Option<&str>) -> Means {
    let gateway = SmsGateway {
        url: "https://sms.example/send?to={phone}&key={token}&n={id}{odd}".to_owned(),
        body: body.map(str::to_owned),
        success: Some("\"ok\"".to_owned()),
        price: Money(350),
        monthly_cap: Money(1_000_000),
        per_second: Some(10),
    };
    let bot = |name: &str| Some(Bot { name: name.to_owned(), base_url: "http://127.0.0.1:9/".to_owned() });
    let settings = NotificationsSettings {
        sms: Some(gateway),
        max: bot("max_bot"),
        telegram: bot("tg_bot"),
        ..NotificationsSettings::default()
    };
    let tokens = Channel::ALL.map(|channel| (channel, format!("{}-token&1", channel.code())));
    Means { settings, tokens: HashMap::from(tokens) }
}

fn letter<'a>(to: &'a str, title: &'a str, blocks: &'a [Block]) -> Letter<'a> {
    Letter {
        notice: NoticeId(Uuid::from_u128(7)),
        to,
        kind: Kind::Message,
        title,
        blocks,
        link: "",
        shortcuts: &[],
        unsubscribe: "t0ken".to_owned(),
    }
}

fn call(channel: Channel, means: &Means, letter: &Letter<'_>) -> Call {
    match of(channel).parcel(means, letter).expect("a parcel") {
        Parcel::Call(call) => call,
        Parcel::Outbox(_) => panic!("a letter"),
    }
}

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, retry_after: None, body: body.to_owned() }
}

#[test]
fn a_short_message_fills_the_companys_template() {
    let blocks = words::blocks("Воды **не будет** & {phone}");
    let letter = letter("79001112233", "Отключение", &blocks);
    let get = call(Channel::Sms, &means(None), &letter);
    assert_eq!(
        get.url,
        "https://sms.example/send?to=79001112233&key=sms-token%261&n=00000000-0000-0000-0000-000000000007{odd}"
    );
    assert!(get.body.is_none() && get.authorization.is_empty());
    let post = call(Channel::Sms, &means(Some("text={text}&from=UK")), &letter);
    let Some(Body::Form(form)) = post.body else { panic!("a form") };
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(&form).expect("a form");
    assert_eq!(
        fields[0],
        ("text".to_owned(), "Отключение. Воды не будет & {phone}".to_owned()),
        "put in is not read again"
    );
    assert_eq!(fields[1].1, "UK");
}

#[test]
fn a_short_message_costs_by_its_parts() {
    let cost = |letters: usize| {
        let blocks = words::blocks(&"ш".repeat(letters));
        of(Channel::Sms).cost(&means(None), &letter("79001112233", "Тема", &blocks)).0
    };
    // «Тема. » is six letters.
    assert_eq!((cost(64), cost(65), cost(128), cost(129)), (350, 700, 700, 1050));
    assert_eq!(cost(4000), 4 * 350, "no message is longer than four parts");
    let blocks = words::blocks("текст");
    assert_eq!(of(Channel::Email).cost(&means(None), &letter("a@b.example", "Тема", &blocks)), Money(0));
}

#[test]
fn a_bot_is_told_whom_and_what() {
    let blocks = words::blocks("Воды *не* будет: [план](https://a.example)");
    let max = call(Channel::Max, &means(None), &letter("77", "Отключение", &blocks));
    assert_eq!(
        (max.url.as_str(), max.authorization.as_str()),
        ("http://127.0.0.1:9/messages?user_id=77", "max-token&1")
    );
    let text = |body: &Option<Body>| match body {
        Some(Body::Json(json)) => serde_json::from_str::<serde_json::Value>(json).expect("JSON"),
        _ => panic!("JSON"),
    };
    assert_eq!(text(&max.body)["text"], "Отключение\n\nВоды не будет: план (https://a.example)");
    let telegram = call(Channel::Telegram, &means(None), &letter("5", "Отключение", &blocks));
    assert_eq!(telegram.url, "http://127.0.0.1:9/bottelegram-token&1/sendMessage");
    assert_eq!(text(&telegram.body)["chat_id"], "5");
    let bare = Means { tokens: HashMap::new(), ..means(None) };
    assert!(of(Channel::Max).parcel(&bare, &letter("77", "x", &blocks)).is_err(), "without its token");
}

#[test]
fn answers_are_told_apart() {
    let sms = |status: u16, body: &str| of(Channel::Sms).judge(&means(None), &answer(status, body));
    assert_eq!(sms(200, "{\"ok\":1}"), Outcome::Sent);
    assert!(matches!(sms(200, "{\"error\":\"no money\"}"), Outcome::Failed(_)));
    for status in [401, 500, 503] {
        assert!(matches!(sms(status, ""), Outcome::Retry(..)), "{status}");
    }
    assert!(matches!(sms(400, ""), Outcome::Failed(_)) && matches!(sms(302, ""), Outcome::Failed(_)));
    let telegram = |status: u16, body: &str| of(Channel::Telegram).judge(&means(None), &answer(status, body));
    assert_eq!(telegram(200, "{\"ok\":true}"), Outcome::Sent);
    assert!(matches!(telegram(200, "{\"ok\":false}"), Outcome::Failed(_)));
    let max = |status: u16, body: &str| of(Channel::Max).judge(&means(None), &answer(status, body));
    assert!(matches!(max(403, "{\"code\":\"chat.denied\",\"message\":\"suspended\"}"), Outcome::Failed(_)));
    assert_eq!(max(200, "{\"message\":{\"body\":{\"mid\":\"mid.1\"}}}"), Outcome::Sent);
    assert_eq!(max(200, "{\"success\":true}"), Outcome::Sent);
    assert!(matches!(max(200, "{\"success\":false,\"message\":\"no https\"}"), Outcome::Failed(_)));
}

#[test]
fn to_be_asked_to_wait_is_no_failure() {
    let judged = |channel: Channel, body: &str, retry_after: Option<i64>| {
        of(channel).judge(&means(None), &Answer { status: 429, retry_after, body: body.to_owned() })
    };
    let telegram = "{\"ok\":false,\"error_code\":429,\"parameters\":{\"retry_after\":7}}";
    assert_eq!(judged(Channel::Telegram, telegram, None), Outcome::Later(7));
    for channel in [Channel::Max, Channel::Telegram, Channel::Sms] {
        assert_eq!(judged(channel, "", Some(9)), Outcome::Later(9), "as the header says");
        assert_eq!(judged(channel, "Too Many Requests", None), Outcome::Later(USUAL_WAIT), "where nothing is said");
    }
}

#[test]
fn messengers_are_called_no_faster_than_they_take() {
    let rate = |channel: Channel| of(channel).per_second(&means(None));
    for messenger in [Channel::Max, Channel::Telegram] {
        assert!(rate(messenger).is_some_and(|rate| rate <= 30), "{messenger:?}");
    }
    assert_eq!((rate(Channel::Sms), rate(Channel::Email)), (Some(10), None));
}

#[test]
fn a_letter_ends_its_like_by_a_token_of_its_own() {
    let blocks = words::blocks("Текст");
    let parcel =
        of(Channel::Email).parcel(&means(None), &letter("anna@example.ru", "Тема", &blocks)).expect("a parcel");
    let Parcel::Outbox(mail) = parcel else { panic!("a letter") };
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("anna@example.ru", "Тема"));
    assert_eq!(mail.unsubscribe.as_deref(), Some("/notifications/one-click?token=t0ken"));
    assert_eq!(mail.reference.map(|reference| reference.id), Some(Uuid::from_u128(7)));

    let ending = Unsubscribing::new(&TokenKey::new([3; 32]));
    let (mine, other) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
    let who = ResidentId(Uuid::from_u128(9));
    let token = ending.token(mine, who, Kind::Receipt);
    assert_eq!(ending.open(mine, &token), Some((who, Kind::Receipt)));
    assert_eq!(ending.open(other, &token), None);
    assert_eq!(Unsubscribing::new(&TokenKey::new([4; 32])).open(mine, &token), None);
    let forged = token.replace("receipt", "debt");
    for wrong in [forged.as_str(), "", "x", "..", &token[1..], &token[..token.len() - 2]] {
        assert_eq!(ending.open(mine, wrong), None, "{wrong}");
    }
}
