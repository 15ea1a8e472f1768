//! The style sheet of a company's theme: from one brand colour the variants that people can read.
//!
//! Contrast follows WCAG 2.2. A fill or a link that is too light is darkened, keeping its hue;
//! a colour so light that darkening would spoil it (yellow) keeps its place and gets dark text.
//! Error and focus colours are the platform's own and never follow the brand.

use std::fmt::{self, Write as _};

/// Text on a light brand colour.
const INK: Rgb = Rgb(0x17, 0x21, 0x2b);
const WHITE: Rgb = Rgb(0xff, 0xff, 0xff);
/// The least contrast of text (WCAG 1.4.3), with a little room above 4.5 for rounding.
const TEXT_CONTRAST: f64 = 4.6;
/// White text on the brand below this contrast: the brand is light, its text becomes dark.
const LIGHT_BRAND: f64 = 2.0;

/// What a company chooses of its look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// The brand colour as `#rrggbb`.
    pub color: String,
}

/// Why a colour was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColorError(String);

impl fmt::Display for ColorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "brand colour {:?}: expected # and six hexadecimal digits, for example #0b6e8a", self.0)
    }
}

impl std::error::Error for ColorError {}

/// Checks that `color` is `#rrggbb` and gives it back in lower case.
///
/// # Errors
/// Anything else is refused: the value becomes part of a style sheet.
pub fn validate_color(color: &str) -> Result<String, ColorError> {
    Rgb::parse(color).map(|rgb| rgb.to_string()).ok_or_else(|| ColorError(color.to_owned()))
}

/// The text of `/theme.<hash>.css`, at most 1 kB. An invalid colour gives an empty sheet,
/// so that the page keeps the platform's neutral colours.
#[must_use]
pub fn theme_css(brand: &Brand) -> String {
    let Some(color) = Rgb::parse(&brand.color) else {
        return String::new();
    };
    let tint = color.mix(WHITE, 0.92);
    let (fill, text) = fill(color);
    let hover = if text == WHITE { fill.scaled(0.78) } else { fill.mix(WHITE, 0.25) };
    // A link stands on white, on the grey surface and on the tint: the tint is the darkest of them at worst.
    let link = readable(color, |c| contrast(c, tint).min(contrast(c, Rgb(0xf3, 0xf6, 0xf8))));
    let mut css = String::with_capacity(256);
    let tokens = [
        ("brand", color),
        ("brand-fill", fill),
        ("brand-fill-hover", hover),
        ("brand-text", text),
        ("brand-link", link),
        ("brand-link-hover", link.scaled(0.7)),
        ("brand-tint", tint),
    ];
    css.push_str(":root{");
    for (name, value) in tokens {
        // Writing to a String cannot fail.
        let _ = write!(css, "--{name}:{value};");
    }
    css.pop();
    css.push_str("}\n");
    css
}

/// The brand colour as a fill and the colour of text on it, both `#rrggbb`: what a letter is painted
/// with. An invalid colour gives dark ink.
#[must_use]
pub fn fill_colors(brand: &Brand) -> (String, String) {
    let (fill, text) = Rgb::parse(&brand.color).map_or((INK, WHITE), fill);
    (fill.to_string(), text.to_string())
}

/// The fill of the main button and its text.
fn fill(color: Rgb) -> (Rgb, Rgb) {
    if contrast(color, WHITE) < LIGHT_BRAND { (color, INK) } else { (readable(color, |c| contrast(c, WHITE)), WHITE) }
}

/// The lightest shade of `color` whose measure reaches the contrast of text.
fn readable(color: Rgb, measure: impl Fn(Rgb) -> f64) -> Rgb {
    (0..=100u32)
        .rev()
        .map(|percent| color.scaled(f64::from(percent) / 100.0))
        .find(|shade| measure(*shade) >= TEXT_CONTRAST)
        .unwrap_or(INK)
}

