//! A receipt says all that the form of order 43/пр asks for, from the meters to the page.

use kabinet_billing::catalog::{self, Variant};
use kabinet_billing::instalments::{self, NewPlan};
use kabinet_billing::receipts::{Size, Wanted};
use kabinet_billing::runs::document_ids::{self, NewDocumentId};
use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Day, Money, Period, Quantity};
use kabinet_plugin_host::api::{Premises, Price, Zone};
use kabinet_render::typeset::LARGE_TEMPLATE;
use kabinet_tests::pdf::Pdf;
use kabinet_tests::{Kind, block_on, on_both_databases};
use rust_decimal::Decimal;
use sea_orm::FromQueryResult;

use crate::averages::read;
use crate::house::{House, tariffs};
use crate::{OCTOBER, SEPTEMBER, billed, publish};

on_both_databases![a_bill_by_zones_says_all_of_the_form, large_print_is_made_with_the_template_of_its_run,];

/// A room with a meter of three zones and one of cold water that nobody read in October, and a flat that pays for
/// electricity by ranges.
async fn house(kind: Kind) -> House {
    let house = House::new(kind, 2).await;
    let mut terms = tariffs();
    let water = terms.iter_mut().find(|tariff| tariff.service == "cold_water").expect("cold water");
    let room = Variant { premises: vec![Premises::Room], norm: Some(Decimal::new(333, 2)), ..Variant::default() };
    water.terms.variants.push(room);
    let electricity = terms.iter_mut().find(|tariff| tariff.service == "electricity").expect("electricity");
    let price = |zone, above: i64, kopecks: i64| Price { zone, above: above.into(), amount: Decimal::new(kopecks, 2) };
    electricity.terms.prices.extend([
        price(Zone::WholeDay, 80, 620),
        price(Zone::Night, 0, 305),
        price(Zone::Peak, 0, 817),
        price(Zone::HalfPeak, 0, 629),
    ]);
    let mut tx = house.begin().await;
    catalog::set_tariffs(&mut tx, &terms).await.expect("stored");
    tx.commit().await.expect("committed");
    let room = house.accounts[0];
    for (month, value) in (202_502..).zip((76..100).step_by(4)) {
        read(&house, room, month, value).await;
    }
    let of_room = |sql: &'static str| house.execute(sql, vec![room.into()]);
    of_room(
        "UPDATE premises SET kind = 'room' WHERE tenant_id = $1
         AND id = (SELECT premises_id FROM account WHERE tenant_id = $1 AND id = $2)",
    )
    .await;
    of_room(
        "DELETE FROM reading WHERE tenant_id = $1 AND account_id = $2 AND period = 202510
         AND meter_id = (SELECT id FROM meter WHERE tenant_id = $1 AND account_id = $2 AND service_code = 'cold_water')",
    )
    .await;
    zones(&house, room).await;
    house
}

/// 50 kWh in each zone in September; 61.5 at the peak, 38.2 at night and 84.3 in between in October.
async fn zones(house: &House, room: AccountId) {
    let meter = "UPDATE meter SET zones = 3 WHERE tenant_id = $1 AND account_id = $2 AND service_code = 'electricity'";
    assert_eq!(house.execute(meter, vec![room.into()]).await, 1);
    let tenths = |tenths: i64| Quantity(tenths * 1_000_000);
    for (period, values) in
        [(202_508, [1000, 1000, 1000]), (202_509, [1500, 1500, 1500]), (202_510, [2115, 1882, 2343])]
    {
        let sql = "UPDATE reading SET value_t1 = $4, value_t2 = $5, value_t3 = $6
                   WHERE tenant_id = $1 AND account_id = $2 AND period = $3 AND meter_id =
                     (SELECT id FROM meter WHERE tenant_id = $1 AND account_id = $2 AND service_code = 'electricity')";
        let [peak, night, between] = values.map(|value| tenths(value).into());
        let values = vec![room.into(), Period(period).into(), peak, night, between];
        assert_eq!(house.execute(sql, values).await, 1);
    }
}

/// A debt of September's upkeep in three parts from October on, at 7 % a year.
async fn in_instalments(house: &House, account: AccountId) {
    let plan = NewPlan {
        service: "maintenance".into(),
        total: Money(90_000),
        parts: 3,
        from: OCTOBER,
        percent: Decimal::from(7),
        basis: "соглашение № 5".into(),
    };
    let mut tx = house.begin().await;
    instalments::agree(&mut tx, account, &plan).await.expect("agreed");
    tx.commit().await.expect("committed");
}

async fn assign(house: &House, run: RunId, ids: &[(AccountId, &str)]) -> Result<(), &'static str> {
    let new =
        ids.iter().map(|(account, id)| NewDocumentId { account: *account, kind: "main".into(), id: (*id).to_owned() });
    let tx = house.begin().await;
    document_ids::assign(&tx, run, &new.collect::<Vec<_>>()).await.map_err(|error| error.code())?;
    tx.commit().await.expect("committed");
    Ok(())
}

async fn printed(house: &House, account: AccountId, size: Size, period: Period) -> String {
    let wanted = Wanted { account, period, kind: None, size, with_code: true };
    let printed = house.billing.receipts().print(&house.tenant, wanted).await.expect("a receipt");
    Pdf::new(&printed.pdf).text()
}

