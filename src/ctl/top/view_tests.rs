use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::super::keys::Key;
use super::super::state::tests::client;
use super::*;
use crate::admin::{BusyChannel, Stats};
use crate::ctl::busiest::Active;

/// A busy daemon, as it is after a while, with names of all kinds.
fn busy(start: Instant) -> App {
    let mut app = App::new(Duration::from_secs(2));
    for look in 0..30_u64 {
        let stats = Stats {
            version: "1.2.3".into(),
            uptime_seconds: 11_520 + 2 * look,
            connections_now: 1_234,
            connections_peak: 1_300,
            users: 1_230,
            channels: 77,
            messages_in: 900 * look + 40 * look * look,
            messages_out: 1_000 * look + 10 * look * (30 - look),
            deliveries: 123_456 * look,
            bytes_in: 50_000 * look,
            bytes_out: 5_000_000 * look,
            send_queue_bytes: 2_048,
            kernel_queue_bytes: 131_072,
            refused: [("full".to_owned(), 7 + look)].into(),
            log_lines_dropped: 3,
            turn_p50_us: 120,
            turn_p99_us: 1_240,
            turn_max_us: 25_000,
            rss_bytes: 12_900_000,
            memory_used_bytes: 15 << 20,
            memory_limit_bytes: 64 << 20,
            descriptors_open: 1_250,
            descriptors_limit: 1_048_576,
            ..Stats::default()
        };
        let channel = |name: &str, members, tenths| Active {
            item: BusyChannel { name: name.into(), members, messages: tenths },
            tenths,
        };
        let channels = vec![
            channel("#rust", 1_234, 1_234),
            channel("#日本語の部屋はとても長い名前です", 77, 567),
            channel("#\x1b[2J\x1b[31mhostile\u{202e}", 5, 12),
            channel("#e\u{301}e\u{301}🦀", 2, 1),
        ];
        let clients = vec![
            client(1, Some("ann"), 1_111),
            client(2, Some("日本"), 222),
            client(3, Some("\x07bell\u{200b}"), 33),
            client(4, None, 4),
        ];
        app.take(Sample { at: start + Duration::from_secs(2 * look), stats, channels, clients });
    }
    app
}

const PLAIN: Palette = Palette { colours: false };

fn drawn(app: &App, columns: u16, rows: u16, palette: Palette, now: Instant) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(frame, app, palette, now)).unwrap();
    terminal.backend().buffer().clone()
}

/// What is on the screen, line by line. Each has as many columns as the screen, whatever is on it.
fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in 0..buffer.area.height {
        let (mut line, mut column) = (String::new(), 0);
        while column < buffer.area.width {
            let symbol = buffer[(column, row)].symbol();
            line.push_str(symbol);
            column += width(symbol).max(1) as u16;
        }
        assert_eq!(width(&line), usize::from(buffer.area.width), "{line}");
        assert!(!line.contains(char::is_control), "{line:?}");
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// Holds a screen against the file of that name; with `CHATD_BLESS` it becomes that.
fn compare(name: &str, screen: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ctl/top/screens").join(name);
    if env::var_os("CHATD_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, screen).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(screen == expected, "{name} is\n{expected}\nand now it is\n{screen}");
}

#[test]
fn screens_look_as_they_should() {
    let start = Instant::now();
    let mut app = busy(start);
    app.press(Key::Down);
    app.press(Key::Down);
    let now = start + Duration::from_secs(58);
    compare("80x24.txt", &text(&drawn(&app, 80, 24, PLAIN, now)));
    compare("200x60.txt", &text(&drawn(&app, 200, 60, PLAIN, now)));
    app.press(Key::Char('k'));
    "Enough for \u{202e}today".chars().for_each(|char| drop(app.press(Key::Char(char))));
    compare("kick-80x24.txt", &text(&drawn(&app, 80, 24, PLAIN, now)));
    app.press(Key::Esc);
    app.press(Key::Char('?'));
    compare("help-60x16.txt", &text(&drawn(&app, 60, 16, PLAIN, now)));
}

#[test]
fn no_size_is_too_small_or_too_large() {
    let start = Instant::now();
    let mut app = busy(start);
    app.press(Key::End);
    for open in [Key::Esc, Key::Char('?'), Key::Esc, Key::Char('k')] {
        app.press(open);
        for (columns, rows) in
            [(1, 1), (0, 0), (2, 40), (59, 16), (60, 15), (60, 16), (61, 17), (79, 23), (132, 43), (500, 200)]
        {
            let screen = text(&drawn(&app, columns, rows, PLAIN, start));
            let small = columns < LEAST.0 || rows < LEAST.1;
            assert!(columns < 40 || screen.contains("is too small") == small, "{columns}x{rows}:\n{screen}");
        }
    }
    let empty = App::new(Duration::from_secs(2));
    assert!(text(&drawn(&empty, 80, 24, PLAIN, start)).contains("waiting for chatd"));
}

#[test]
fn the_chosen_client_is_always_in_sight() {
    let start = Instant::now();
    let mut app = busy(start);
    let mut sample = app.sample.clone().unwrap();
    sample.clients = (1..=60).map(|id| client(id, Some(&format!("nick{id}")), 1_000 - id)).collect();
    app.take(sample);
    app.press(Key::End);
    let buffer = drawn(&app, 80, 24, PLAIN, start);
    let screen = text(&buffer);
    assert!(screen.contains("nick60") && !screen.contains("nick1 "), "{screen}");
    let row = screen.lines().position(|line| line.contains("nick60")).unwrap() as u16;
    assert!(buffer[(60, row)].modifier.contains(Modifier::REVERSED));
}

#[test]
fn a_daemon_that_is_gone_is_told_of_and_what_was_is_dim() {
    let start = Instant::now();
    let mut app = busy(start);
    let now = start + Duration::from_secs(70);
    let late = text(&drawn(&app, 80, 24, PLAIN, now));
    assert!(late.contains("chatd has not answered for 12s"), "{late}");
    app.lose("there is no socket /run/chatd/admin.sock: chatd does not run", start + Duration::from_mins(1));
    let buffer = drawn(&app, 80, 24, PLAIN, now);
    let screen = text(&buffer);
    assert!(screen.contains("no answer for 10s, trying again: there is no socket"), "{screen}");
    assert!(screen.contains("1,234"), "what is known stays");
    assert!((0..80).all(|column| buffer[(column, 1)].modifier.contains(Modifier::DIM)));
    assert!(!buffer[(1, 23)].modifier.contains(Modifier::DIM));
}

#[test]
fn without_colours_there_are_none() {
    let start = Instant::now();
    let mut app = busy(start);
    app.lose("gone", start);
    let colours = |palette| {
        let buffer = drawn(&app, 80, 24, palette, start);
        buffer.content.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
    };
    assert!(!colours(PLAIN) && colours(Palette { colours: true }));
}

#[test]
fn what_an_operator_must_know_stands_at_the_top() {
    let start = Instant::now();
    let mut app = busy(start);
    let mut sample = app.sample.clone().unwrap();
    (sample.stats.lockdown, sample.stats.draining, sample.stats.confirm_seconds) = (true, true, Some(45));
    app.take(sample);
    app.press(Key::Char('p'));
    let screen = text(&drawn(&app, 80, 24, PLAIN, start));
    let head = screen.lines().next().unwrap();
    assert!(
        head.contains("LOCKDOWN  DRAINING  ")
            && head.contains("to be confirmed: 45s")
            && head.ends_with("paused"),
        "{head}"
    );
}
