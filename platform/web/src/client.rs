//! Where a request comes from.

use std::net::IpAddr;

use poem::{FromRequest, Request, RequestBody, Result};

use crate::platform::Platform;

/// The client's address, for limits and the session list. `X-Forwarded-For` counts only when the
/// connection comes from a configured proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub String);

impl ClientAddress {
    pub(crate) fn of(request: &Request) -> Self {
        let peer = request.remote_addr().as_socket_addr().map(std::net::SocketAddr::ip);
        let proxies = &Platform::of(request).config.trusted_proxies;
        let forwarded = peer.filter(|peer| proxies.contains(peer)).and_then(|_| forwarded_for(request));
        Self(forwarded.or(peer).map_or_else(|| "unknown".to_owned(), |address| address.to_string()))
    }
}

/// The last hop that the proxy itself wrote.
fn forwarded_for(request: &Request) -> Option<IpAddr> {
    let header = request.headers().get("x-forwarded-for")?.to_str().ok()?;
    header.rsplit(',').next()?.trim().parse().ok()
}

impl<'a> FromRequest<'a> for ClientAddress {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Self::of(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_hop(header: &[u8]) -> Option<IpAddr> {
        let value = poem::http::HeaderValue::from_bytes(header).ok()?;
        forwarded_for(&Request::builder().header("x-forwarded-for", value).finish())
    }

    proptest::proptest! {
        #[test]
        fn any_header_of_a_proxy_is_an_address_or_none(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80),
            text in r"[0-9a-f.:, %\[\]]{0,60}",
        ) {
            let _ = last_hop(&bytes);
            let _ = last_hop(text.as_bytes());
            // Whatever a client made up stands before what the proxy itself wrote.
            let seen = last_hop(format!("{text}, 192.0.2.7").as_bytes());
            proptest::prop_assert_eq!(seen, Some(IpAddr::from([192, 0, 2, 7])));
        }
    }
}
