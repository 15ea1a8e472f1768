use kabinet_core::{Day, Money};

use super::*;
use crate::settings::{Bot, QuietHours, SmsGateway};

const ZONE: Tz = chrono_tz::Asia::Yekaterinburg;

fn noon() -> Timestamp {
    Day(20_261_122).start(ZONE).plus_seconds(12 * 3600)
}

fn night() -> Timestamp {
    noon().plus_seconds(11 * 3600)
}

fn company() -> NotificationsSettings {
    let gateway = SmsGateway {
        url: "http://sms.example".to_owned(),
        body: None,
        success: None,
        price: Money(400),
        monthly_cap: Money(10_000),
        per_second: None,
    };
    let bot = Bot { name: "bot".to_owned(), base_url: String::new() };
    NotificationsSettings { max: Some(bot), sms: Some(gateway), ..NotificationsSettings::default() }
}

fn person() -> Addressee {
    Addressee {
        email: "anna@example.ru".to_owned(),
        phone: "8 (912) 345-67-89".to_owned(),
        chats: [(Channel::Max, "77".to_owned())].into(),
        choices: Choices::default(),
    }
}

fn brief() -> Brief {
    Brief { kind: Kind::Message, channels: Vec::new(), valid_until: None, cancelled: false }
}

fn tried(channel: Channel, attempt: Attempt, attempts: i32) -> Tried {
    Tried { channel, attempt, attempts, since: noon() }
}

fn step(brief: &Brief, who: &Addressee, done: &[Tried], now: Timestamp) -> Step {
    next_step(brief, Some(who), done, &company(), (now, ZONE))
}

#[test]
fn a_later_channel_is_tried_only_when_the_former_one_failed_for_good() {
    let (brief, who) = (brief(), person());
    assert_eq!(step(&brief, &who, &[], noon()), Step::Try(Channel::Max));
    let again = [tried(Channel::Max, Attempt::Trying, 2)];
    assert_eq!(step(&brief, &who, &again, noon()), Step::Try(Channel::Max), "the same one again");
    let failed = [tried(Channel::Max, Attempt::Failed, 1)];
    assert_eq!(step(&brief, &who, &failed, noon()), Step::Try(Channel::Email));
    let both = [tried(Channel::Max, Attempt::Failed, 6), tried(Channel::Email, Attempt::Failed, 1)];
    assert_eq!(step(&brief, &who, &both, noon()), Step::Try(Channel::Sms));
    let capped = [both[0], both[1], tried(Channel::Sms, Attempt::Skipped, 0)];
    assert_eq!(step(&brief, &who, &capped, noon()), Step::End(NoticeState::Failed));
}

#[test]
fn the_last_attempt_is_made_once_more_when_its_end_is_not_known() {
    let after = |attempts: i32| step(&brief(), &person(), &[tried(Channel::Max, Attempt::Trying, attempts)], noon());
    assert_eq!(after(MOST_ATTEMPTS), Step::Try(Channel::Max));
    assert!(matches!(after(MOST_ATTEMPTS + 1), Step::GiveUp(Channel::Max, _)));
    assert_eq!(retry_at(noon(), MOST_ATTEMPTS + 1), None, "and it is the last one then");
}

#[test]
fn only_ways_that_lead_to_the_person_are_taken() {
    let who = Addressee { chats: BTreeMap::new(), email: String::new(), ..person() };
    assert_eq!(step(&brief(), &who, &[], noon()), Step::Try(Channel::Sms));
    let nobody = Addressee { phone: "12".to_owned(), ..who };
    assert_eq!(step(&brief(), &nobody, &[], noon()), Step::End(NoticeState::Silent));
    let only = Brief { channels: vec![Channel::Sms], ..brief() };
    assert_eq!(step(&only, &person(), &[], noon()), Step::Try(Channel::Sms));
    assert_eq!(next_step(&brief(), None, &[], &company(), (noon(), ZONE)), Step::End(NoticeState::Stopped));
}

