//! People who were away: from the sixth full day on, only where nothing could count that nobody was there, and never
//! more people than live there.

use kabinet_accounts::absences::{self, NewAbsence};
use kabinet_contracts::AccountId;
use kabinet_core::{Day, Money};
use kabinet_tests::{Kind, block_on, on_both_databases};
use uuid::Uuid;

use crate::house::House;
use crate::{SEPTEMBER, billed, charge};

on_both_databases![
    an_absence_counts_from_the_sixth_full_day_on,
    an_absence_gives_the_norm_back_only_where_an_act_says_that_no_meter_can_be,
    no_more_people_are_away_than_live_there,
];

/// Records that `residents` left on one day and came back on another.
async fn away(
    house: &House,
    account: AccountId,
    residents: u32,
    (from, to): (i32, i32),
) -> Result<(), kabinet_accounts::Error> {
    let new =
        NewAbsence { residents, from: Day(from), to: Day(to), document: "билеты на поезд".to_owned() };
    let mut tx = house.begin().await;
    absences::record(&mut tx, &*house.billing.estimates(), account, &new).await?;
    Ok(tx.commit().await?)
}

/// Two people's waste is 2 × 124.58 = 249.16 a month.
fn an_absence_counts_from_the_sixth_full_day_on(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 3).await;
        let [five, six, before] = house.accounts[..] else { panic!("three accounts") };
        // 2 to 6 September; 2 to 7 September; 29 August to 3 September, of which three days are September's.
        for (account, days) in
            [(five, (20_250_901, 20_250_907)), (six, (20_250_901, 20_250_908)), (before, (20_250_828, 20_250_904))]
        {
            away(&house, account, 1, days).await.expect("recorded");
        }
        let run = billed(&house, SEPTEMBER).await;
        // 124.58 × 6 ÷ 30 = 24.916; 124.58 × 3 ÷ 30 = 12.458.
        for (account, back) in [(five, 0), (six, -2492), (before, -1246)] {
            let waste = charge(&house, run, account, "waste").await;
            assert_eq!((waste.charged, waste.recalculation), (Money(24_916), Money(back)));
        }
    });
}

/// None of these services has a raising coefficient: that one is missing is no proof that no meter can be installed.
fn an_absence_gives_the_norm_back_only_where_an_act_says_that_no_meter_can_be(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 2).await;
        let [without, with_act] = house.accounts[..] else { panic!("two accounts") };
        house.execute("UPDATE meter SET removed_on = 20250801 WHERE tenant_id = $1", Vec::new()).await;
        let act =
            "INSERT INTO meter_impossibility (tenant_id, id, account_id, service_code, since, document, recorded_at)
                   SELECT tenant_id, $2, id, 'cold_water', 20250801, 'Акт № 1', 0 FROM account
                   WHERE tenant_id = $1 AND id = $3";
        assert_eq!(house.execute(act, vec![Uuid::now_v7().into(), with_act.into()]).await, 1);
        for account in [without, with_act] {
            away(&house, account, 1, (20_250_901, 20_250_908)).await.expect("recorded");
        }
        let run = billed(&house, SEPTEMBER).await;
        // 2 × 4.85 × 39.56 = 383.732; 4.85 × 6 ÷ 30 = 0.97 m³ go back: 38.3732, and as much wastewater: 25.6177.
        // 2 × 92 × 4.77 = 877.68 for electricity, of which no act says anything.
        for (account, water, drained) in [(without, 0, 0), (with_act, -3837, -2562)] {
            let charged = async |service: &str| {
                let charge = charge(&house, run, account, service).await;
                (charge.charged, charge.recalculation)
            };
            assert_eq!(charged("cold_water").await, (Money(38_373), Money(water)));
            assert_eq!(charged("wastewater").await, (Money(25_618), Money(drained)));
            assert_eq!(charged("electricity").await, (Money(87_768), Money::ZERO));
            assert_eq!(charged("waste").await.1, Money(-2492), "nothing ever measures waste");
        }
    });
}

/// Two live there until the 14th of September, one from the 15th on.
fn no_more_people_are_away_than_live_there(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 1).await;
        let account = house.accounts[0];
        // Each has a document: 2 to 19 September and 11 to 29 September.
        away(&house, account, 1, (20_250_901, 20_250_920)).await.expect("one of them");
        away(&house, account, 1, (20_250_910, 20_250_930)).await.expect("the other");
        let third = away(&house, account, 1, (20_250_912, 20_250_925)).await.expect_err("there is no third");
        assert_eq!(third.code(), "accounts.away_already");
        assert!(third.to_string().contains("13.09.2025"), "{third}");
        // The day of return is not one of absence.
        away(&house, account, 2, (20_250_930, 20_251_010)).await.expect("both, afterwards");
        let sql = "INSERT INTO occupancy (tenant_id, account_id, from_on, registered, temporary, owners)
                   SELECT tenant_id, id, 20250915, 1, 0, 1 FROM account WHERE tenant_id = $1 AND id = $2";
        assert_eq!(house.execute(sql, vec![account.into()]).await, 1);
        let run = billed(&house, SEPTEMBER).await;
        let waste = charge(&house, run, account, "waste").await;
        // (2 × 14 + 1 × 16) ÷ 30 = 1.4666667 people × 124.58 = 182.7173…; away were 9 days × 1, 4 days × 2, 5 days × 1
        // and 10 days × 1 = 32 of 44 days: 0.4 people × 124.58 = 49.832 stay.
        assert_eq!((waste.charged, waste.recalculation), (Money(18_272), Money(-13_289)));
    });
}
