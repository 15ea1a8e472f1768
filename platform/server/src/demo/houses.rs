//! Houses of the made-up town: their common property and what their meters show, functions of (seed, house, month).

use kabinet_billing::houses::{self, HouseVolume};
use kabinet_core::{Actor, Period, Quantity};
use kabinet_meters::Resource;
use kabinet_meters::houses::{self as meters, NewHouseMeter};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Town;
use super::city::{BLOCK, City, Dwelling};
use super::dials::Dial;
use crate::composition::App;

/// Of the area of all premises, the common property has so many hundredths.
const COMMON: i64 = 18;
/// Litres that a person without a meter counts for in a month: the norm.
const NORM: u64 = 4_200;
/// What a square metre takes in a heating month of the year, millionths of a Гкал.
const HEAT: i64 = 33_429;
/// What each month takes, in hundredths of a heating month.
const SEASON: [i64; 12] = [135, 125, 100, 55, 5, 0, 0, 0, 0, 65, 100, 130];

/// A block of flats.
struct Block {
    number: u64,
    id: Uuid,
    code: String,
    area: Quantity,
}

fn blocks(city: &City, accounts: u64) -> Vec<Block> {
    let flats = city.houses(0..accounts).into_iter().filter(|house| house.has_flats);
    let block = |(number, house): (u64, kabinet_accounts::registry::NewHouse)| {
        let area = rooms(number, accounts).map(|account| city.account(account).area.0).sum();
        Block { number, id: house.id, code: house.code, area: Quantity(area) }
    };
    (0..).zip(flats).map(block).collect()
}

/// The accounts of a block, without the private house beside it.
fn rooms(block: u64, accounts: u64) -> impl Iterator<Item = u64> {
    let numbers = block * BLOCK..accounts.min((block + 1) * BLOCK);
    numbers.filter(|number| Dwelling::of(*number) != Dwelling::PrivateHouse)
}

/// States the areas of all blocks, before the first month is billed.
pub(super) async fn areas(app: &App, town: &Town) -> anyhow::Result<()> {
    let mut tx = app.db.begin(&town.tenant, Actor::System).await?;
    for block in blocks(&town.city, town.origin.accounts) {
        let common = Quantity(block.area.0 / 100 * COMMON);
        houses::set_areas(&mut tx, &block.code, town.city.first, None, common).await?;
    }
    Ok(tx.commit().await?)
}

/// Blocks whose meter of cold water is kept with its readings. Of the first one the volumes are stated as well, of
/// the second they come from the readings alone.
const KEPT: u64 = 2;

/// States what the house meters measured in `month`; before the first one is billed, in the year before as well.
pub(super) async fn volumes(app: &App, town: &Town, month: Period) -> anyhow::Result<()> {
    let mut from = if month == town.city.first { Period((month.year() - 1) * 100 + 1) } else { month };
    let blocks = blocks(&town.city, town.origin.accounts);
    let mut stated = Vec::new();
    while from <= month {
        for block in &blocks {
            let heat = heat(town, block, from).map(|volume| ("heating", "ТВ7", volume));
            let water = water(town, block, from).map(|volume| ("cold_water", "ВСХН-65", volume));
            let water = water.filter(|_| block.number != KEPT - 1 || from < town.city.first);
            for (service, model, volume) in heat.into_iter().chain(water) {
                stated.push((block.id, shown(town, block, from, service, model, volume)));
            }
        }
        from = from.next();
    }
    let tx = app.db.begin(&town.tenant, Actor::System).await?;
    houses::set_volumes(&tx, &stated).await?;
    tx.commit().await?;
    for block in blocks.iter().filter(|block| block.number < KEPT) {
        if let Some(volume) = water(town, block, month) {
            read(app, town, block, month, volume).await?;
        }
    }
    Ok(())
}

/// Reads the block's meter of cold water at the end of `month`; the first time it is put into service before.
async fn read(app: &App, town: &Town, block: &Block, month: Period, volume: Quantity) -> anyhow::Result<()> {
    let mut tx = app.db.begin(&town.tenant, Actor::System).await?;
    let id = match meters::list(&tx, &block.code).await?.first() {
        Some(known) => known.meter.id,
        None => meters::install(&mut tx, &block.code, &installation(town, block, month)).await?,
    };
    let known = meters::find(&tx, id).await?;
    if known.readings.first().is_none_or(|last| last.period < month) {
        let shown = known.readings.first().map(|last| last.value).unwrap_or_default();
        let estimates = app.billing.estimates();
        meters::take_down(&mut tx, &*estimates, id, (month.last_day(), shown + volume), false).await?;
    }
    Ok(tx.commit().await?)
}

fn installation(town: &Town, block: &Block, month: Period) -> NewHouseMeter {
    NewHouseMeter {
        resource: Resource::ColdWater,
        serial: serial(town, block, "ВСХН-65"),
        place: "подвал, водомерный узел".to_owned(),
        model: "ВСХН-65".to_owned(),
        digits: 6,
        factor: 1,
        installed_on: month.previous().last_day(),
        verified_until: Some(month.plus(40).last_day()),
        initial: Quantity::whole(12_000),
    }
}

/// Every other house of a heat supplier has a meter; the others pay by norm.
fn heat(town: &Town, block: &Block, month: Period) -> Option<Quantity> {
    let heats = town.resources.contains(&Resource::HotWater);
    if !heats || !block.number.is_multiple_of(2) {
        return None;
    }
    let season = SEASON.get(usize::try_from(month.month()).ok()?.checked_sub(1)?)?;
    let insulated = 88 + i64::try_from(town.city.chance.draw("insulated", block.number, 0, 20)).ok()?;
    let square_metres = block.area.decimal();
    let volume = square_metres * Decimal::new(HEAT * season * insulated, 10);
    Quantity::from_decimal(volume.round_dp(2))
}

/// What all rooms use and some per cent more: stairs are washed, pipes drip.
fn water(town: &Town, block: &Block, month: Period) -> Option<Quantity> {
    if !town.resources.contains(&Resource::ColdWater) {
        return None;
    }
    let city = &town.city;
    let mut litres: i64 = 0;
    for number in rooms(block.number, town.origin.accounts).filter(|number| !city.closed_in(*number, month)) {
        let dials = Dial::of(city, number, &[Resource::ColdWater]);
        let metered = dials.iter().flat_map(|dial| dial.consumption(city, month)).map(|volume| volume.0 / 10_000);
        let norm = u64::from(city.registered(number).max(1)) * NORM;
        litres += if dials.is_empty() { i64::try_from(norm).ok()? } else { metered.sum() };
    }
    let more = 108 + i64::try_from(city.chance.draw("rest", block.number, month.0, 6)).ok()?;
    // House meters of this size count whole cubic metres.
    Some(Quantity::whole(litres * more / 100_000))
}

fn shown(town: &Town, block: &Block, month: Period, service: &str, model: &str, volume: Quantity) -> HouseVolume {
    HouseVolume {
        service: service.to_owned(),
        period: month,
        volume,
        serial: serial(town, block, model),
        previous: None,
        current: None,
    }
}

fn serial(town: &Town, block: &Block, model: &str) -> String {
    let number = town.city.chance.draw("house serial", block.number, 0, 90_000) + 10_000;
    format!("{model} {number}")
}
