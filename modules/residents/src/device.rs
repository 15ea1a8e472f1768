//! A browser's name of itself, in plain words.

/// «Chrome, Android»: the browser and the system of a `User-Agent`; «Неизвестное устройство» when it tells
/// neither.
pub(crate) fn in_words(agent: &str) -> String {
    // The more particular name first: each of these browsers also calls itself Chrome or Safari.
    const BROWSERS: [(&str, &str); 12] = [
        ("YaBrowser", "Яндекс Браузер"),
        ("YaSearchBrowser", "Яндекс"),
        ("OPR/", "Opera"),
        ("Edg", "Edge"),
        ("SamsungBrowser", "Samsung Internet"),
        ("MiuiBrowser", "Mi Браузер"),
        ("CriOS", "Chrome"),
        ("FxiOS", "Firefox"),
        ("Firefox", "Firefox"),
        ("Chromium", "Chromium"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 8] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Macintosh", "macOS"),
        ("CrOS", "ChromeOS"),
        ("X11", "Linux"),
        ("Linux", "Linux"),
    ];
    let named =
        |names: &[(&str, &'static str)]| names.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name);
    match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Неизвестное устройство".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn usual_browsers_are_named() {
        let chrome = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36";
        assert_eq!(in_words(chrome), "Chrome, Android");
        assert_eq!(in_words(&format!("{chrome} YaBrowser/24.1")), "Яндекс Браузер, Android");
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1";
        assert_eq!(in_words(safari), "Safari, iPhone");
        let firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0";
        assert_eq!(in_words(firefox), "Firefox, Windows");
        assert_eq!(in_words("curl/8.5.0"), "Неизвестное устройство");
    }
}
