//! The code as a picture: strokes that are turned, bent and crossed, black on white.

use rand::RngExt;
use rand::rngs::StdRng;

use super::{Code, between};

/// Pixels; shown at two thirds of that.
const WIDTH: usize = 420;
/// Pixels.
const HEIGHT: usize = 132;
/// Half the breadth of a digit's stroke.
const BREADTH: f32 = 4.6;
/// The height of a digit before it is scaled.
const TALL: f32 = 78.0;
/// Grey of paper and ink.
const PAPER: f32 = 250.0;
const INK: f32 = 22.0;

type Point = (f32, f32);

/// The picture of `code` as PNG.
pub(super) fn drawn(code: &Code, chance: &mut StdRng) -> Result<Vec<u8>, png::EncodingError> {
    let mut canvas = Canvas::default();
    let bend = Bend::new(chance);
    let step = (WIDTH as f32 - 40.0) / code.len() as f32;
    for (place, digit) in code.iter().enumerate() {
        let middle = (20.0 + step * (place as f32 + 0.5) + between(chance, -3.0, 3.0), HEIGHT as f32 / 2.0);
        let turn = Turn::new(middle, chance);
        for stroke in strokes(*digit) {
            let line: Vec<Point> = stroke.into_iter().map(|point| bend.moved(turn.moved(point))).collect();
            canvas.line(&line, BREADTH, INK);
        }
    }
    clutter(&mut canvas, chance);
    canvas.png()
}

/// Lines across all digits, some of ink and some of paper, so that neither ink nor gaps tell digits apart.
fn clutter(canvas: &mut Canvas, chance: &mut StdRng) {
    for (count, breadth, grey) in [(2, 1.3, INK), (3, 0.9, PAPER)] {
        for _ in 0..count {
            let (height, swing) = (between(chance, 30.0, HEIGHT as f32 - 30.0), between(chance, 12.0, 34.0));
            let (length, phase) = (between(chance, 90.0, 220.0), between(chance, 0.0, 6.3));
            let slope = between(chance, -0.12, 0.12);
            let at = |x: f32| height + slope * (x - WIDTH as f32 / 2.0) + swing * (x / length * 6.3 + phase).sin();
            let line: Vec<Point> = (0..=WIDTH).step_by(6).map(|x| (x as f32, at(x as f32))).collect();
            canvas.line(&line, breadth, grey);
        }
    }
    for _ in 0..60 {
        let spot = (between(chance, 0.0, WIDTH as f32), between(chance, 0.0, HEIGHT as f32));
        let end = (spot.0 + between(chance, -4.0, 4.0), spot.1 + between(chance, -4.0, 4.0));
        let grey = if chance.random() { INK } else { PAPER };
        canvas.line(&[spot, end], 1.1, grey);
    }
}

/// How one digit stands: turned, leaning, scaled.
struct Turn {
    middle: Point,
    sine: f32,
    cosine: f32,
    lean: f32,
    scale: Point,
}

impl Turn {
    fn new(middle: Point, chance: &mut StdRng) -> Self {
        let angle = between(chance, -0.24, 0.24);
        let scale = TALL / 1.5 * between(chance, 0.85, 1.1);
        Self {
            middle: (middle.0, middle.1 + between(chance, -9.0, 9.0)),
            sine: angle.sin(),
            cosine: angle.cos(),
            lean: between(chance, -0.18, 0.18),
            scale: (scale * between(chance, 0.85, 1.0), scale),
        }
    }

    fn moved(&self, (x, y): Point) -> Point {
        let (x, y) = ((x - 0.5) * self.scale.0, (y - 0.75) * self.scale.1);
        let x = x + self.lean * y;
        (self.middle.0 + x * self.cosine - y * self.sine, self.middle.1 + x * self.sine + y * self.cosine)
    }
}

/// How the whole picture is bent.
struct Bend {
    length: Point,
    phase: Point,
    depth: Point,
}

