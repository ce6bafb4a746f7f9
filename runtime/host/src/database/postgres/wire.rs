//! The connection to a server: how it is made, how it is known to be lost, and what is told of that.
//!
//! A machine or a path that is gone answers nothing, not even that it is gone: without a limit a run would wait for ever. The system's TCP asks a silent
//! peer whether it is there; a peer that is there and says nothing is given up by whoever waits for it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Config, Connection, NoTls};

use super::super::{Access, Failure, Target};
use super::{SETTINGS, failure};

/// Until there is an address, a login, and the settings of a session.
const CONNECT: Duration = Duration::from_secs(10);
/// A silent peer is asked whether it is there after so long,
pub(super) const IDLE: Duration = Duration::from_secs(30);
/// and again after so long each time,
pub(super) const BETWEEN: Duration = Duration::from_secs(10);
/// so often; then it is gone.
pub(super) const QUESTIONS: u32 = 3;
/// What was sent and is not acknowledged after so long does not arrive any more.
pub(super) const UNACKNOWLEDGED: Duration = Duration::from_secs(60);

/// A login, and the task that moves its bytes.
pub(super) struct Wire {
    pub(super) inner: tokio_postgres::Client,
    task: AbortHandle,
    /// Why the connection ended.
    ended: Arc<OnceLock<Failure>>,
    /// How long the server may be silent after it was asked something.
    patience: Duration,
}

impl Wire {
    pub(super) async fn open(target: Target, access: Access) -> Result<Self, Failure> {
        let Target::Postgres { addresses, host, user, database, password, tls, patience } = target else {
            return Err(Failure::new("connection", "not a server"));
        };
        let mut config = Config::new();
        config.user(&user).dbname(&database).application_name("hub");
        if let Some(password) = &password {
            config.password(password.as_bytes());
        }
        let stream = connect(&addresses).await?;
        let ended = Arc::default();
        let opening = async {
            let (inner, task) = match tls {
                None => {
                    config.ssl_mode(SslMode::Disable);
                    let (client, connection) = config.connect_raw(stream, NoTls).await?;
                    (client, tokio::spawn(drive(connection, Arc::clone(&ended))))
                }
                Some(tls) => {
                    config.ssl_mode(SslMode::Require);
                    let mut maker = tokio_postgres_rustls::MakeRustlsConnect::new(*tls);
                    let connector = <_ as MakeTlsConnect<TcpStream>>::make_tls_connect(&mut maker, &host);
                    let Ok(connector) = connector;
                    let (client, connection) = config.connect_raw(stream, connector).await?;
                    (client, tokio::spawn(drive(connection, Arc::clone(&ended))))
                }
            };
            inner.batch_execute(&settings(access, patience)).await?;
            Ok((inner, task.abort_handle()))
        };
        // A server that ends a statement says so itself: it is given the time for that.
        let grace = if access == Access::Write { GRACE } else { Duration::ZERO };
        match tokio::time::timeout(CONNECT, opening).await {
            Ok(Ok((inner, task))) => Ok(Self { inner, task, ended, patience: patience.saturating_add(grace) }),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Failure::passing("the server takes connections and does not answer")),
        }
    }

    /// Waits for what the server does with a request, no longer than it may be silent. Then the connection is given up: nobody can tell any more what a
    /// further request would meet.
    pub(super) async fn answered<T>(&self, request: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Failure> {
        self.patience().wait(request).await
    }

    /// For who waits for rows on its own.
    pub(super) fn patience(&self) -> Patience {
        Patience { task: self.task.clone(), ended: Arc::clone(&self.ended), limit: self.patience }
    }
}

/// The time after a statement's own limit in which the server can tell of it.
const GRACE: Duration = Duration::from_secs(5);

/// Waits with a limit.
pub(super) struct Patience {
    task: AbortHandle,
    ended: Arc<OnceLock<Failure>>,
    limit: Duration,
}

impl Patience {
    pub(super) async fn wait<T>(&self, request: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Failure> {
        match tokio::time::timeout(self.limit, request).await {
            Ok(Ok(done)) => Ok(done),
            // Whoever asks learns that the connection is closed; why it is, its task knows.
            Ok(Err(error)) if error.is_closed() => Err(self.ended.get().cloned().unwrap_or_else(|| failure(&error))),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => {
                let told = format!(
                    "the server has said nothing for {} s, the connection is given up: see whether it is overloaded or the network between hangs, \
                     or raise `statement_seconds` of the database",
                    self.limit.as_secs()
                );
                let silent = self.ended.get_or_init(|| Failure::passing(told)).clone();
                self.task.abort();
                Err(silent)
            }
        }
    }
}

/// Moves bytes until the connection ends, and remembers why before anybody learns that it has.
async fn drive<S, T>(connection: Connection<S, T>, ended: Arc<OnceLock<Failure>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = Box::pin(connection);
    if let Err(error) = connection.as_mut().await {
        drop(ended.set(failure(&error)));
    }
    drop(connection);
}

/// What became of a connection, in words.
pub(super) fn broken(error: &tokio_postgres::Error) -> Failure {
    let cause = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    Failure::passing(match cause.map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            "the server or the network to it is gone: nothing was acknowledged within a minute"
        }
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted) => "the connection was cut",
        _ if error.is_closed() || cause.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof) => "the connection was closed",
        _ => "the connection failed",
    })
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Failure> {
    let mut last = Failure::passing("the server has no address");
    for address in addresses {
        match tokio::time::timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                alert(&stream).map_err(|error| Failure::passing(error.kind().to_string()))?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = Failure::passing(format!("the server cannot be reached: {}", error.kind())),
            Err(_) => last = Failure::passing("the server does not answer"),
        }
    }
    Err(last)
}

/// The system finds out that the other end, or the way to it, is gone.
pub(super) fn alert(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(IDLE).with_interval(BETWEEN).with_retries(QUESTIONS))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}

/// The settings of a session. The server looks for a hub that is gone as hub looks for the server: what a lost run holds is let go within a minute. A commit
/// that was told has happened, whatever the server is set to: progress moves on behind it. What an older server does not know is left out.
fn settings(access: Access, patience: Duration) -> String {
    let (idle, between, unacknowledged) = (IDLE.as_secs(), BETWEEN.as_secs(), UNACKNOWLEDGED.as_millis());
    let mut text = format!(
        "{SETTINGS}; SELECT pg_catalog.set_config(known.name, wanted.value, false) FROM (VALUES ('tcp_keepalives_idle', '{idle}'), \
         ('tcp_keepalives_interval', '{between}'), ('tcp_keepalives_count', '{QUESTIONS}'), ('tcp_user_timeout', '{unacknowledged}')) \
         AS wanted (name, value) JOIN pg_catalog.pg_settings known ON known.name = wanted.name; \
         SELECT pg_catalog.set_config('synchronous_commit', 'on', false) WHERE pg_catalog.current_setting('synchronous_commit') = 'off'"
    );
    if access == Access::Write {
        text.push_str(&format!("; SET statement_timeout = '{}s'", patience.as_secs()));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[tokio::test]
    async fn the_system_is_told_to_look_for_a_peer_that_is_gone() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = connect(&[listener.local_addr().unwrap()]).await.unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap() && stream.nodelay().unwrap());
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_keepalive_time().unwrap(), IDLE);
            assert_eq!(socket.tcp_keepalive_interval().unwrap(), BETWEEN);
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), QUESTIONS);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNACKNOWLEDGED));
        }
    }
}
