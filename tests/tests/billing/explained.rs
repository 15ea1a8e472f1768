//! «Почему счёт изменился» over what the standard plugin really leaves behind: what changed in the account's life is the
//! only cause that the reader sees.

use kabinet_billing::charges;
use kabinet_billing::difference::{Cause, Difference};
use kabinet_contracts::AccountId;
use kabinet_core::{Actor, Money};
use kabinet_tests::{Kind, block_on, on_both_databases};

use crate::house::House;
use crate::{OCTOBER, SEPTEMBER, billed, publish};

on_both_databases![a_person_who_moves_in_is_the_cause_of_water_waste_and_wastewater];

/// The account's two months beside each other.
async fn difference(house: &House, account: AccountId) -> Vec<(String, Cause, Money)> {
    let tx = house.db.read(&house.tenant, Actor::System).await.expect("a transaction");
    let months = charges::months(&tx, account).await.expect("months");
    assert_eq!(months.iter().map(|month| month.period).collect::<Vec<_>>(), [OCTOBER, SEPTEMBER]);
    let after = charges::frozen(&tx, account, months[0].run_id).await.expect("a month");
    let before = charges::frozen(&tx, account, months[1].run_id).await.expect("a month");
    let found = Difference::between(&before, &after);
    assert_eq!(found.steps.iter().map(|step| step.amount).sum::<Money>(), found.to - found.from);
    found.steps.into_iter().map(|step| (step.service, step.cause, step.amount)).collect()
}

fn a_person_who_moves_in_is_the_cause_of_water_waste_and_wastewater(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 2).await;
        let [grown, same] = house.accounts[..] else { panic!("two accounts") };
        for account in [grown, same] {
            // Cold water by norm; electricity has its meter still.
            let gone = "UPDATE meter SET removed_on = 20250825
                        WHERE tenant_id = $1 AND account_id = $2 AND service_code = 'cold_water'";
            assert_eq!(house.execute(gone, vec![account.into()]).await, 1);
        }
        let third = "INSERT INTO occupancy (tenant_id, account_id, from_on, registered, temporary, owners)
                     SELECT tenant_id, id, 20251016, 3, 0, 1 FROM account WHERE tenant_id = $1 AND id = $2";
        assert_eq!(house.execute(third, vec![grown.into()]).await, 1);
        for period in [SEPTEMBER, OCTOBER] {
            publish(&house, billed(&house, period).await).await;
        }
        // 15 days of two people and 16 of three are 2.516129 people: 12.2032257 m³ after 9.7, at 39.56 and 26.41, and
        // 124.58 for each person.
        let expected = [("Холодная вода", 9903), ("Водоотведение", 6611), ("Обращение с ТКО", 6430)];
        let expected = expected.map(|(service, amount)| (service.to_owned(), Cause::People, Money(amount)));
        assert_eq!(difference(&house, grown).await, expected);
        assert!(difference(&house, same).await.is_empty(), "nobody moved there");
    });
}
