//! How it looks: from what is known to cells of the terminal.

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Sparkline};

use super::rates::{Rates, refused};
use super::state::{App, Dialog, Sample};
use super::tables::{self, fit};
use crate::ctl::busiest::rate;
use crate::ctl::human::{count, cut, duration, microseconds, printable, size, width};

/// The least that there must be room for: columns and rows.
const LEAST: (u16, u16) = (60, 16);
/// The columns of a counter, with its label.
const CELL: u16 = 26;
/// The columns of a label.
const LABEL: usize = 12;
/// With so many rows, the lines of the rates are higher.
const TALL: u16 = 40;

/// What things look like. Without colours there are bright, dim and reversed ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    pub(super) colours: bool,
}

impl Palette {
    fn colour(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    fn label() -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    fn heading() -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn chosen() -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    fn bad(self) -> Style {
        self.colour(Color::Red).add_modifier(Modifier::BOLD)
    }
}

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, palette: Palette, now: Instant) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let (columns, rows) = LEAST;
        let text =
            format!("{}x{} is too small: {columns}x{rows} at least (q: quit)", area.width, area.height);
        return frame.render_widget(Paragraph::new(text).wrap(ratatui::widgets::Wrap { trim: true }), area);
    }
    let gauges = app.sample.as_ref().map_or_else(Vec::new, |sample| gauges(sample, app.rates.as_ref()));
    let columns = (area.width / CELL).max(1);
    let rows = (gauges.len() as u16).div_ceil(columns);
    let line = if area.height >= TALL { 3 } else { 1 };
    let parts = [1, rows, line, line].map(Constraint::Length);
    let parts = parts.into_iter().chain([Constraint::Fill(1), Constraint::Length(1)]);
    let [head, counters, messages_in, messages_out, lists, foot] = Layout::vertical(parts).areas(area);
    draw_head(frame, head, app);
    draw_gauges(frame, counters, &gauges, columns);
    draw_rates(frame, [messages_in, messages_out], app, palette);
    draw_lists(frame, lists, app);
    if app.lost.is_some() {
        // What is shown is no longer so.
        frame.buffer_mut().set_style(area, Palette::label());
    }
    draw_foot(frame, foot, app, palette, now);
    draw_dialog(frame, area, app);
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, app: &App) {
    let mut left = vec![" chatd".to_owned()];
    if let Some(Sample { stats, .. }) = &app.sample {
        left[0] = format!(" chatd {}", printable(&stats.version));
        left.push(format!("up {}", duration(stats.uptime_seconds)));
        left.extend(stats.lockdown.then(|| "LOCKDOWN".to_owned()));
        left.extend(stats.draining.then(|| "DRAINING".to_owned()));
        let confirm = |seconds| format!("to be confirmed: {}", duration(seconds));
        left.extend(stats.confirm_seconds.map(confirm));
    }
    let left = left.join("  ");
    let seconds = app.interval.as_secs_f64();
    let right = if app.paused { "paused ".to_owned() } else { format!("every {seconds} s ") };
    let line = fit(&left, usize::from(area.width).saturating_sub(width(&right)), false) + &right;
    frame.render_widget(Line::styled(line, Palette::chosen()), area);
}

/// The counters and gauges, each with its label.
fn gauges(sample: &Sample, rates: Option<&Rates>) -> Vec<(&'static str, String)> {
    let stats = &sample.stats;
    let a_second = |rate_of: fn(&Rates) -> u64, shown: fn(u64) -> String| {
        rates.map_or_else(|| "-".to_owned(), |rates| format!("{}/s", shown(rate_of(rates))))
    };
    let memory = match stats.memory_limit_bytes {
        0 => "no limit".to_owned(),
        limit => {
            let percent = u128::from(stats.memory_used_bytes) * 100 / u128::from(limit);
            format!("{percent}% {}", size(limit))
        }
    };
    vec![
        ("connections", count(stats.connections_now)),
        ("peak", count(stats.connections_peak)),
        ("users", count(stats.users)),
        ("channels", count(stats.channels)),
        ("refused", count(refused(stats))),
        ("refused now", a_second(|rates| rates.refused, rate)),
        ("deliveries", a_second(|rates| rates.deliveries, rate)),
        ("bytes in", a_second(|rates| rates.bytes_in / 10, size)),
        ("bytes out", a_second(|rates| rates.bytes_out / 10, size)),
        ("send queues", size(stats.send_queue_bytes)),
        ("in kernel", size(stats.kernel_queue_bytes)),
        ("log dropped", count(stats.log_lines_dropped)),
        ("turn p50", microseconds(stats.turn_p50_us)),
        ("turn p99", microseconds(stats.turn_p99_us)),
        ("turn max", microseconds(stats.turn_max_us)),
        ("memory", size(stats.rss_bytes)),
        ("limit", memory),
        ("descriptors", format!("{}/{}", stats.descriptors_open, stats.descriptors_limit)),
    ]
}

