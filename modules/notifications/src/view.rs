//! What the pages show: the contexts of the templates.

use chrono_tz::Tz;
use kabinet_core::{Day, Timestamp};
use kabinet_web::FieldError;
use serde::Serialize;

use crate::channel::Channel;
use crate::choices::Choices;
use crate::entity::MessageId;
use crate::inbox::Notice;
use crate::kind::Kind;
use crate::settings::{NotificationsSettings, QuietHours};
use crate::words::{self, Block};

/// Letters of a text that the list shows.
const BEGINNING: usize = 140;

/// A day and the time of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Moment {
    day: Day,
    time: String,
}

impl Moment {
    fn of(at: Timestamp, zone: Tz) -> Self {
        let day = at.day(zone);
        let minutes = (at.0 - day.start(zone).0) / 60_000;
        Self { day, time: format!("{:02}:{:02}", minutes / 60, minutes % 60) }
    }
}

/// A notice in the list.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    href: String,
    kind: &'static str,
    title: String,
    beginning: String,
    at: Moment,
    read: bool,
}

/// The list.
#[derive(Debug, Serialize)]
pub(crate) struct ListContext {
    notices: Vec<Row>,
    unread: bool,
    first: bool,
    next: Option<String>,
}

impl ListContext {
    pub(crate) fn of(notices: Vec<Notice>, next: Option<MessageId>, first: bool, zone: Tz) -> Self {
        let unread = notices.iter().any(|notice| !notice.read);
        let row = |notice: Notice| Row {
            href: format!("/notifications/{}", notice.message),
            kind: notice.kind.words(),
            beginning: beginning(&words::plain(&words::blocks(&notice.body))),
            title: notice.title,
            at: Moment::of(notice.at, zone),
            read: notice.read,
        };
        let next = next.map(|id| format!("/notifications?after={id}"));
        Self { notices: notices.into_iter().map(row).collect(), unread, first, next }
    }
}

fn beginning(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    let short: String = line.chars().take(BEGINNING).collect();
    if short.len() < line.len() { format!("{}…", short.trim_end()) } else { short }
}

/// One notice.
#[derive(Debug, Serialize)]
pub(crate) struct NoticeContext {
    kind: &'static str,
    title: String,
    at: Moment,
    blocks: Vec<Block>,
    link: Option<Link>,
}

/// Where a notice leads to.
#[derive(Debug, Serialize)]
pub(crate) struct Link {
    href: String,
    words: &'static str,
}

impl NoticeContext {
    pub(crate) fn of(notice: Notice, zone: Tz) -> Self {
        let words = match notice.kind {
            Kind::WindowOpens | Kind::WindowCloses => "Передать показания",
            Kind::Receipt => "Открыть документы",
            Kind::Debt => "Посмотреть сумму",
            Kind::Verification => "Информация об ИПУ",
            Kind::Request => "Открыть заявку",
            Kind::Message | Kind::Outage => "Подробнее",
        };
        Self {
            kind: notice.kind.words(),
            at: Moment::of(notice.at, zone),
            blocks: words::blocks(&notice.body),
            link: Some(notice.link).filter(|href| !href.is_empty()).map(|href| Link { href, words }),
            title: notice.title,
        }
    }
}

/// The page of the link in a letter.
#[derive(Debug, Serialize)]
pub(crate) struct UnsubscribeContext {
    errors: [(); 0],
    kind: Option<&'static str>,
    token: String,
    done: bool,
}

impl UnsubscribeContext {
    pub(crate) const fn ask(kind: Kind, token: String) -> Self {
        Self { errors: [], kind: Some(kind.words()), token, done: false }
    }

    pub(crate) const fn done(kind: Kind) -> Self {
        Self { errors: [], kind: Some(kind.words()), token: String::new(), done: true }
    }

    pub(crate) const fn unknown() -> Self {
        Self { errors: [], kind: None, token: String::new(), done: false }
    }
}

/// A choice of the preferences: one kind by one channel.
#[derive(Debug, Serialize)]
struct Tick {
    name: String,
    channel: &'static str,
    on: bool,
}

