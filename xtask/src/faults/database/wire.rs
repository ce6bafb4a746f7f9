//! A TCP proxy between hub and PostgreSQL that is stopped: at the k-th packet, or around a COMMIT, where only one of the two ends knows what has happened.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::process::{Failure, Result};

/// `COMMIT` as a query of its own, as it ends a packet.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
/// The answer to it; the answers to what stood before it in its packet come first.
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";
/// How often a waiting thread looks whether the proxy was stopped.
const LOOK: Duration = Duration::from_millis(5);

/// When the proxy is stopped. Numbers count from 1, from the moment on that this was planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before this packet is handed on, in either direction.
    Packet(u64),
    /// This COMMIT was not handed on: it never happens.
    BeforeCommit(u64),
    /// This COMMIT was handed on, its answer has not come.
    InCommit(u64),
    /// The answer to this COMMIT has come and is not handed on: it has happened, and hub does not know.
    AfterCommit(u64),
    /// This COMMIT is kept, as a network keeps a packet, and handed on when [`Proxy::release`] says so, whatever has become of hub.
    LateCommit(u64),
}

/// How it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Every connection ends with RST.
    Reset,
    /// Nothing is handed on for so long; then every connection ends with RST.
    Hang(Duration),
    /// As [`Stop::Reset`], and nobody listens any more.
    Gone,
}

/// The proxy.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: SocketAddr,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    plan: Option<(Moment, Stop)>,
    packets: u64,
    commits: u64,
    connections: u64,
    /// The planned moment has come.
    is_hit: bool,
    /// Connections of this number and below end with RST, from this instant on; until then they hang.
    cut: Option<(u64, Instant)>,
    is_gone: bool,
    /// A COMMIT that is late, and where it goes.
    late: Option<(Arc<TcpStream>, Vec<u8>)>,
}

/// What becomes of a packet.
enum Verdict {
    Pass,
    PassAndStop,
    Keep,
}

/// One connection through the proxy.
#[derive(Clone)]
struct Link {
    number: u64,
    from: Arc<TcpStream>,
    to: Arc<TcpStream>,
    is_from_hub: bool,
}

