//! Where a database is: a URL understood, never shown with its password.
//!
//! It opens nothing; `stream` does.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use report::Problem;
use tokio_postgres::config::{Config, Host};

use crate::{Error, Result};

/// How the certificate of the server is treated, as libpq's `sslmode` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// A database to talk to. `Display` and `Debug` leave the password out.
#[derive(Clone)]
pub struct Endpoint {
    pub(crate) config: Config,
    pub(crate) tls: Tls,
    pub(crate) root_certificate: Option<PathBuf>,
}

impl Endpoint {
    /// Parses a `postgresql://` URL or a `key=value` connection string.
    ///
    /// Besides what the client library knows, `sslmode=verify-ca|verify-full` and `sslrootcert` are
    /// understood; `PGPASSWORD` is used where no password stands.
    pub fn parse(url: &str) -> Result<Self> {
        let (url, ssl) = take_ssl_parameters(url);
        let mut config: Config =
            url.parse().map_err(|_: tokio_postgres::Error| refuse_url(&url))?;
        if config.get_hosts().is_empty() {
            config.host("localhost");
        }
        if config.get_password().is_none()
            && let Ok(password) = std::env::var("PGPASSWORD")
        {
            config.password(password);
        }
        if config.get_user().is_none() {
            config.user(
                std::env::var("PGUSER").or_else(|_| std::env::var("USER")).unwrap_or_default(),
            );
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(15));
        }
        let tls = match ssl.mode.as_deref() {
            None | Some("prefer" | "allow") => Tls::Prefer,
            Some("disable") => Tls::Disable,
            Some("require") => Tls::Require,
            Some("verify-ca") => Tls::VerifyCa,
            Some("verify-full") => Tls::VerifyFull,
            Some(other) => {
                let problem = Problem::new(format!("sslmode {other} is unknown"))
                    .hint("use disable, prefer, require, verify-ca or verify-full");
                return Err(Error::Connect(problem));
            }
        };
        Ok(Self { config, tls, root_certificate: ssl.root_certificate.map(PathBuf::from) })
    }

    /// The database's name; as in libpq, the user's name where none is given.
    pub fn database(&self) -> &str {
        self.config.get_dbname().or(self.config.get_user()).unwrap_or("postgres")
    }

    /// The role that connects.
    pub fn user(&self) -> &str {
        self.config.get_user().unwrap_or("postgres")
    }

    /// The hosts in the order in which they are tried, each with its port.
    pub(crate) fn hosts(&self) -> Vec<(Host, u16)> {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate();
        hosts
            .map(|(at, host)| {
                (host.clone(), ports.get(at).or(ports.first()).copied().unwrap_or(5432))
            })
            .collect()
    }

    /// The environment that makes libpq programs talk to this database, password included.
    pub(crate) fn libpq_environment(&self) -> Vec<(&'static str, String)> {
        let hosts = self.hosts();
        let host = hosts.iter().map(|(host, _)| host_text(host)).collect::<Vec<_>>().join(",");
        let port = hosts.iter().map(|(_, port)| port.to_string()).collect::<Vec<_>>().join(",");
        let mode = match self.tls {
            Tls::Disable => "disable",
            Tls::Prefer => "prefer",
            Tls::Require => "require",
            Tls::VerifyCa => "verify-ca",
            Tls::VerifyFull => "verify-full",
        };
        let mut environment = vec![
            ("PGHOST", host),
            ("PGPORT", port),
            ("PGUSER", self.user().to_owned()),
            ("PGDATABASE", self.database().to_owned()),
            ("PGSSLMODE", mode.to_owned()),
        ];
        if let Some(password) = self.config.get_password() {
            environment.push(("PGPASSWORD", String::from_utf8_lossy(password).into_owned()));
        }
        if let Some(path) = &self.root_certificate {
            environment.push(("PGSSLROOTCERT", path.display().to_string()));
        }
        environment
    }
}

fn host_text(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.hosts();
        let places: Vec<_> =
            hosts.iter().map(|(host, port)| format!("{}:{port}", host_text(host))).collect();
        write!(f, "{}@{}/{}", self.user(), places.join(","), self.database())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

#[derive(Debug, Default)]
struct SslParameters {
    mode: Option<String>,
    root_certificate: Option<String>,
}

/// Takes `sslmode` and `sslrootcert` out of a URL or connection string: the client library knows
/// fewer modes than libpq and refuses the rest.
fn take_ssl_parameters(url: &str) -> (String, SslParameters) {
    let mut ssl = SslParameters::default();
    let mut keep = |pair: &&str| match pair.split_once('=') {
        Some(("sslmode", mode)) => {
            ssl.mode = Some(mode.to_owned());
            false
        }
        Some(("sslrootcert", path)) => {
            ssl.root_certificate = Some(path.replace("%2F", "/"));
            false
        }
        _ => true,
    };
    let kept = if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        match url.split_once('?') {
            None => url.to_owned(),
            Some((base, query)) => {
                let pairs: Vec<_> = query.split('&').filter(&mut keep).collect();
                let mark = if pairs.is_empty() { "" } else { "?" };
                format!("{base}{mark}{}", pairs.join("&"))
            }
        }
    } else if url.contains("sslmode=") || url.contains("sslrootcert=") {
        url.split(' ').filter(&mut keep).collect::<Vec<_>>().join(" ")
    } else {
        url.to_owned()
    };
    (kept, ssl)
}

fn refuse_url(url: &str) -> Error {
    // The text itself may hold a password, so only its shape is described.
    let shape = match url.split_once("://") {
        Some((scheme, _)) => format!("it starts with {scheme}://"),
        None => "it is not a URL".to_owned(),
    };
    let problem = Problem::new("the database URL cannot be understood").detail(shape).hint(
        "write postgresql://user:password@host:5432/database; special characters in the \
               password are percent-encoded",
    );
    Error::Connect(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let endpoint = Endpoint::parse("postgresql://joe:s3cret@db.example:5433/shop").unwrap();
        assert_eq!(endpoint.to_string(), "joe@db.example:5433/shop");
        assert!(!format!("{endpoint:?}").contains("s3cret"));
    }

    #[test]
    fn libpq_ssl_modes_are_understood() {
        let url = "postgresql://joe@h/d?sslmode=verify-full&application_name=x&sslrootcert=%2Fca";
        let endpoint = Endpoint::parse(url).unwrap();
        assert_eq!(endpoint.tls, Tls::VerifyFull);
        assert_eq!(endpoint.root_certificate, Some("/ca".into()));
        assert_eq!(Endpoint::parse("host=h user=u sslmode=disable").unwrap().tls, Tls::Disable);
        assert!(Endpoint::parse("postgresql://h/d?sslmode=maybe").is_err());
    }

    #[test]
    fn a_wrong_url_is_refused_without_repeating_it() {
        let error = Endpoint::parse("mysql://joe:s3cret@h/d").unwrap_err();
        assert!(!format!("{:?}", error.problem()).contains("s3cret"));
    }
}