fn a_bill_by_zones_says_all_of_the_form(kind: Kind) {
    block_on(async {
        let house = house(kind).await;
        let [room, flat] = house.accounts[..] else { panic!("two accounts") };
        publish(&house, billed(&house, SEPTEMBER).await).await;
        in_instalments(&house, room).await;
        house.go_to(Day(20_251_121));
        let october = billed(&house, OCTOBER).await;
        names_of_gis(&house, october, [room, flat]).await;

        let large = printed(&house, room, Size::Large, OCTOBER).await;
        for words in [
            "ИД ПД: 75ДА533315-01-5101",
            // 502.455 + 116.51 + 530.247 = 1 149.212 ₽ is rounded once.
            "Т1, пик: 61,5 кВт·ч по тарифу 8,17 ₽, 502,46 ₽.",
            "Т2, ночь: 38,2 кВт·ч по тарифу 3,05 ₽, 116,51 ₽.",
            "Т3, полупик: 84,3 кВт·ч по тарифу 6,29 ₽, 530,24 ₽. Начислено: 1 149,21 ₽.",
            "Электроэнергия, Т1, пик, № Э-0 Было: 150, стало: 211,5. Объём: 61,5 кВт·ч, по показаниям.",
            "Холодная вода, № В-0 Было: 104. Объём: 4 м³, по среднему: показания не переданы.",
            "Норматив: Холодная вода 3,33 м³ на человека",
            // 900 ₽ × 7 % × 31 ÷ 365 = 5.35 ₽.
            "входит в сумму выше: Содержание За этот месяц: 1 560,00 ₽. За прошлые месяцы: 300,00 ₽. \
             Проценты (7 %): 5,35 ₽. К оплате: 1 865,35 ₽",
        ] {
            assert!(large.contains(words), "{words}: {large}");
        }
        let usual = printed(&house, room, Size::Usual, OCTOBER).await;
        for words in ["75ДА533315-01-5101", "Т1, пик", "8,17", "502,46", "530,24", "1 149,21", "3,33", "1 865,35"]
        {
            assert!(usual.contains(words), "{words}: {usual}");
        }
        let large = printed(&house, flat, Size::Large, OCTOBER).await;
        for words in [
            "начальный объём: 80 кВт·ч по тарифу 4,77 ₽, 381,60 ₽.",
            "свыше 80 кВт·ч: 20 кВт·ч по тарифу 6,20 ₽, 124,00 ₽. Начислено: 505,60 ₽.",
            "Норматив: Холодная вода 4,85 м³ на человека",
        ] {
            assert!(large.contains(words), "{words}: {large}");
        }
        assert!(!large.contains("ИД ПД") && !large.contains("Рассрочка"), "{large}");
    });
}

/// Names receipts of a month that is calculated, and publishes it: from then on they stay.
async fn names_of_gis(house: &House, run: RunId, [room, flat]: [AccountId; 2]) {
    let (named, other) = ("75ДА533315-01-5101", "75ДА533316-01-5101");
    let nobody = AccountId(uuid::Uuid::now_v7());
    for wrong in [&[(room, "75ДА533315")][..], &[(room, named), (flat, named)], &[(room, named), (nobody, other)]] {
        assert_eq!(assign(house, run, wrong).await, Err("billing.invalid"), "{wrong:?}");
    }
    let unknown = RunId(uuid::Uuid::now_v7());
    assert_eq!(assign(house, unknown, &[(room, named)]).await, Err("billing.no_such_run"));
    assert_eq!(assign(house, run, &[(room, named), (flat, other)]).await, Ok(()));
    assert_eq!(assign(house, run, &[(flat, named)]).await, Err("billing.invalid"), "it is the room's");
    assert_eq!(assign(house, run, &[(flat, "")]).await, Ok(()), "taken back");
    publish(house, run).await;
    assert_eq!(assign(house, run, &[(flat, other)]).await, Err("billing.receipts_frozen"));
}

#[derive(FromQueryResult)]
struct Source {
    source: String,
}

fn large_print_is_made_with_the_template_of_its_run(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 1).await;
        let run = billed(&house, SEPTEMBER).await;
        let tx = house.begin().await;
        let own = "SELECT t.source FROM billing_run r
                   JOIN receipt_template t ON t.tenant_id = r.tenant_id AND t.hash = r.large_template_hash
                   WHERE r.tenant_id = $1 AND r.id = $2";
        let own: Vec<Source> = tx.rows(own, vec![run.into()]).await.expect("a template");
        assert!(own.len() == 1 && own[0].source == LARGE_TEMPLATE, "the release's template is kept with the run");
        drop(tx);
        // As if a release before this one had calculated the month.
        let earlier = "INSERT INTO receipt_template (tenant_id, hash, source, installed_at)
                       SELECT tenant_id, 'earlier', $2, 0 FROM billing_run WHERE tenant_id = $1";
        let source = "Прежняя крупная печать, лицевой счёт {{ payer.account }}";
        assert_eq!(house.execute(earlier, vec![source.into()]).await, 1);
        let large = "UPDATE billing_run SET large_template_hash = 'earlier' WHERE tenant_id = $1";
        assert_eq!(house.execute(large, Vec::new()).await, 1);
        publish(&house, run).await;
        let account = house.accounts[0];
        let large = printed(&house, account, Size::Large, SEPTEMBER).await;
        assert!(large.contains("Прежняя крупная печать, лицевой счёт 0000000000"), "{large}");
        assert!(!printed(&house, account, Size::Usual, SEPTEMBER).await.contains("Прежняя"));
    });
}
