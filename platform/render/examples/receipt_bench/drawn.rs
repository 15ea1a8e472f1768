//! The same receipt drawn by hand: every text at a place fixed beforehand,
//! hairlines, the QR as a path.

use kabinet_render::format::{date, period, quantity, rub, rub_sign, tariff};
use kabinet_render::receipt::{ChargeLine, ReceiptData};
use krilla::Document;
use krilla::geom::{Path, PathBuilder, Point};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use qrcode::{Color, EcLevel, QrCode};
use rustybuzz::{Face, UnicodeBuffer};

use super::Failure;

static REGULAR: &[u8] = include_bytes!("../../fonts/PTSans-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../../fonts/PTSans-Bold.ttf");
static NARROW: &[u8] = include_bytes!("../../fonts/PTSansNarrow-Regular.ttf");
const LEFT: f32 = 34.0;
const WIDTH: f32 = 527.0;
const ROW: f32 = 13.5;

/// A font for shaping and for the PDF.
struct Hand {
    font: Font,
    face: Face<'static>,
}

impl Hand {
    fn new(data: &'static [u8]) -> Result<Self, Failure> {
        Ok(Self { font: Font::new(data.into(), 0).ok_or("font")?, face: Face::from_slice(data, 0).ok_or("face")? })
    }

    fn shape(&self, text: &str) -> (Vec<KrillaGlyph>, f32) {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        let shaped = rustybuzz::shape(&self.face, &[], buffer);
        let em = self.face.units_per_em() as f32;
        let infos = shaped.glyph_infos();
        let mut width = 0.0;
        let mut glyphs = Vec::with_capacity(infos.len());
        for (index, position) in shaped.glyph_positions().iter().enumerate() {
            let start = infos[index].cluster as usize;
            let end = infos.get(index + 1).map_or(text.len(), |next| next.cluster as usize);
            let advance = position.x_advance as f32 / em;
            width += advance;
            let id = GlyphId::new(infos[index].glyph_id);
            glyphs.push(KrillaGlyph::new(id, advance, 0.0, 0.0, 0.0, start..end, None));
        }
        (glyphs, width)
    }
}

/// The fonts, read once for many receipts.
pub(crate) struct Pen {
    regular: Hand,
    bold: Hand,
    narrow: Hand,
}

/// Where the next row goes.
struct Sheet<'a, 'b> {
    surface: &'a mut Surface<'b>,
    y: f32,
}

impl Sheet<'_, '_> {
    fn text(&mut self, hand: &Hand, size: f32, x: f32, text: &str) {
        let (glyphs, _) = hand.shape(text);
        let at = Point::from_xy(x, self.y);
        self.surface.draw_glyphs(at, &glyphs, hand.font.clone(), text, size, false);
    }

    fn text_right(&mut self, hand: &Hand, size: f32, x: f32, text: &str) {
        let (glyphs, width) = hand.shape(text);
        let at = Point::from_xy(x - width * size, self.y);
        self.surface.draw_glyphs(at, &glyphs, hand.font.clone(), text, size, false);
    }

    fn rule(&mut self) {
        let mut line = PathBuilder::new();
        line.move_to(LEFT, self.y + 3.5);
        line.line_to(LEFT + WIDTH, self.y + 3.5);
        if let Some(line) = line.finish() {
            self.surface.set_fill(None);
            self.surface.set_stroke(Some(Stroke { width: 0.4, ..Stroke::default() }));
            self.surface.draw_path(&line);
            self.surface.set_stroke(None);
            self.surface.set_fill(Some(Fill::default()));
        }
    }

    /// Texts of one row; those from `right_from` on end at their place.
    fn row(&mut self, hand: &Hand, places: &[f32], right_from: usize, texts: &[&str]) {
        for (index, text) in texts.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            let x = LEFT + places[index];
            if index < right_from {
                self.text(hand, 8.4, x, text);
            } else {
                self.text_right(hand, 8.4, x, text);
            }
        }
        self.rule();
        self.y += ROW;
    }
}

