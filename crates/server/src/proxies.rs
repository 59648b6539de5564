//! Whose word counts about where a request came from: proxies in front of us that the operator named (security.md HDR-4, HDR-5). What anybody
//! else says in such headers is not even read.

use http::HeaderMap;
use std::net::IpAddr;
use std::str::FromStr;

/// How a request came to whoever is in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

impl Scheme {
    /// As addresses spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// A network: an address, and how many of its first bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl FromStr for Network {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("{text:?} is no address like 10.0.0.1 and no network like 10.0.0.0/8");
        let (address, bits) = text.trim().split_once('/').map_or((text.trim(), None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| refused()))?;
        if bits > most { Err(refused()) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    fn holds(self, address: IpAddr) -> bool {
        let (own, other, width) = match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (u128::from(own.to_bits()), u128::from(other.to_bits()), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        // A shift by the whole width is none: then nothing has to agree.
        (own ^ other).checked_shr(width - u32::from(self.bits)).unwrap_or(0) == 0
    }
}

/// The proxies in front of us.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<Network>);

impl Proxies {
    /// Those of these networks.
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks)
    }
    /// Whether `address` is one of them.
    pub fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.holds(address))
    }
    /// Who asks: the peer, or, if that is a proxy of ours, the last address in `X-Forwarded-For` that is none.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trust(peer) {
            return peer;
        }
        let said: Vec<&str> = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
        let mut client = peer;
        // From the right: each was written by the one after it, and is believed as long as that is ours.
        for entry in said.join(",").rsplit(',') {
            let Some(address) = address(entry.trim()) else { return client };
            client = address;
            if !self.trust(client) {
                return client;
            }
        }
        client
    }
    /// How the request came to the first of them, if one says so.
    pub fn scheme(&self, peer: IpAddr, headers: &HeaderMap) -> Option<Scheme> {
        if !self.trust(peer) {
            return None;
        }
        match headers.get("x-forwarded-proto")?.to_str().ok()?.trim() {
            "https" => Some(Scheme::Https),
            "http" => Some(Scheme::Http),
            _ => None,
        }
    }
}

/// An address as proxies write it: some add a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok();
    bare.or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip())).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn client(proxies: &[&str], peer: &str, said: &[&str]) -> String {
        let proxies = Proxies::new(proxies.iter().map(|network| network.parse().unwrap()).collect());
        let mut headers = HeaderMap::new();
        for line in said {
            headers.append("x-forwarded-for", HeaderValue::from_str(line).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_proxies_that_were_named_are_believed() {
        let ours: &[&str] = &["10.0.0.0/8", "::1"];
        for (proxies, peer, said, who) in [
            (&[] as &[&str], "10.0.0.1", &["6.6.6.6"] as &[&str], "10.0.0.1"),
            (ours, "9.9.9.9", &["6.6.6.6"], "9.9.9.9"),
            (ours, "10.0.0.1", &["6.6.6.6"], "6.6.6.6"),
            // What a client writes in front of what the proxy adds counts for nothing.
            (ours, "10.0.0.1", &["1.1.1.1, 6.6.6.6"], "6.6.6.6"),
            (ours, "10.0.0.1", &["1.1.1.1", "6.6.6.6"], "6.6.6.6"),
            (ours, "10.0.0.1", &["6.6.6.6, 10.2.3.4"], "6.6.6.6"),
            (ours, "::ffff:10.0.0.1", &["6.6.6.6:1234"], "6.6.6.6"),
            (ours, "::1", &["2001:db8::1"], "2001:db8::1"),
            (ours, "::1", &["[2001:db8::1]:80"], "2001:db8::1"),
            (ours, "10.0.0.1", &["6.6.6.6, nonsense"], "10.0.0.1"),
            (ours, "10.0.0.1", &[], "10.0.0.1"),
            (&["0.0.0.0/0"], "1.2.3.4", &["6.6.6.6"], "6.6.6.6"),
        ] {
            assert_eq!(client(proxies, peer, said), who, "{proxies:?} {peer} {said:?}");
        }
    }

    #[test]
    fn networks_are_read() {
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "x", "10.0.0.1/", "10.0.0.1/-1"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
        let network: Network = "192.168.4.0/22".parse().unwrap();
        for (address, inside) in [("192.168.7.255", true), ("192.168.8.0", false), ("::ffff:192.168.4.1", false)] {
            assert_eq!(network.holds(address.parse().unwrap()), inside, "{address}");
        }
    }
}