impl Bend {
    fn new(chance: &mut StdRng) -> Self {
        Self {
            length: (between(chance, 55.0, 90.0), between(chance, 110.0, 190.0)),
            phase: (between(chance, 0.0, 6.3), between(chance, 0.0, 6.3)),
            depth: (between(chance, 2.0, 4.5), between(chance, 3.0, 7.0)),
        }
    }

    fn moved(&self, (x, y): Point) -> Point {
        let right = self.depth.0 * (y / self.length.0 * 6.3 + self.phase.0).sin();
        let down = self.depth.1 * (x / self.length.1 * 6.3 + self.phase.1).sin();
        (x + right, y + down)
    }
}

/// The strokes of a digit in a box one wide and one and a half tall, as many short lines.
fn strokes(digit: u8) -> Vec<Vec<Point>> {
    let smooth = |points: &[Point]| fine(&rounded(&rounded(&rounded(points))));
    match digit {
        0 => vec![smooth(&ring((0.5, 0.75), (0.47, 0.78)))],
        1 => vec![fine(&[(0.12, 0.42), (0.58, 0.0), (0.58, 1.5)]), fine(&[(0.2, 1.5), (0.96, 1.5)])],
        2 => vec![
            smooth(&[(0.04, 0.45), (0.08, 0.0), (0.95, -0.12), (1.0, 0.5), (0.55, 0.95), (0.02, 1.5)]),
            fine(&[(0.02, 1.5), (1.0, 1.5)]),
        ],
        3 => vec![
            smooth(&[(0.05, 0.18), (0.2, -0.06), (0.98, -0.06), (0.95, 0.66), (0.38, 0.68)]),
            smooth(&[(0.38, 0.68), (1.02, 0.66), (1.08, 1.55), (0.15, 1.6), (0.0, 1.28)]),
        ],
        4 => vec![fine(&[(0.74, 1.5), (0.74, 0.0), (0.0, 1.05), (1.05, 1.05)])],
        5 => vec![
            fine(&[(0.94, 0.0), (0.2, 0.0), (0.12, 0.68)]),
            smooth(&[(0.12, 0.68), (0.4, 0.46), (1.05, 0.5), (1.08, 1.55), (0.2, 1.62), (0.0, 1.3)]),
        ],
        6 => six().into(),
        7 => vec![fine(&[(0.0, 0.02), (1.0, 0.02), (0.36, 1.5)])],
        8 => vec![smooth(&ring((0.5, 0.36), (0.38, 0.38))), smooth(&ring((0.5, 1.12), (0.48, 0.42)))],
        // A six upside down.
        _ => six().into_iter().map(|line| line.into_iter().map(|(x, y)| (1.0 - x, 1.5 - y)).collect()).collect(),
    }
}

fn six() -> [Vec<Point>; 2] {
    let back = [(0.86, 0.06), (0.5, 0.0), (0.02, 0.4), (0.03, 1.1)];
    [fine(&rounded(&rounded(&rounded(&back)))), fine(&rounded(&rounded(&ring((0.5, 1.06), (0.47, 0.46)))))]
}

/// A closed round line.
fn ring((x, y): Point, (wide, tall): Point) -> Vec<Point> {
    let at = |step: i32| {
        let angle = step as f32 / 24.0 * std::f32::consts::TAU;
        (x + wide * angle.cos(), y + tall * angle.sin())
    };
    (0..=24).map(at).collect()
}

/// The line with its corners cut.
fn rounded(line: &[Point]) -> Vec<Point> {
    let mut round: Vec<Point> = line.first().copied().into_iter().collect();
    for pair in line.windows(2) {
        let part =
            |share: f32| (pair[0].0 + (pair[1].0 - pair[0].0) * share, pair[0].1 + (pair[1].1 - pair[0].1) * share);
        round.extend([part(0.25), part(0.75)]);
    }
    round.extend(line.last());
    round
}