impl Proxy {
    /// In front of a server. Its threads end with the process.
    pub fn start(upstream: SocketAddr) -> Result<Self> {
        let cannot = |error| Failure::new(format!("a proxy cannot be started: {error}"));
        let listener = TcpListener::bind("127.0.0.1:0").map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let shared = Arc::new(Shared { upstream, state: Mutex::default() });
        let listening = shared.clone();
        std::thread::spawn(move || listening.listen(listener, address));
        Ok(Self { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Plans a stop, and counts anew.
    pub fn plan(&self, moment: Moment, stop: Stop) {
        let connections = self.shared.state().connections;
        *self.shared.state() = State { plan: Some((moment, stop)), connections, ..State::default() };
    }

    /// Everything passes again, also new connections; counts anew.
    pub fn heal(&self) {
        let mut state = self.shared.state();
        *state = State { connections: state.connections, cut: state.cut, ..State::default() };
    }

    /// The planned moment has come.
    pub fn is_hit(&self) -> bool {
        self.shared.state().is_hit
    }

    /// Packets and COMMITs since the last plan.
    pub fn counts(&self) -> (u64, u64) {
        let state = self.shared.state();
        (state.packets, state.commits)
    }

    /// Connections so far.
    pub fn connections(&self) -> u64 {
        self.shared.state().connections
    }

    /// Hands the late COMMIT on and waits for its answer; true if it has happened.
    pub fn release(&self) -> bool {
        let Some((server, packet)) = self.shared.state().late.take() else { return false };
        if (&*server).write_all(&packet).and_then(|()| server.set_read_timeout(Some(Duration::from_secs(5)))).is_err() {
            return false;
        }
        let (mut answer, mut part) = (Vec::new(), vec![0; 1 << 10]);
        while !holds(&answer, COMMITTED) {
            match (&*server).read(&mut part) {
                Ok(length) if length > 0 => answer.extend_from_slice(part.get(..length).unwrap_or_default()),
                _ => return false,
            }
        }
        true
    }
}

fn holds(packet: &[u8], wanted: &[u8]) -> bool {
    packet.windows(wanted.len()).any(|window| window == wanted)
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(self: Arc<Self>, first: TcpListener, address: SocketAddr) {
        let mut listener = Some(first);
        loop {
            let is_gone = self.state().is_gone;
            listener = if is_gone { None } else { listener.or_else(|| TcpListener::bind(address).ok()) };
            let accepted = listener.as_ref().map(|listener| listener.set_nonblocking(true).and_then(|()| listener.accept()));
            match accepted {
                // What is handed over by a listener that does not wait may not wait either, by system.
                Some(Ok((client, _))) if client.set_nonblocking(false).is_ok() => drop(self.join(client)),
                _ => std::thread::sleep(LOOK),
            }
        }
    }

    fn join(self: &Arc<Self>, client: TcpStream) -> std::io::Result<()> {
        let server = TcpStream::connect(self.upstream)?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(LOOK))?;
            // Whoever holds it last ends it with RST.
            SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
        }
        let mut state = self.state();
        state.connections += 1;
        let (number, client, server) = (state.connections, Arc::new(client), Arc::new(server));
        drop(state);
        for (from, to, is_from_hub) in [(&client, &server, true), (&server, &client, false)] {
            let link = Link { number, from: from.clone(), to: to.clone(), is_from_hub };
            let shared = self.clone();
            std::thread::spawn(move || shared.hand_on(&link));
        }
        Ok(())
    }

    /// Until either end closes, or the proxy is stopped.
    fn hand_on(&self, link: &Link) {
        let mut packet = vec![0; 64 << 10];
        loop {
            if self.is_cut(link) {
                return;
            }
            let length = match (&*link.from).read(&mut packet) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
                Ok(length) if length > 0 => length,
                _ => return self.ended(link),
            };
            let packet = packet.get(..length).unwrap_or_default();
            let is_handed_on = match self.judge(link, packet) {
                Verdict::Keep => true,
                Verdict::Pass => (&*link.to).write_all(packet).is_ok(),
                Verdict::PassAndStop => {
                    // The answer waits for this lock, and finds the proxy stopped.
                    let mut state = self.state();
                    let is_handed_on = (&*link.to).write_all(packet).is_ok();
                    stop(&mut state);
                    is_handed_on
                }
            };
            if !is_handed_on {
                return self.ended(link);
            }
        }
    }

    /// One end has closed: the other learns it in order, unless a COMMIT of this connection is kept.
    fn ended(&self, link: &Link) {
        let is_kept = self.state().late.as_ref().is_some_and(|(server, _)| Arc::ptr_eq(server, &link.to));
        if !is_kept {
            let _ = link.to.shutdown(std::net::Shutdown::Write);
        }
    }

    /// Waits while the proxy hangs; true if nothing more is handed on here. The answer to a late COMMIT is for who releases it.
    fn is_cut(&self, link: &Link) -> bool {
        loop {
            let state = self.state();
            if !link.is_from_hub && state.late.as_ref().is_some_and(|(server, _)| Arc::ptr_eq(server, &link.from)) {
                return true;
            }
            let cut = state.cut.filter(|(last, _)| link.number <= *last);
            drop(state);
            match cut {
                None => return false,
                Some((_, at)) if Instant::now() >= at => return true,
                Some(_) => std::thread::sleep(LOOK),
            }
        }
    }

