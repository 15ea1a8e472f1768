//! Whether a file may be a company's logo: a PNG, or an SVG that only draws.

use super::package::Logo;

const LARGEST: usize = 128 * 1024;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Elements that draw. No script, style, foreignObject, image, animation, link or text.
const DRAWING: [&str; 18] = [
    "svg",
    "g",
    "defs",
    "symbol",
    "use",
    "title",
    "desc",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "clipPath",
    "linearGradient",
    "radialGradient",
    "stop",
];

/// The logo, or why the file cannot be one.
pub(super) fn checked(content: Vec<u8>) -> Result<Logo, String> {
    if content.len() > LARGEST {
        return Err(format!("логотип больше {} КБ", LARGEST / 1024));
    }
    if content.starts_with(PNG) {
        return Ok(Logo { content_type: "image/png", content });
    }
    let Ok(text) = std::str::from_utf8(&content) else {
        return Err("логотип — это файл PNG или SVG".to_owned());
    };
    plain_svg(text)?;
    Ok(Logo { content_type: "image/svg+xml", content })
}

/// Reads the tags one by one; what is not plainly a drawing is refused, so that no parser's oddity
/// can smuggle a script past this check.
fn plain_svg(text: &str) -> Result<(), String> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    if let Some(after) = rest.strip_prefix("<?xml ") {
        rest = after.split_once("?>").map(|(_, after)| after).ok_or("логотип: незаконченное объявление XML")?;
    }
    let mut first = true;
    while let Some((before, tag)) = rest.split_once('<') {
        if before.contains(['>', '&']) {
            return Err("логотип: неожиданные знаки между элементами SVG".to_owned());
        }
        if let Some(comment) = tag.strip_prefix("!--") {
            rest = comment.split_once("-->").map(|(_, after)| after).ok_or("логотип: незаконченный комментарий")?;
            continue;
        }
        let (tag, after) = tag.split_once('>').ok_or("логотип: незаконченный элемент SVG")?;
        let name = tag.trim_start_matches('/').split([' ', '\t', '\r', '\n', '/']).next().unwrap_or_default();
        if first && name != "svg" {
            return Err("логотип — это файл PNG или SVG".to_owned());
        }
        first = false;
        if !DRAWING.contains(&name) {
            return Err(format!("логотип: элемент «{name}» в SVG не разрешён"));
        }
        if !tag.starts_with('/') {
            attributes(tag.get(name.len()..).unwrap_or_default())?;
        }
        rest = after;
    }
    if first { Err("логотип — это файл PNG или SVG".to_owned()) } else { Ok(()) }
}

fn attributes(text: &str) -> Result<(), String> {
    let mut rest = text.trim().trim_end_matches('/').trim_end();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or("логотип: непонятный атрибут SVG")?;
        let name = name.trim();
        let quote = after
            .trim_start()
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''))
            .ok_or("логотип: атрибут без кавычек")?;
        let (value, after) = after.trim_start()[1..].split_once(quote).ok_or("логотип: незакрытые кавычки")?;
        attribute(name, value)?;
        rest = after.trim_start();
    }
    Ok(())
}

fn attribute(name: &str, value: &str) -> Result<(), String> {
    let lower = name.to_ascii_lowercase();
    let named = !lower.is_empty() && lower.bytes().all(|b| b.is_ascii_alphanumeric() || b"-:_.".contains(&b));
    let reference = lower == "href" || lower.ends_with(":href");
    // Only references into the file itself: `url(#a)`.
    let outside = value.contains(['&', '<']) || value.matches("url(").count() != value.matches("url(#").count();
    if !named || lower.starts_with("on") || lower == "style" {
        return Err(format!("логотип: атрибут «{name}» в SVG не разрешён"));
    }
    if (reference && !value.starts_with('#')) || outside {
        return Err(format!("логотип: атрибут «{name}» ссылается за пределы файла"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(inner: &str) -> Result<Logo, String> {
        checked(format!("<svg xmlns=\"http://www.w3.org/2000/svg\">{inner}</svg>").into_bytes())
    }

    #[test]
    fn drawings_and_pngs_pass() {
        assert!(svg("<g clip-path=\"url(#a)\"><path d='M0 0h9v9z' fill=\"#fff\"/></g><!-- a comment -->").is_ok());
        assert!(checked([PNG, b"rest"].concat()).is_ok_and(|logo| logo.content_type == "image/png"));
    }

    #[test]
    fn whatever_could_run_or_reach_out_is_refused() {
        for inner in [
            "<script>alert(1)</script>",
            "<path onload=\"alert(1)\"/>",
            "<use href=\"https://example.com/x.svg#a\"/>",
            "<use xlink:href=\"javascript:alert(1)\"/>",
            "<image href=\"data:image/png;base64,AA\"/>",
            "<foreignObject></foreignObject>",
            "<path style=\"fill:url(https://example.com)\"/>",
            "<path fill=\"url(https://example.com/a)\"/>",
            "<path fill=\"&#117;rl(x)\"/>",
            "<animate attributeName=\"href\"/>",
            "<path d=\"<script\"/>",
            "<path d=M0/>",
            "<![CDATA[<script>]]>",
        ] {
            assert!(svg(inner).is_err(), "{inner}");
        }
        for whole in ["<html></html>", "<!DOCTYPE svg><svg/>", "", "GIF89a", "<?xml version=\"1.0\"?>"] {
            assert!(checked(whole.as_bytes().to_vec()).is_err(), "{whole}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_file_is_a_plain_drawing_or_refused(
            inner in r#"(<|</|>|/>|<!--|-->|&| |=|"|'|path|script|style|use|image|svg|on|href|fill|url\(|#a|https:|д){0,14}"#,
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60),
        ) {
            let _ = checked(bytes);
            if let Ok(logo) = svg(&inner) {
                let text = String::from_utf8(logo.content).expect("text");
                let (first, others) = text.split_once("<!--").unwrap_or((&text, ""));
                let behind = others.split("<!--").filter_map(|comment| Some(comment.split_once("-->")?.1));
                for shown in behind.chain([first]) {
                    let running = ["<script", "<style", "<image"].iter().find(|element| shown.contains(*element));
                    proptest::prop_assert!(running.is_none(), "{running:?} in {inner}");
                }
            }
        }
    }
}
