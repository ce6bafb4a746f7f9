//! What the service manager is told: ready, stopping, alive (`sd_notify(3)`). Silent where nobody asked for it.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::config::environment;

/// The service manager that started this process, if one did.
pub(super) struct ServiceManager {
    socket: Option<UnixDatagram>,
    /// How often it wants to hear that the process is alive.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    pub(super) fn of_environment() -> Self {
        let is_meant = environment("WATCHDOG_PID").is_none_or(|pid| pid == std::process::id().to_string());
        let watchdog = environment("WATCHDOG_USEC").filter(|_| is_meant).and_then(|text| text.parse().ok()).map(Duration::from_micros);
        Self::new(environment("NOTIFY_SOCKET").as_deref(), watchdog)
    }

    /// A manager that cannot be reached is none: it must not keep flows from running.
    fn new(socket: Option<&str>, watchdog: Option<Duration>) -> Self {
        let socket = socket.and_then(|name| match connect(name) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!("the service manager cannot be told anything: {error}");
                None
            }
        });
        Self { socket, watchdog: watchdog.filter(|every| !every.is_zero()) }
    }

    pub(super) fn tell(&self, state: &str) {
        if let Some(Err(error)) = self.socket.as_ref().map(|socket| socket.send(state.as_bytes())) {
            tracing::warn!(state, "the service manager was not told: {error}");
        }
    }

    /// Says that the process is alive, twice as often as it must, as long as the work's own task goes on.
    pub(super) async fn alive_during<T>(&self, work: impl Future<Output = T>) -> T {
        let (Some(every), true) = (self.watchdog, self.socket.is_some()) else { return work.await };
        let mut ticks = tokio::time::interval(every / 2);
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => self.tell("WATCHDOG=1"),
            }
        }
    }
}

fn connect(name: &str) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match name.strip_prefix('@') {
        Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
        None => socket.connect(name)?,
    }
    Ok(socket)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_manager_hears_what_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        let hears = || {
            let mut text = [0; 64];
            manager.recv(&mut text).map(|length| String::from_utf8_lossy(&text[..length]).into_owned()).unwrap_or_default()
        };
        let service = ServiceManager::new(path.to_str(), Some(Duration::from_millis(20)));
        service.tell("READY=1");
        assert_eq!(hears(), "READY=1");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(service.alive_during(async { tokio::time::sleep(Duration::from_millis(50)).await }));
        assert_eq!((hears(), hears()), ("WATCHDOG=1".to_owned(), "WATCHDOG=1".to_owned()));
    }

    #[test]
    fn nobody_and_somebody_unreachable_are_told_nothing() {
        for socket in [None, Some("/nowhere/at/all"), Some("@nobody-listens-here"), Some("")] {
            let service = ServiceManager::new(socket, Some(Duration::from_millis(1)));
            service.tell("READY=1");
            assert!(service.socket.is_none());
        }
    }
}
