//! How a company's portal is reached from outside: what links in letters and codes on paper begin with.

/// Scheme and port of all portals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicAddress {
    scheme: String,
    port: Option<u16>,
}

impl PublicAddress {
    /// Portals reached by `scheme`; `port` only where it is not the scheme's own.
    #[must_use]
    pub fn new(scheme: &str, port: Option<u16>) -> Self {
        let usual = if scheme == "https" { 443 } else { 80 };
        Self { scheme: scheme.to_owned(), port: port.filter(|port| *port != usual) }
    }

    /// `https://kabinet.example`, without a slash at its end.
    #[must_use]
    pub fn of(&self, host: &str) -> String {
        match self.port {
            Some(port) => format!("{}://{host}:{port}", self.scheme),
            None => format!("{}://{host}", self.scheme),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PublicAddress;

    #[test]
    fn links_carry_a_port_only_where_it_is_needed() {
        assert_eq!(PublicAddress::new("http", Some(8080)).of("a.localhost"), "http://a.localhost:8080");
        assert_eq!(PublicAddress::new("http", Some(80)).of("a.localhost"), "http://a.localhost");
        assert_eq!(PublicAddress::new("https", Some(443)).of("a.example"), "https://a.example");
        assert_eq!(PublicAddress::new("https", None).of("a.example"), "https://a.example");
    }
}