/// WCAG contrast ratio, 1 to 21.
fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (a.luminance(), b.luminance());
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// A channel from its exact value, rounded and kept inside the range.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=255")]
fn channel(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rgb(u8, u8, u8);

impl Rgb {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(digits, 16).ok()?;
        let [_, r, g, b] = value.to_be_bytes();
        Some(Self(r, g, b))
    }

    /// Every channel times `factor`: darker, the same hue.
    fn scaled(self, factor: f64) -> Self {
        let scale = |v: u8| channel(f64::from(v) * factor);
        Self(scale(self.0), scale(self.1), scale(self.2))
    }

    /// `share` of `other`, the rest of this colour.
    fn mix(self, other: Self, share: f64) -> Self {
        let blend = |a: u8, b: u8| channel(f64::from(a) * (1.0 - share) + f64::from(b) * share);
        Self(blend(self.0, other.0), blend(self.1, other.1), blend(self.2, other.2))
    }

    fn luminance(self) -> f64 {
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.0) + 0.7152 * linear(self.1) + 0.0722 * linear(self.2)
    }
}

impl fmt::Display for Rgb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The colour of a token in a theme.
    fn token(css: &str, name: &str) -> Rgb {
        let start = css.find(&format!("--{name}:")).expect(name) + name.len() + 3;
        Rgb::parse(&css[start..start + 7]).expect("a colour")
    }

    fn theme(color: &str) -> String {
        theme_css(&Brand { color: color.to_owned() })
    }

    fn check(color: &str) {
        let css = theme(color);
        let (fill, text) = (token(&css, "brand-fill"), token(&css, "brand-text"));
        assert!(contrast(fill, text) >= 4.5, "{color}: button {fill} {text}");
        assert!(contrast(token(&css, "brand-fill-hover"), text) >= 4.5, "{color}: hover");
        for under in [WHITE, token(&css, "brand-tint"), Rgb(0xf3, 0xf6, 0xf8)] {
            for link in ["brand-link", "brand-link-hover"] {
                assert!(contrast(token(&css, link), under) >= 4.5, "{color}: {link} on {under}");
            }
            assert!(contrast(INK, under) >= 7.0, "{color}: text on {under}");
        }
        assert!(css.len() <= 1024, "{color}: {} bytes", css.len());
    }

    #[test]
    fn contrast_is_wcag() {
        assert!((contrast(WHITE, Rgb(0, 0, 0)) - 21.0).abs() < 1e-9);
        let orange = Rgb::parse("#ff6a13").expect("valid");
        assert!((contrast(orange, WHITE) - 2.87).abs() < 0.01);
    }

    #[test]
    fn orange_is_darkened() {
        check("#ff6a13");
        let css = theme("#ff6a13");
        assert_eq!(token(&css, "brand"), Rgb(0xff, 0x6a, 0x13));
        assert_eq!(token(&css, "brand-text"), WHITE);
        assert_ne!(token(&css, "brand-fill"), token(&css, "brand"));
    }

    #[test]
    fn a_readable_colour_stays() {
        check("#0b6e8a");
        assert_eq!(token(&theme("#0b6e8a"), "brand-fill"), Rgb(0x0b, 0x6e, 0x8a));
    }

    #[test]
    fn yellow_gets_dark_text() {
        check("#ffdd00");
        let css = theme("#ffdd00");
        assert_eq!(token(&css, "brand-fill"), Rgb(0xff, 0xdd, 0));
        assert_eq!(token(&css, "brand-text"), INK);
    }

    #[test]
    fn every_hue_is_readable() {
        for r in (0..=255u32).step_by(51) {
            for g in (0..=255u32).step_by(51) {
                for b in (0..=255u32).step_by(51) {
                    check(&format!("#{r:02x}{g:02x}{b:02x}"));
                }
            }
        }
        check("#c8501e");
    }

    #[test]
    fn only_six_digits_pass() {
        assert_eq!(validate_color("#0B6E8A").expect("valid"), "#0b6e8a");
        for bad in ["", "#", "#fff", "0b6e8a", "#0b6e8g", "#0b6e8a;", "#+b6e8a", "#0b6e8aa", "#абв", "red", "url(x)"]
        {
            assert!(validate_color(bad).is_err(), "{bad}");
            assert_eq!(theme(bad), "", "{bad}");
        }
    }
}