fn draw_gauges(frame: &mut Frame<'_>, area: Rect, gauges: &[(&str, String)], columns: u16) {
    let rows = area.height;
    if rows == 0 {
        return;
    }
    let cells = Layout::horizontal((0..columns).map(|_| Constraint::Fill(1))).split(area);
    for (index, (label, value)) in gauges.iter().enumerate() {
        let (column, row) = (index as u16 / rows, index as u16 % rows);
        let Some(cell) = cells.get(usize::from(column)) else { break };
        let room = usize::from(cell.width).saturating_sub(LABEL + 2);
        let line = Line::from(vec![
            Span::styled(format!(" {}", fit(label, LABEL, false)), Palette::label()),
            Span::raw(cut(value, room)),
        ]);
        frame.render_widget(line, Rect { y: area.y + row, height: 1, ..*cell });
    }
}

fn draw_rates(frame: &mut Frame<'_>, areas: [Rect; 2], app: &App, palette: Palette) {
    let now = |rate_of: fn(&Rates) -> u64| {
        app.rates.as_ref().map_or_else(|| "-".to_owned(), |rates| format!("{}/s", rate(rate_of(rates))))
    };
    let lines = [
        ("messages in", now(|rates| rates.messages_in), &app.messages_in, Color::Cyan),
        ("messages out", now(|rates| rates.messages_out), &app.messages_out, Color::Green),
    ];
    for (area, (label, value, past, colour)) in areas.into_iter().zip(lines) {
        let [text, line] = Layout::horizontal([Constraint::Length(CELL), Constraint::Fill(1)]).areas(area);
        let label = Span::styled(format!(" {}", fit(label, LABEL, false)), Palette::label());
        let value = Span::styled(cut(&value, usize::from(CELL) - LABEL - 2), Palette::heading());
        frame.render_widget(Line::from(vec![label, Span::raw(" "), value]), Rect { height: 1, ..text });
        let data = past.last(usize::from(line.width));
        let peak = data.iter().copied().max();
        if let Some(peak) = peak.filter(|_| text.height > 1) {
            let shown = format!(" {} {}/s", fit("highest", LABEL, false), rate(peak));
            let place = Rect { y: text.y + 1, height: 1, ..text };
            frame.render_widget(Line::styled(cut(&shown, usize::from(CELL) - 1), Palette::label()), place);
        }
        let most = peak.unwrap_or(0).max(1);
        frame.render_widget(Sparkline::default().data(data).max(most).style(palette.colour(colour)), line);
    }
}

fn draw_lists(frame: &mut Frame<'_>, area: Rect, app: &App) {
    let halves = [Constraint::Ratio(2, 5), Constraint::Ratio(3, 5)];
    let [left, right] = Layout::horizontal(halves).spacing(1).areas(area);
    let Some(sample) = &app.sample else {
        let text = Paragraph::new(" waiting for chatd ...");
        return frame.render_widget(text, area);
    };
    let columns = |area: Rect| usize::from(area.width).saturating_sub(2);
    draw_list(frame, left, "busiest channels", &tables::channels(sample, columns(left)), None);
    draw_list(frame, right, "busiest clients", &tables::clients(sample, columns(right)), app.chosen_row());
}

