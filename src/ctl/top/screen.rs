//! The terminal while `top` has it, and giving it back as it was.

use std::io::{self, BufWriter, Stdout};
use std::panic;

use nix::sys::signal::{Signal, raise};
use nix::unistd;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Hide;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::layout::Position;
use ratatui::{Frame, Terminal};

/// What a frame takes at most, so that it leaves in one piece: a large terminal with a colour for each cell.
const FRAME: usize = 256 * 1024;
/// No attributes, the screen that was there before, and the cursor.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?1049l\x1b[?25h";

/// The terminal, in raw mode and with another screen. It gets its own back when this is dropped, and after a panic.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn take() -> io::Result<Self> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            leave();
            before(info);
            // Of whichever thread: half of it is of no use to anybody.
            std::process::exit(101);
        }));
        let backend = CrosstermBackend::new(BufWriter::with_capacity(FRAME, io::stdout()));
        let mut screen = Self { terminal: Terminal::new(backend)? };
        screen.enter()?;
        Ok(screen)
    }

    fn enter(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        self.redraw()
    }

    /// Has the next frame drawn as if nothing were there.
    ///
    /// # Errors
    /// The terminal's.
    pub(super) fn redraw(&mut self) -> io::Result<()> {
        // Not with `clear`, which asks the terminal where the cursor is: the answer would come among the keys.
        let size = self.terminal.size()?;
        self.terminal.resize((Position::ORIGIN, size).into())
    }

    /// Draws what has changed since the last frame.
    ///
    /// # Errors
    /// The terminal's.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(|_| ())
    }

    /// Gives the terminal back to the shell, until that continues this process.
    ///
    /// # Errors
    /// The terminal's.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        leave();
        raise(Signal::SIGSTOP)?;
        self.enter()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

/// Gives the terminal its own screen and mode back. It locks nothing that a thread which has failed may hold.
fn leave() {
    // With the terminal gone there is nothing to give back.
    let _ = unistd::write(io::stdout(), LEAVE);
    let _ = disable_raw_mode();
}
