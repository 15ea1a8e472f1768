// Generated from the contract by `plugins/build --layout`: do not edit. Where each field lies by the
// canonical ABI of components, bytes from the beginning; SIZE is the distance in a list.
export enum DecimalAt { mantissa = 0, scale = 8, SIZE = 16 }
export enum PeriodAt { year = 0, month = 2, SIZE = 4 }
export enum ParameterAt { name = 0, value = 8, SIZE = 24 }
export enum PriceAt { zone = 0, above = 8, amount = 24, SIZE = 40 }
export enum ServiceTableAt { code = 0, kind = 8, rule = 12, unit = 20, prices = 24, norm = 32, coefficient = 56, parameters = 80, SIZE = 88 }
export enum HouseVolumeAt { service = 0, houseMeter = 8, roomsVolume = 32, meteredArea = 48, SIZE = 64 }
export enum HouseAt { roomsArea = 0, commonArea = 16, volumes = 32, SIZE = 40 }
export enum ZoneReadingAt { zone = 0, previous = 8, current = 24, history = 48, SIZE = 56 }
export enum MeterAt { state = 0, missedPeriods = 1, zones = 4, SIZE = 12 }
export enum AveragedMonthAt { period = 0, volume = 8, charged = 24, SIZE = 32 }
export enum ConsumptionAt { service = 0, meters = 4, meterPossible = 12, averaged = 16, parameters = 24, SIZE = 32 }
export enum SpanAt { fromDay = 0, toDay = 1, residents = 2, owners = 4, area = 8, SIZE = 24 }
export enum AbsenceAt { residents = 0, days = 2, SIZE = 4 }
export enum AccountAt { index = 0, premises = 4, area = 8, residents = 24, owners = 26, house = 28, spans = 36, absences = 44, services = 52, SIZE = 64 }
export enum BatchAt { period = 0, parameters = 4, tables = 12, houses = 20, accounts = 28, SIZE = 36 }
export enum TermAt { operation = 0, role = 1, value = 8, unit = 24, SIZE = 32 }
export enum PartAt { zone = 0, above = 8, volume = 24, tariff = 40, amount = 56, SIZE = 72 }
export enum RecalculationAt { basis = 0, period = 2, amount = 8, SIZE = 24 }
export enum LineAt { service = 0, method = 2, reason = 3, volume = 8, parts = 24, norm = 32, coefficient = 56, amount = 80, excess = 96, recalculations = 112, trace = 120, SIZE = 128 }
export enum AccountChargesAt { index = 0, lines = 4, SIZE = 12 }
export enum InfoAt { id = 0, version = 8, rules = 16, SIZE = 24 }
export enum AccountFailureAt { index = 0, service = 4, message = 8, SIZE = 16 }
export enum TableFailureAt { service = 0, message = 4, SIZE = 12 }
export enum FailureAt { payload = 4 }
export enum CalculateAt { payload = 4, SIZE = 24 }
export enum OptionAt { decimal = 8, reason = 1, u16 = 2, u32 = 4 }