impl Pen {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self { regular: Hand::new(REGULAR)?, bold: Hand::new(BOLD)?, narrow: Hand::new(NARROW)? })
    }

    /// One receipt as PDF.
    pub(crate) fn draw(&self, receipt: &ReceiptData) -> Result<Vec<u8>, Failure> {
        let mut document = Document::new();
        let size = PageSettings::from_wh(595.0, 842.0).ok_or("page")?;
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        let mut sheet = Sheet { surface: &mut surface, y: 45.0 };
        self.head(&mut sheet, receipt);
        self.payment(&mut sheet, receipt);
        sheet.surface.draw_path(&qr_path(&receipt.qr_payload, (450.0, 100.0), 105.0)?);
        sheet.surface.draw_path(&qr_path(receipt.link_url.as_bytes(), (LEFT, 262.0), 71.0)?);
        sheet.text(&self.regular, 7.5, LEFT + 78.0, "Личный кабинет: код для привязки лицевого счёта, на один раз");
        sheet.text(&self.bold, 8.5, LEFT + 78.0, &receipt.link_code);
        sheet.y = 345.0;
        self.meters(&mut sheet, receipt);
        self.charges(&mut sheet, receipt);
        self.reference(&mut sheet, receipt);
        surface.finish();
        page.finish();
        document.finish().map_err(|error| format!("{error:?}").into())
    }

    fn head(&self, sheet: &mut Sheet<'_, '_>, receipt: &ReceiptData) {
        let (company, payer, supplier) = (&receipt.company, &receipt.payer, &receipt.supplier);
        sheet.text_right(&self.bold, 11.0, LEFT + WIDTH, &receipt.kind_title);
        sheet.text(&self.bold, 11.0, LEFT, &company.name);
        sheet.y += ROW;
        sheet.text_right(&self.bold, 15.0, LEFT + WIDTH, &period(receipt.period));
        let office = format!("{} · {}", company.address, company.hours);
        let contacts = format!("{} · {} · {}", company.phones.join(", "), company.site, company.email);
        let area = payer.area.map(quantity).unwrap_or_default();
        let residents = payer.residents.map(|count| count.to_string()).unwrap_or_default();
        let settlement = format!("р/с {}", supplier.settlement_account);
        let bank = format!("{}, БИК {}", supplier.bank_name, supplier.bic);
        let correspondent = format!("к/с {}", supplier.correspondent_account);
        let tax = format!("ИНН {}, КПП {}", supplier.inn, supplier.kpp);
        let titled = [
            ("", office.as_str()),
            ("", &contacts),
            ("Аварийно-диспетчерская служба", &company.dispatch),
            ("Лицевой счёт", &payer.account),
            ("ЕЛС", &payer.els),
            ("ИЖКУ", &payer.izhku),
            ("ИД ПД", &payer.payment_document_id),
            ("Плательщик", &payer.holder),
            ("Адрес", &payer.address),
            ("Общая площадь, м²", &area),
            ("Проживает, чел.", &residents),
            ("Получатель платежа", &supplier.name),
            ("", &tax),
            ("", &settlement),
            ("", &bank),
            ("", &correspondent),
        ];
        for (title, value) in titled {
            let x = if title.is_empty() { LEFT } else { LEFT + 130.0 };
            sheet.text(&self.regular, 7.5, LEFT, title);
            sheet.text(&self.regular, 8.5, x, value);
            sheet.y += ROW;
        }
    }

    fn payment(&self, sheet: &mut Sheet<'_, '_>, receipt: &ReceiptData) {
        let totals = &receipt.totals;
        sheet.y = 100.0;
        sheet.text(&self.regular, 9.5, 300.0, &format!("К оплате до {}", date(receipt.due_on)));
        sheet.y += 24.0;
        sheet.text(&self.bold, 21.0, 300.0, &rub_sign(totals.to_pay));
        sheet.y += 20.0;
        let sums = [
            ("Долг на начало месяца", totals.opening),
            ("Начислено", totals.charged),
            ("Сверх норматива (коэффициент)", totals.excess),
            ("Перерасчёт", totals.recalculation),
            ("Льготы", totals.benefits),
            ("Оплачено", totals.counted),
            ("К оплате", totals.to_pay),
        ];
        for (title, sum) in sums {
            sheet.text(&self.regular, 8.4, 300.0, title);
            sheet.text_right(&self.regular, 8.4, 450.0, &rub(sum));
            sheet.y += ROW;
        }
        if let Some(last) = receipt.last_payment {
            let text = format!("Последняя оплата {}: {}", date(last.paid_on), rub_sign(last.sum));
            sheet.text(&self.regular, 7.5, 300.0, &text);
        }
        sheet.text(&self.regular, 7.5, 470.0, "Оплата по QR-коду");
        sheet.y += ROW;
        sheet.text(&self.regular, 7.5, 470.0, "в приложении банка");
    }

    fn meters(&self, sheet: &mut Sheet<'_, '_>, receipt: &ReceiptData) {
        const PLACES: [f32; 8] = [0.0, 90.0, 170.0, 210.0, 527.0, 330.0, 390.0, 450.0];
        let titles =
            ["Услуга", "Заводской номер", "Ед.", "Как определён объём", "Поверка до", "Предыдущее", "Текущее", "Объём"];
        sheet.text(&self.bold, 9.0, LEFT, "2. Показания приборов учёта");
        sheet.y += ROW;
        sheet.row(&self.narrow, &PLACES, 4, &titles);
        for meter in &receipt.meters {
            let number = |value: Option<i64>| value.map(quantity).unwrap_or_default();
            let verified = meter.next_verification.map(date).unwrap_or_default();
            let (previous, current) = (number(meter.previous), number(meter.current));
            let volume = quantity(meter.volume);
            let texts = [
                meter.service.as_str(),
                &meter.serial,
                &meter.unit,
                &meter.method,
                &verified,
                &previous,
                &current,
                &volume,
            ];
            sheet.row(&self.narrow, &PLACES, 4, &texts);
        }
    }

    fn charges(&self, sheet: &mut Sheet<'_, '_>, receipt: &ReceiptData) {
        const PLACES: [f32; 17] = [
            0.0, 112.0, 134.0, 180.0, 265.0, 285.0, 310.0, 330.0, 355.0, 370.0, 395.0, 420.0, 440.0, 465.0, 480.0,
            505.0, 527.0,
        ];
        let titles = [
            "Услуга",
            "Ед.",
            "способ",
            "способ",
            "объём",
            "объём",
            "Тариф",
            "Начислено",
            "коэф.",
            "сумма",
            "Перерасчёт",
            "Льготы",
            "Всего за месяц",
            "Долг, аванс",
            "Пени",
            "Оплачено",
            "К оплате",
        ];
        sheet.text(&self.bold, 9.0, LEFT, "3. Расчёт размера платы");
        sheet.y += ROW;
        sheet.row(&self.narrow, &PLACES, 4, &titles);
        for group in &receipt.groups {
            sheet.text(&self.bold, 8.4, LEFT, &group.title);
            sheet.y += ROW;
            for line in &group.lines {
                let texts = charge_texts(line);
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                sheet.row(&self.narrow, &PLACES, 4, &texts);
            }
        }
        let totals = &receipt.totals;
        let sums = [
            totals.charged,
            totals.excess,
            totals.recalculation,
            totals.benefits,
            totals.accrued,
            totals.opening,
            totals.penalty,
            totals.counted,
            totals.to_pay,
        ];
        sheet.text(&self.bold, 8.4, LEFT, "Итого");
        for (place, sum) in PLACES[8..].iter().zip(sums) {
            sheet.text_right(&self.bold, 8.4, LEFT + place, &dash(sum));
        }
        sheet.y += ROW;
        self.bases(sheet, receipt);
    }

    fn bases(&self, sheet: &mut Sheet<'_, '_>, receipt: &ReceiptData) {
        for line in receipt.groups.iter().flat_map(|group| &group.lines) {
            if !line.recalculation_basis.is_empty() {
                let (service, basis) = (&line.service, &line.recalculation_basis);
                let sum = rub_sign(line.recalculation);
                let text = format!("Перерасчёт, {service}: {basis} ({sum}).");
                sheet.text(&self.regular, 7.5, LEFT, &text);
                sheet.y += ROW;
            }
            if !line.benefits_basis.is_empty() {
                let (service, basis) = (&line.service, &line.benefits_basis);
                let sum = rub_sign(-line.benefits);
                let text = format!("Льгота, {service}: {basis} ({sum}).");
                sheet.text(&self.regular, 7.5, LEFT, &text);
                sheet.y += ROW;
            }
        }
    }

    fn reference(&self, sheet: &mut Sheet<'_, '_>, receipt: &ReceiptData) {
        sheet.text(&self.bold, 9.0, LEFT, "4. Справочная информация");
        sheet.y += ROW;
        let top = sheet.y;
        for norm in &receipt.reference.norms {
            let number = |value: Option<i64>| value.map(quantity).unwrap_or_default();
            let (individual, common) = (number(norm.individual), number(norm.common));
            let texts = [norm.service.as_str(), &norm.unit, &individual, &common];
            sheet.row(&self.narrow, &[0.0, 100.0, 200.0, 240.0], 2, &texts);
        }
        let number = |value: Option<i64>| value.map(quantity).unwrap_or_default();
        for meter in &receipt.reference.house_meters {
            let title = format!("{}, № {}", meter.service, meter.serial);
            let (previous, current, volume) = (number(meter.previous), number(meter.current), number(meter.volume));
            let texts = [title.as_str(), &meter.unit, &previous, &current, &volume];
            sheet.row(&self.narrow, &[0.0, 120.0, 170.0, 205.0, 240.0], 2, &texts);
        }
        for total in &receipt.reference.house_totals {
            let (premises, common) = (number(total.premises), number(total.common));
            let texts = [total.service.as_str(), &total.unit, &premises, &common];
            sheet.row(&self.narrow, &[0.0, 120.0, 200.0, 240.0], 2, &texts);
        }
        for fact in &receipt.reference.house {
            sheet.row(&self.narrow, &[0.0, 240.0], 1, &[&fact.title, &fact.value]);
        }
        for note in &receipt.reference.notes {
            sheet.text(&self.regular, 7.5, LEFT, note);
        }
        sheet.y = top;
        for line in receipt.groups.iter().flat_map(|group| &group.lines) {
            sheet.row(&self.narrow, &[270.0, 380.0], 2, &[&line.service, &line.formula]);
        }
        let footer = format!("Лицевой счёт {} · {}", receipt.payer.account, period(receipt.period));
        sheet.y = 815.0;
        sheet.text(&self.regular, 7.0, LEFT, &footer);
    }
}