/// The choices of one kind.
#[derive(Debug, Serialize)]
struct KindRow {
    kind: &'static str,
    boxes: Vec<Tick>,
}

/// One place of the order of channels.
#[derive(Debug, Serialize)]
struct Place {
    name: String,
    label: String,
    chosen: &'static str,
}

#[derive(Debug, Serialize)]
struct ChannelOption {
    value: &'static str,
    text: &'static str,
}

/// A messenger that can be linked.
#[derive(Debug, Serialize)]
pub(crate) struct ChatContext {
    pub(crate) channel: &'static str,
    pub(crate) words: &'static str,
    pub(crate) linked: bool,
    /// A fresh code with where it leads, just after it was asked for.
    pub(crate) code: Option<CodeContext>,
}

/// A code that links a chat.
#[derive(Debug, Serialize)]
pub(crate) struct CodeContext {
    pub(crate) code: String,
    pub(crate) href: String,
    pub(crate) minutes: i64,
}

/// The preferences.
#[derive(Debug, Serialize)]
pub(crate) struct PreferencesContext {
    errors: Vec<FieldError>,
    kinds: Vec<KindRow>,
    channels: Vec<ChannelOption>,
    order: Vec<Place>,
    quiet: QuietContext,
    chats: Vec<ChatContext>,
}

#[derive(Debug, Serialize)]
struct QuietContext {
    own: &'static str,
    from: String,
    to: String,
    company: Option<String>,
}

impl PreferencesContext {
    pub(crate) fn of(settings: &NotificationsSettings, choices: &Choices, chats: Vec<ChatContext>) -> Self {
        let channels: Vec<Channel> = settings.order.iter().copied().filter(|channel| settings.has(*channel)).collect();
        let kinds = Kind::ALL.into_iter().filter(|kind| settings.sends(*kind)).map(|kind| KindRow {
            kind: kind.words(),
            boxes: channels.iter().map(|channel| one_box(choices, kind, *channel)).collect(),
        });
        // Any kind tells the order, unless something of it is switched off.
        let everything = Choices { off: std::collections::BTreeSet::new(), ..choices.clone() };
        let order =
            everything.channels(settings, Kind::Message).into_iter().enumerate().map(|(index, channel)| Place {
                name: format!("order_{}", index + 1),
                label: format!("{}-й способ", index + 1),
                chosen: channel.code(),
            });
        Self {
            errors: Vec::new(),
            kinds: kinds.collect(),
            order: order.collect(),
            channels: channels
                .iter()
                .map(|channel| ChannelOption { value: channel.code(), text: channel.words() })
                .collect(),
            quiet: quiet(settings, choices),
            chats,
        }
    }

    /// The page with what is wrong and with what was typed as hours.
    pub(crate) fn refused(mut self, errors: Vec<FieldError>, from: &str, to: &str) -> Self {
        self.errors = errors;
        self.quiet.own = "own";
        from.clone_into(&mut self.quiet.from);
        to.clone_into(&mut self.quiet.to);
        self
    }
}

fn one_box(choices: &Choices, kind: Kind, channel: Channel) -> Tick {
    Tick {
        name: format!("{}_{}", kind.code(), channel.code()),
        channel: channel.words(),
        on: !choices.off.contains(&(kind, channel)),
    }
}

fn quiet(settings: &NotificationsSettings, choices: &Choices) -> QuietContext {
    let shown = |hours: QuietHours| format!("с {}:00 до {}:00", hours.from, hours.to);
    let own = choices.quiet.filter(|hours| hours.from != hours.to);
    QuietContext {
        own: match choices.quiet {
            None => "company",
            Some(hours) if hours.from == hours.to => "never",
            Some(_) => "own",
        },
        from: own.map_or_else(|| "22".to_owned(), |hours| hours.from.to_string()),
        to: own.map_or_else(|| "8".to_owned(), |hours| hours.to.to_string()),
        company: settings.quiet.map(shown),
    }
}