#[test]
fn at_night_phones_stay_silent_and_letters_go() {
    let morning = Day(20_261_123).start(ZONE).plus_seconds(9 * 3600);
    assert_eq!(step(&brief(), &person(), &[], night()), Step::Wait(morning));
    let email = Brief { channels: vec![Channel::Email], ..brief() };
    assert_eq!(step(&email, &person(), &[], night()), Step::Try(Channel::Email));
}

#[test]
fn a_persons_own_order_and_quiet_hours_go_before_the_companys() {
    let mut anna = person();
    assert_eq!(step(&brief(), &anna, &[], noon()), Step::Try(Channel::Max));
    anna.choices.order = vec![Channel::Email, Channel::Sms];
    assert_eq!(step(&brief(), &anna, &[], noon()), Step::Try(Channel::Email));
    let refused = [tried(Channel::Email, Attempt::Failed, 1)];
    assert_eq!(step(&brief(), &anna, &refused, noon()), Step::Try(Channel::Sms));
    // Silent at noon, and not at night.
    anna.choices.quiet = Some(QuietHours { from: 10, to: 14 });
    let until = Day(20_261_122).start(ZONE).plus_seconds(14 * 3600);
    assert_eq!(step(&brief(), &anna, &refused, noon()), Step::Wait(until));
    assert_eq!(step(&brief(), &anna, &refused, night()), Step::Try(Channel::Sms));
    anna.choices.quiet = Some(QuietHours { from: 0, to: 0 });
    assert_eq!(step(&brief(), &anna, &refused, noon()), Step::Try(Channel::Sms), "no hours at all");
}

#[test]
fn what_was_taken_back_or_is_over_goes_nowhere() {
    let cancelled = Brief { cancelled: true, ..brief() };
    assert_eq!(step(&cancelled, &person(), &[], noon()), Step::End(NoticeState::Stopped));
    let over = Brief { valid_until: Some(noon()), ..brief() };
    assert_eq!(step(&over, &person(), &[], noon()), Step::End(NoticeState::Stopped));
    assert_eq!(step(&over, &person(), &[], noon().plus_seconds(-1)), Step::Try(Channel::Max));
    // A channel that was to be tried again has failed first: what it would have cost is given back.
    let open = [tried(Channel::Sms, Attempt::Trying, 2)];
    for brief in [&cancelled, &over] {
        assert_eq!(step(brief, &person(), &open, noon()), Step::GiveUp(Channel::Sms, STOPPED));
    }
    let nobody = next_step(&brief(), None, &open, &company(), (noon(), ZONE));
    assert_eq!(nobody, Step::GiveUp(Channel::Sms, STOPPED), "the resident left");
}

#[test]
fn phones_are_told_from_other_numbers() {
    for (typed, digits) in [
        ("+7 900 111-22-33", Some("79001112233")),
        ("8 (912) 345-67-89", Some("79123456789")),
        ("9123456789", Some("79123456789")),
        ("", None),
        ("351 200", None),
        ("+1 202 555 0100 99", None),
    ] {
        assert_eq!(phone_digits(typed).as_deref(), digits, "{typed}");
    }
}

#[test]
fn to_be_asked_to_wait_counts_only_after_a_day() {
    let later = |seconds: i64| noon().plus_seconds(seconds);
    assert!(is_patient(noon(), noon()) && is_patient(later(24 * 3600 - 1), noon()));
    assert!(!is_patient(later(24 * 3600), noon()) && !is_patient(later(72 * 3600), noon()));
}

#[test]
fn pauses_grow_and_end() {
    let pauses: Vec<Option<i64>> =
        (1..=MOST_ATTEMPTS).map(|n| retry_at(noon(), n).map(|at| (at.0 - noon().0) / 60_000)).collect();
    assert_eq!(pauses, [Some(1), Some(5), Some(15), Some(60), Some(180), None]);
}
