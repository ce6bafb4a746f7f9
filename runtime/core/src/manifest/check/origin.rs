//! Origins as an operator writes them: scheme, host, port, and nothing else. Strict, so that what a reviewer reads is what is connected to.

use std::fmt;

use url::{Host, Url};

use super::super::Origin;

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginFault {
    /// Neither `https://…` nor `http://…`, or not a URL at all.
    Unreadable,
    /// User name or password.
    UserInfo,
    /// Path, query or fragment.
    Path,
    /// `*`, or another character that no host name has.
    Host,
    /// An address in a form that reads as something else (`http://2130706433`), or port 0.
    Disguised,
    /// `http` to a host that is neither a loopback address nor `localhost` (E401).
    PlainHttp,
}

impl OriginFault {
    /// What to do.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Unreadable => "write scheme, host and, if needed, port: `https://api.example.org` or `https://api.example.org:8443`",
            Self::UserInfo => "leave user name and password out; declare a credential: the host puts it into the request",
            Self::Path => "leave out everything after the host and port; an origin is granted as a whole",
            Self::Host => "write one whole host name for each entry; there are no wildcards",
            Self::Disguised => "write the address in its usual form (`127.0.0.1`, `[::1]`), and a port other than 0",
            Self::PlainHttp => "use https; plain http is possible for `localhost`, `127.0.0.1` and `[::1]` only",
        }
    }
}

impl Origin {
    /// Reads `https://api.example.org` or `http://127.0.0.1:8080`. A lone `/` at the end is let pass.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, OriginFault> {
        let lower = text.to_ascii_lowercase();
        let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).ok_or(OriginFault::Unreadable)?;
        if rest.contains(|character: char| character.is_whitespace() || character.is_control() || character == '\\') {
            return Err(OriginFault::Unreadable);
        }
        if rest.contains('@') {
            return Err(OriginFault::UserInfo);
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(OriginFault::Path);
        }
        let url = Url::parse(text).map_err(|_| OriginFault::Unreadable)?;
        let port = url.port_or_known_default().filter(|port| *port != 0).ok_or(OriginFault::Disguised)?;
        let loopback = host_is_loopback(&url, authority)?;
        if url.scheme() == "http" && !loopback {
            return Err(OriginFault::PlainHttp);
        }
        Ok(Self { scheme: url.scheme().to_owned(), host: url.host_str().unwrap_or_default().to_owned(), port })
    }
}

/// Checks the host's form. True if it can only be this machine.
fn host_is_loopback(url: &Url, authority: &str) -> Result<bool, OriginFault> {
    match url.host().ok_or(OriginFault::Unreadable)? {
        Host::Ipv4(address) => {
            let written = authority.split(':').next().unwrap_or_default();
            if written == address.to_string() { Ok(address.is_loopback()) } else { Err(OriginFault::Disguised) }
        }
        Host::Ipv6(address) => Ok(address.is_loopback()),
        Host::Domain(name) => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            if !name.bytes().all(plain) || name.split('.').any(str::is_empty) {
                return Err(OriginFault::Host);
            }
            Ok(name == "localhost")
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = if self.scheme == "https" { 443 } else { 80 };
        write!(out, "{}://{}", self.scheme, self.host)?;
        if self.port == default { Ok(()) } else { write!(out, ":{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, OriginFault> {
        Origin::parse(text).map(|origin| origin.to_string())
    }

    #[test]
    fn origins_are_normalised() {
        assert_eq!(shown("https://API.example.org:443/"), Ok("https://api.example.org".to_owned()));
        assert_eq!(shown("HTTPS://api.example.org:8443"), Ok("https://api.example.org:8443".to_owned()));
        assert_eq!(shown("http://127.0.0.1:8080"), Ok("http://127.0.0.1:8080".to_owned()));
        assert_eq!(shown("http://[::1]:80"), Ok("http://[::1]".to_owned()));
        assert_eq!(shown("http://localhost"), Ok("http://localhost".to_owned()));
        assert_eq!(shown("https://bücher.example"), Ok("https://xn--bcher-kva.example".to_owned()));
    }

    #[test]
    fn everything_but_an_origin_is_refused() {
        let cases = [
            ("api.example.org", OriginFault::Unreadable),
            ("ftp://example.org", OriginFault::Unreadable),
            ("https:example.org", OriginFault::Unreadable),
            ("https://exa mple.org", OriginFault::Unreadable),
            ("https://exa\tmple.org", OriginFault::Unreadable),
            ("https:\\\\example.org", OriginFault::Unreadable),
            ("https://", OriginFault::Unreadable),
            ("https://user@example.org", OriginFault::UserInfo),
            ("https://user:word@example.org", OriginFault::UserInfo),
            ("https://example.org/v1", OriginFault::Path),
            ("https://example.org?a=b", OriginFault::Path),
            ("https://example.org#top", OriginFault::Path),
            ("https://*.example.org", OriginFault::Host),
            ("https://example.org.", OriginFault::Host),
            ("https://a..example.org", OriginFault::Host),
            ("https://example.org:0", OriginFault::Disguised),
            ("http://2130706433", OriginFault::Disguised),
            ("http://127.1", OriginFault::Disguised),
            ("http://0x7f.0.0.1", OriginFault::Disguised),
            ("http://example.org", OriginFault::PlainHttp),
            ("http://10.0.0.1", OriginFault::PlainHttp),
            ("http://localhost.example.org", OriginFault::PlainHttp),
            ("http://[::ffff:127.0.0.1]", OriginFault::PlainHttp),
        ];
        for (text, fault) in cases {
            assert_eq!(shown(text), Err(fault), "{text}");
        }
    }
}