fn draw_list(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    (heading, rows): &(String, Vec<String>),
    chosen: Option<usize>,
) {
    let block = Block::bordered().title(format!(" {title} ")).border_style(Palette::label());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(room) = usize::from(inner.height).checked_sub(1) else { return };
    let line = |row: usize| Rect { y: inner.y + row as u16, height: 1, ..inner };
    frame.render_widget(Line::styled(heading.as_str(), Palette::heading()), line(0));
    if rows.is_empty() && room > 0 {
        frame.render_widget(Line::styled("nobody has said anything of late", Palette::label()), line(1));
    }
    // The chosen one is always in sight.
    let from = chosen.map_or(0, |chosen| (chosen + 1).saturating_sub(room));
    for (place, (index, row)) in rows.iter().enumerate().skip(from).take(room).enumerate() {
        let style = if chosen == Some(index) { Palette::chosen() } else { Style::new() };
        frame.render_widget(Line::styled(row.as_str(), style), line(place + 1));
    }
}

fn draw_foot(frame: &mut Frame<'_>, area: Rect, app: &App, palette: Palette, now: Instant) {
    let (text, style) = match (&app.lost, &app.note, &app.sample) {
        (Some((why, since)), ..) => {
            let lost = duration(now.saturating_duration_since(*since).as_secs());
            (format!("no answer for {lost}, trying again: {why}"), palette.bad())
        }
        (None, Some(note), _) if note.bad => (note.text.clone(), palette.bad()),
        (None, Some(note), _) => (note.text.clone(), Palette::heading()),
        (None, None, Some(sample)) if is_late(app, sample, now) => {
            let late = duration(now.saturating_duration_since(sample.at).as_secs());
            (format!("chatd has not answered for {late}"), palette.bad())
        }
        _ => ("↑↓ choose  k kick  p pause  +/- interval  ? help  q quit".to_owned(), Palette::label()),
    };
    let text = cut(&format!(" {text}"), usize::from(area.width));
    // Over what may be dimmed.
    frame.render_widget(Clear, area);
    frame.render_widget(Line::styled(text, style), area);
}

/// Whether an answer should have come long ago.
fn is_late(app: &App, sample: &Sample, now: Instant) -> bool {
    let patience = app.interval * 2 + std::time::Duration::from_secs(2);
    !app.paused && now.saturating_duration_since(sample.at) > patience
}

const HELP: [&str; 11] = [
    "↑ ↓ Tab Shift-Tab     choose a client",
    "PgUp PgDn Home End    choose further away",
    "k                     disconnect the chosen client",
    "p                     pause, and go on",
    "+ -                   look less often, more often",
    "Esc                   choose nobody",
    "Ctrl-L                draw anew",
    "Ctrl-Z                back to the shell; fg returns",
    "q Ctrl-C              quit",
    "",
    "any key closes this",
];

fn draw_dialog(frame: &mut Frame<'_>, area: Rect, app: &App) {
    let room = usize::from(area.width).saturating_sub(8).min(70);
    let (title, lines) = match &app.dialog {
        Dialog::None => return,
        Dialog::Help => (" keys ", HELP.map(str::to_owned).to_vec()),
        Dialog::Kick { name, reason, .. } => {
            // The end of what is typed is what whoever types looks at.
            let typed = printable(reason);
            let skipped = typed.char_indices().map(|(at, _)| &typed[at..]);
            let seen = skipped.chain([""]).find(|rest| width(rest) + 10 <= room).unwrap_or_default();
            let lines = vec![
                cut(name, room),
                String::new(),
                format!("Reason: {seen}_"),
                String::new(),
                "Enter: disconnect    Esc: do not".to_owned(),
            ];
            (" disconnect? ", lines)
        }
    };
    let columns = lines.iter().map(|line| width(line)).max().unwrap_or(0).max(40.min(room)) as u16 + 4;
    let rows = (lines.len() as u16 + 2).min(area.height);
    let place = Rect {
        x: area.x + area.width.saturating_sub(columns) / 2,
        y: area.y + area.height.saturating_sub(rows) / 2,
        width: columns.min(area.width),
        height: rows,
    };
    frame.render_widget(Clear, place);
    let text: Vec<_> = lines.into_iter().map(|line| Line::from(format!(" {line}"))).collect();
    frame.render_widget(Paragraph::new(text).block(Block::bordered().title(title)), place);
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