fn charge_texts(line: &ChargeLine) -> [String; 17] {
    let number = |value: Option<i64>| value.map_or_else(String::new, quantity);
    [
        line.service.clone(),
        line.unit.clone(),
        line.method.clone(),
        line.common_method.clone(),
        number(line.volume),
        number(line.common_volume),
        line.tariff.map_or_else(String::new, tariff),
        rub(line.charged),
        number(line.coefficient),
        dash(line.excess),
        dash(line.recalculation),
        dash(line.benefits),
        rub(line.accrued),
        dash(line.opening),
        dash(line.penalty),
        dash(line.counted),
        rub(line.to_pay),
    ]
}

fn dash(kopecks: i64) -> String {
    if kopecks == 0 { String::new() } else { rub(kopecks) }
}

/// A QR as one path, `side` points wide.
fn qr_path(payload: &[u8], corner: (f32, f32), side: f32) -> Result<Path, Failure> {
    let code = QrCode::with_error_correction_level(payload, EcLevel::M)?;
    let width = code.width();
    let module = side / width as f32;
    let colors = code.into_colors();
    let mut path = PathBuilder::new();
    for (y, row) in colors.chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let run = row[x..].iter().take_while(|color| **color == Color::Dark).count();
            if run > 0 {
                let (left, top) = (corner.0 + x as f32 * module, corner.1 + y as f32 * module);
                path.move_to(left, top);
                path.line_to(left + run as f32 * module, top);
                path.line_to(left + run as f32 * module, top + module);
                path.line_to(left, top + module);
                path.close();
            }
            x += run.max(1);
        }
    }
    path.finish().ok_or_else(|| "qr".into())
}