/// The line in pieces short enough to be bent.
fn fine(line: &[Point]) -> Vec<Point> {
    let mut pieces: Vec<Point> = line.first().copied().into_iter().collect();
    for pair in line.windows(2) {
        let length = (pair[1].0 - pair[0].0).hypot(pair[1].1 - pair[0].1);
        let count = (length / 0.12).ceil().max(1.0) as i32;
        let at = |step: i32| {
            let share = step as f32 / count as f32;
            (pair[0].0 + (pair[1].0 - pair[0].0) * share, pair[0].1 + (pair[1].1 - pair[0].1) * share)
        };
        pieces.extend((1..=count).map(at));
    }
    pieces
}

/// Grey values, row by row.
struct Canvas(Vec<f32>);

impl Default for Canvas {
    fn default() -> Self {
        Self(vec![PAPER; WIDTH * HEIGHT])
    }
}

impl Canvas {
    /// Draws a line with soft edges.
    fn line(&mut self, points: &[Point], breadth: f32, grey: f32) {
        for pair in points.windows(2) {
            self.piece(pair[0], pair[1], breadth, grey);
        }
    }

    fn piece(&mut self, a: Point, b: Point, breadth: f32, grey: f32) {
        let reach = breadth + 1.0;
        let columns = within(a.0.min(b.0) - reach, a.0.max(b.0) + reach, WIDTH);
        for row in within(a.1.min(b.1) - reach, a.1.max(b.1) + reach, HEIGHT) {
            for column in columns.clone() {
                let cover = (breadth + 0.5 - distance((column as f32, row as f32), a, b)).clamp(0.0, 1.0);
                let pixel = &mut self.0[row * WIDTH + column];
                let mixed = *pixel + (grey - *pixel) * cover;
                // Overlapping pieces of one line never weaken each other.
                *pixel = if grey < PAPER { pixel.min(mixed) } else { pixel.max(mixed) };
            }
        }
    }

    /// Sixteen greys are enough for soft edges and halve the file.
    fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let level = |grey: &f32| (grey / 255.0 * 15.0).round().clamp(0.0, 15.0) as u8;
        let packed: Vec<u8> =
            self.0.chunks(2).map(|pair| level(&pair[0]) << 4 | pair.get(1).map_or(0, level)).collect();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, WIDTH as u32, HEIGHT as u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Four);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&packed)?;
        writer.finish()?;
        Ok(file)
    }
}

/// The rows or columns between two edges.
fn within(low: f32, high: f32, end: usize) -> std::ops::Range<usize> {
    (low.floor().max(0.0) as usize)..((high.ceil().max(0.0) as usize).min(end))
}

/// How far a point is from a piece of a line.
fn distance(p: Point, a: Point, b: Point) -> f32 {
    let (along, to) = ((b.0 - a.0, b.1 - a.1), (p.0 - a.0, p.1 - a.1));
    let length = along.0 * along.0 + along.1 * along.1;
    let share = if length > 0.0 { ((to.0 * along.0 + to.1 * along.1) / length).clamp(0.0, 1.0) } else { 0.0 };
    (to.0 - along.0 * share).hypot(to.1 - along.1 * share)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn every_picture_is_a_small_png_and_differs() {
        let picture = |seed: u8| {
            let mut chance = StdRng::from_seed([seed; 32]);
            drawn(&[0, 1, 2, 3, 4, seed % 10], &mut chance).expect("a picture")
        };
        let pictures: Vec<Vec<u8>> = (5..10).map(picture).collect();
        for (number, picture) in pictures.iter().enumerate() {
            assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
            assert!((1_500..16_000).contains(&picture.len()), "{} bytes", picture.len());
            assert!(!pictures[..number].contains(picture));
            if let Some(dir) = std::env::var_os("KABINET_CAPTCHA_DIR") {
                std::fs::write(std::path::Path::new(&dir).join(format!("{number}.png")), picture).expect("written");
            }
        }
    }

    #[test]
    fn ink_and_paper_are_far_apart() {
        let mut canvas = Canvas::default();
        canvas.line(&[(10.0, 10.0), (60.0, 10.0)], BREADTH, INK);
        assert!(canvas.0[10 * WIDTH + 30] < 30.0);
        assert!(canvas.0[60 * WIDTH + 30] > 240.0);
    }
}
