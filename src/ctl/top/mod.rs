//! `chatctl top`: the daemon, watched in the terminal.
//!
//! | file | what is there |
//! |---|---|
//! | `state` | what is known and shown, and what keys do: pure |
//! | `rates` | what happens in a second: pure |
//! | `keys` | keys from bytes: pure |
//! | `view`, `tables` | how it is drawn: from state to cells |
//! | `poll` | the thread that asks the daemon |
//! | `screen` | the terminal, and giving it back |

mod keys;
mod poll;
mod rates;
mod screen;
mod state;
mod tables;
mod view;

use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::Failure;
use super::daemon::Daemon;
use super::style::Style;
use keys::{Key, Keys};
use poll::{Order, Poller, Told};
use screen::Screen;
use state::{Action, App};
use view::Palette;

/// How long the bytes of one key may be apart.
const KEY: Duration = Duration::from_millis(50);
/// Between two frames when nothing happens: times that are shown go on.
const FRAME: Duration = Duration::from_secs(1);

/// What the loop waits for.
enum Event {
    /// Bytes from the keyboard; none are its end.
    Typed(Vec<u8>),
    /// A signal.
    Signal(i32),
    /// Something from the daemon.
    Told(Told),
}

/// How the loop ended.
enum End {
    /// Somebody has seen enough.
    Quit,
    /// A signal asks for it.
    Signal(i32),
}

/// Shows the daemon until somebody has seen enough.
///
/// # Errors
/// There is no terminal, the daemon cannot be reached to begin with, or the terminal fails.
pub(super) fn run(socket: Option<PathBuf>, timeout: Duration, interval: Duration) -> Result<(), Failure> {
    let style = Style::stdout();
    if !(style.moves && io::stdin().is_terminal()) {
        return Err(Failure::Terminal(
            "top needs a terminal that can move its cursor, for its output and its keys\n\
             elsewhere, \"chatctl stats\" and \"chatctl busiest\" tell the same, with --json for programs"
                .to_owned(),
        ));
    }
    // Whoever has the wrong socket is told so before anything is drawn.
    let daemon = Some(Daemon::connect(socket.clone(), true, timeout)?);
    let (sender, events) = mpsc::channel();
    let (orders, taken) = mpsc::channel();
    let poller = Poller { socket, timeout, interval, daemon };
    let telling = sender.clone();
    spawn("poller", move || poller.run(&taken, &telling, Event::Told))?;
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGWINCH])?;
    let signalling = sender.clone();
    spawn("signals", move || {
        signals.forever().all(|signal| signalling.send(Event::Signal(signal)).is_ok());
    })?;
    let palette = Palette { colours: style.colours };
    let mut top =
        Top { app: App::new(interval), palette, keys: Keys::default(), screen: Screen::take()?, orders };
    spawn("keys", move || read_keys(&sender))?;
    let end = top.run(&events);
    // The terminal is its owner's again before anything is said.
    drop(top);
    match end? {
        End::Quit => Ok(()),
        End::Signal(signal) => Ok(emulate_default_handler(signal)?),
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(|_| ())
}

/// Reads the keyboard until it ends, or nobody wants to know.
fn read_keys(events: &Sender<Event>) {
    let mut chunk = [0; 256];
    loop {
        let typed = match io::stdin().lock().read(&mut chunk) {
            Ok(length) => chunk[..length].to_vec(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => Vec::new(),
        };
        let last = typed.is_empty();
        if events.send(Event::Typed(typed)).is_err() || last {
            return;
        }
    }
}

/// All of it.
struct Top {
    app: App,
    palette: Palette,
    keys: Keys,
    screen: Screen,
    orders: Sender<Order>,
}

impl Top {
    fn run(&mut self, events: &Receiver<Event>) -> io::Result<End> {
        loop {
            let (app, palette) = (&self.app, self.palette);
            self.screen.draw(|frame| view::draw(frame, app, palette, Instant::now()))?;
            let wait = if self.keys.waits() { KEY } else { FRAME };
            let mut event = match events.recv_timeout(wait) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(key) = self.keys.give_up()
                        && let Some(end) = self.press(key)?
                    {
                        return Ok(end);
                    }
                    None
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(End::Quit),
            };
            // All that has come is shown in one frame.
            while let Some(next) = event {
                if let Some(end) = self.take(next)? {
                    return Ok(end);
                }
                event = events.try_recv().ok();
            }
        }
    }

    fn take(&mut self, event: Event) -> io::Result<Option<End>> {
        match event {
            Event::Typed(bytes) if bytes.is_empty() => return Ok(Some(End::Quit)),
            Event::Typed(bytes) => {
                for key in self.keys.feed(&bytes) {
                    let end = self.press(key)?;
                    if end.is_some() {
                        return Ok(end);
                    }
                }
            }
            // The next frame asks for the size.
            Event::Signal(SIGWINCH) => {}
            Event::Signal(SIGTSTP) => self.screen.suspend()?,
            Event::Signal(signal) => return Ok(Some(End::Signal(signal))),
            Event::Told(Told::Sample(sample)) => self.app.take(*sample),
            Event::Told(Told::Done { text, bad }) => self.app.tell(&text, bad),
            Event::Told(Told::Lost(why)) => self.app.lose(&why, Instant::now()),
        }
        Ok(None)
    }

    fn press(&mut self, key: Key) -> io::Result<Option<End>> {
        let order = match self.app.press(key) {
            None => return Ok(None),
            Some(Action::Quit) => return Ok(Some(End::Quit)),
            Some(Action::Redraw) => return self.screen.redraw().map(|()| None),
            Some(Action::Suspend) => return self.screen.suspend().map(|()| None),
            Some(Action::Kick { id, reason }) => Order::Kick { id, reason },
            Some(Action::Pause(on)) => Order::Pause(on),
            Some(Action::Interval(interval)) => Order::Interval(interval),
        };
        // The thread listens for as long as this does.
        let _ = self.orders.send(order);
        Ok(None)
    }
}