    fn judge(&self, link: &Link, packet: &[u8]) -> Verdict {
        let mut state = self.state();
        if state.cut.is_some_and(|(last, _)| link.number <= last) {
            return Verdict::Keep;
        }
        state.packets += 1;
        let is_commit = link.is_from_hub && packet.ends_with(COMMIT);
        state.commits += u64::from(is_commit);
        let (packets, commits) = (state.packets, state.commits);
        let Some((moment, _)) = state.plan.filter(|_| !state.is_hit) else { return Verdict::Pass };
        let is_answer = !link.is_from_hub && holds(packet, COMMITTED);
        match moment {
            Moment::Packet(number) if packets == number => {}
            Moment::BeforeCommit(number) if is_commit && commits == number => {}
            Moment::AfterCommit(number) if is_answer && commits == number => {}
            Moment::InCommit(number) if is_commit && commits == number => {
                state.is_hit = true;
                return Verdict::PassAndStop;
            }
            Moment::LateCommit(number) if is_commit && commits == number => {
                state.is_hit = true;
                state.late = Some((link.to.clone(), packet.to_vec()));
                return Verdict::Keep;
            }
            _ => return Verdict::Pass,
        }
        state.is_hit = true;
        stop(&mut state);
        Verdict::Keep
    }
}

fn stop(state: &mut State) {
    let Some((_, stop)) = state.plan else { return };
    let after = if let Stop::Hang(long) = stop { long } else { Duration::ZERO };
    state.cut = Some((state.connections, Instant::now() + after));
    state.is_gone = stop == Stop::Gone;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// Answers each packet: a COMMIT as PostgreSQL does, anything else with itself.
    fn server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || {
                    let mut packet = [0; 1 << 10];
                    while let Ok(length) = (&stream).read(&mut packet) {
                        let answer = if packet[..length].ends_with(COMMIT) { COMMITTED } else { &packet[..length] };
                        if length == 0 || (&stream).write_all(answer).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        address
    }

    fn client(proxy: &Proxy) -> TcpStream {
        let client = TcpStream::connect(proxy.address()).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        client
    }

    fn ask(mut client: &TcpStream, packet: &[u8]) -> std::io::Result<Vec<u8>> {
        client.write_all(packet)?;
        let mut answer = vec![0; 1 << 10];
        let length = client.read(&mut answer)?;
        answer.truncate(length);
        Ok(answer)
    }

    #[test]
    fn each_moment_stops_where_it_says() {
        let proxy = Proxy::start(server()).unwrap();
        for moment in [Moment::Packet(3), Moment::BeforeCommit(2), Moment::InCommit(2), Moment::AfterCommit(2)] {
            proxy.plan(moment, Stop::Reset);
            let client = client(&proxy);
            let first = if let Moment::Packet(_) = moment { b"any".as_slice() } else { COMMIT };
            assert!(ask(&client, first).is_ok_and(|answer| !answer.is_empty()) && !proxy.is_hit(), "{moment:?}");
            let failed = ask(&client, first).unwrap_err();
            assert!(proxy.is_hit() && failed.kind() == ErrorKind::ConnectionReset, "{moment:?} {failed}");
            // The next connection passes.
            assert_eq!(ask(&self::client(&proxy), b"next").unwrap(), b"next");
        }
    }

    #[test]
    fn one_that_hangs_ends_later_and_one_that_is_gone_refuses() {
        let proxy = Proxy::start(server()).unwrap();
        proxy.plan(Moment::Packet(1), Stop::Hang(Duration::from_millis(200)));
        let (hanging, begun) = (client(&proxy), Instant::now());
        assert!(ask(&hanging, b"any").is_err() && begun.elapsed() >= Duration::from_millis(200));
        proxy.plan(Moment::Packet(1), Stop::Gone);
        assert!(ask(&client(&proxy), b"any").is_err());
        std::thread::sleep(LOOK * 10);
        assert_eq!(TcpStream::connect(proxy.address()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        proxy.heal();
        std::thread::sleep(LOOK * 10);
        assert_eq!(ask(&client(&proxy), b"any").unwrap(), b"any");
    }

    #[test]
    fn a_late_commit_arrives_when_its_sender_is_gone() {
        let proxy = Proxy::start(server()).unwrap();
        proxy.plan(Moment::LateCommit(1), Stop::Reset);
        let sender = client(&proxy);
        (&sender).write_all(COMMIT).unwrap();
        while !proxy.is_hit() {
            std::thread::sleep(LOOK);
        }
        drop(sender);
        assert_eq!(ask(&client(&proxy), b"another").unwrap(), b"another");
        std::thread::sleep(LOOK * 10);
        assert!(proxy.release() && !proxy.release());
    }
}
