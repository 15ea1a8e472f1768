//! Readings that come while a month is billed, and after it: no bill loses them, none charges them twice.

use kabinet_tests::{Browser, Server, runs};
use rust_decimal::Decimal;
use serde_json::json;

use crate::faults::recalculated;
use crate::{COMPANY, Water, case, charged, deed, holder, send, typed, water};

pub(crate) fn a_calculation_is_given_up_when_staff_change_what_it_was_made_of(server: &Server) {
    let mut staff = server.staff(COMPANY);
    let water = water(server, &mut staff, 16);
    let run = runs::calculate(&mut staff, "2026-11");
    let said = json!({ "on": "2026-11-20", "values": [typed(water.last() + Decimal::ONE)], "source": "phone" });
    deed(&mut staff, &water.id, "readings", &said).expect(200);
    let now = staff.call("GET", &run, None).expect(200).json();
    assert_eq!(now["state"], "failed");
    assert!(now["problem"].as_str().is_some_and(|why| why.contains("рассчитайте месяц заново")), "{now}");
    staff.call("POST", &format!("{run}/publish"), None).expect(422);
}

/// Meters whose residents sent November's value too late for its bill.
pub(crate) struct Late {
    /// Before the bill was published.
    before: Water,
    /// After it.
    after: Water,
}

/// Bills and publishes November.
pub(crate) fn sent_while_november_is_billed(server: &Server) -> Late {
    let mut staff = server.staff(COMPANY);
    let [billed, before, after] = [19, 17, 18].map(|place| water(server, &mut staff, place));
    send(&mut holder(server, &billed).browser, &billed.id, &typed(billed.last() + Decimal::ONE), false).expect(303);
    let run = runs::calculate(&mut staff, "2026-11");
    let period = |staff: &mut Browser, water: &Water| case(staff, &water.id)["readings"][0]["period"].clone();

    let mut person = holder(server, &before);
    send(&mut person.browser, &before.id, &typed(before.last() + Decimal::TWO), false).expect(303);
    assert_eq!(period(&mut staff, &before), "2026-11");
    staff.call("POST", &format!("{run}/publish"), None).expect(200);
    assert_eq!(period(&mut staff, &before), "2026-12");
    assert_eq!(period(&mut staff, &billed), "2026-11", "its bill was made of it");
    assert_eq!(charged(server, &billed.known, 202_611).0, Decimal::ONE);

    let mut person = holder(server, &after);
    let sent = send(&mut person.browser, &after.id, &typed(after.last() + Decimal::from(3)), false).expect(303);
    let text = person.browser.page(sent.location()).text();
    assert!(text.contains("войдут в квитанцию за декабрь 2026"), "{text}");
    assert_eq!(period(&mut staff, &after), "2026-12");
    Late { before, after }
}

pub(crate) fn december_counts_from_what_november_was_charged_to(server: &Server, late: &Late) {
    for (water, volume) in [(&late.before, 2), (&late.after, 3)] {
        let (_, november, method) = charged(server, &water.known, 202_611);
        assert_eq!(method, "average");
        let (december, _, method) = charged(server, &water.known, 202_612);
        assert_eq!((december, method.as_str()), (Decimal::from(volume), "meter"));
        assert_eq!(recalculated(server, water, "2026-12", "Холодное водоснабжение"), -november);
    }
}
