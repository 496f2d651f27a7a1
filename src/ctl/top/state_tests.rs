use super::*;

pub(in super::super) fn client(id: u64, nick: Option<&str>, tenths: u64) -> Active<BusyClient> {
    let item = BusyClient {
        id,
        nick: nick.map(str::to_owned),
        address: format!("198.51.100.{id}"),
        messages: tenths,
        send_queue_bytes: 1_000 * id,
        kernel_queue_bytes: 24,
    };
    Active { item, tenths }
}

fn sample(at: Instant, stats: Stats, clients: &[u64]) -> Sample {
    let clients = clients.iter().map(|id| client(*id, Some(&format!("nick{id}")), 100 - id)).collect();
    Sample { at, stats, channels: vec![], clients }
}

/// With these clients, by id.
fn app(clients: &[u64]) -> App {
    let mut app = App::new(Duration::from_secs(2));
    app.take(sample(Instant::now(), Stats::default(), clients));
    app
}

fn type_text(app: &mut App, text: &str) {
    for char in text.chars() {
        assert_eq!(app.press(Key::Char(char)), None);
    }
}

#[test]
fn keys_choose_a_client() {
    let mut app = app(&[1, 2, 3]);
    for (key, chosen) in [
        (Key::Down, Some(1)),
        (Key::Down, Some(2)),
        (Key::Up, Some(1)),
        (Key::Up, Some(1)),
        (Key::BackTab, Some(3)),
        (Key::Tab, Some(1)),
        (Key::End, Some(3)),
        (Key::Down, Some(3)),
        (Key::PageUp, Some(1)),
        (Key::PageDown, Some(3)),
        (Key::Home, Some(1)),
        (Key::Esc, None),
        (Key::Tab, Some(1)),
        (Key::Char('x'), Some(1)),
    ] {
        assert_eq!((app.press(key), app.chosen), (None, chosen), "{key:?}");
    }
    let mut nobody = App::new(Duration::from_secs(2));
    assert_eq!((nobody.press(Key::Down), nobody.chosen), (None, None));
}

#[test]
fn the_chosen_one_stays_chosen_wherever_it_is_and_nobody_takes_its_place() {
    let mut app = app(&[1, 2, 3]);
    app.press(Key::Down);
    app.take(sample(Instant::now(), Stats::default(), &[3, 2, 1]));
    assert_eq!((app.chosen, app.chosen_row()), (Some(1), Some(2)));
    app.take(sample(Instant::now(), Stats::default(), &[3, 2]));
    assert_eq!((app.chosen, app.chosen_row()), (None, None));
}

#[test]
fn a_kick_asks_first_and_means_who_was_chosen_then() {
    let mut app = app(&[1, 2]);
    app.press(Key::Char('k'));
    assert!(app.dialog == Dialog::None && app.note.is_some(), "nobody is chosen");
    app.press(Key::Down);
    assert_eq!(app.press(Key::Char('k')), None);
    let Dialog::Kick { id: 1, name, .. } = &app.dialog else { panic!("{:?}", app.dialog) };
    assert_eq!(name, "nick1 (198.51.100.1)");
    // Whatever comes meanwhile, it is this one.
    app.take(sample(Instant::now(), Stats::default(), &[2]));
    type_text(&mut app, "kéq? ");
    app.press(Key::Backspace);
    app.press(Key::Backspace);
    assert_eq!(app.press(Key::Enter), Some(Action::Kick { id: 1, reason: Some("kéq".into()) }));
    assert_eq!(app.dialog, Dialog::None);
    // Without a reason, and not after all.
    app.press(Key::Tab);
    app.press(Key::Char('k'));
    type_text(&mut app, "  ");
    assert_eq!(app.press(Key::Enter), Some(Action::Kick { id: 2, reason: None }));
    app.press(Key::Char('k'));
    assert_eq!((app.press(Key::Esc), &app.dialog), (None, &Dialog::None));
    app.press(Key::Char('k'));
    type_text(&mut app, &"x".repeat(1_000));
    let Dialog::Kick { reason, .. } = &app.dialog else { panic!("{:?}", app.dialog) };
    assert_eq!(reason.len(), REASON);
    app.press(Key::Ctrl('u'));
    assert_eq!(app.press(Key::Enter), Some(Action::Kick { id: 2, reason: None }));
}

#[test]
fn a_name_cannot_steer_the_terminal() {
    let mut app = app(&[]);
    let mut hostile = sample(Instant::now(), Stats::default(), &[]);
    hostile.clients = vec![client(7, Some("\x1b[2J\u{202e}x"), 1), client(8, None, 1)];
    app.take(hostile);
    app.press(Key::Down);
    app.press(Key::Char('k'));
    let Dialog::Kick { name, .. } = &app.dialog else { panic!("{:?}", app.dialog) };
    assert_eq!(name, "\\x1b[2J\\u{202e}x (198.51.100.7)");
    app.press(Key::Esc);
    app.press(Key::End);
    app.press(Key::Char('k'));
    let Dialog::Kick { name, .. } = &app.dialog else { panic!("{:?}", app.dialog) };
    assert_eq!(name, "the client at 198.51.100.8");
    app.tell("no \x07\nsecond line", true);
    assert_eq!(app.note, Some(Note { text: "no \\x07".into(), bad: true }));
}

#[test]
fn keys_pause_and_change_the_time_between_two_looks() {
    let mut app = app(&[]);
    assert_eq!(app.press(Key::Char('p')), Some(Action::Pause(true)));
    assert_eq!(app.press(Key::Char('p')), Some(Action::Pause(false)));
    let seconds = |seconds| Some(Action::Interval(Duration::from_secs(seconds)));
    assert_eq!(app.press(Key::Char('+')), seconds(4));
    assert_eq!(app.press(Key::Char('-')), seconds(2));
    assert_eq!(app.press(Key::Char('-')), seconds(1));
    for _ in 0..20 {
        app.press(Key::Char('-'));
    }
    assert_eq!(app.interval, Duration::from_millis(INTERVALS.0));
    assert_eq!(app.press(Key::Char('-')), None, "there is nothing to change");
    for _ in 0..40 {
        app.press(Key::Char('+'));
    }
    assert_eq!(app.interval, Duration::from_millis(INTERVALS.1));
}

#[test]
fn keys_end_it_whatever_is_open() {
    for open in [None, Some(Key::Char('?')), Some(Key::Char('k'))] {
        let mut app = app(&[1]);
        app.press(Key::Down);
        open.map(|key| app.press(key));
        assert_eq!(app.press(Key::Ctrl('c')), Some(Action::Quit));
        assert_eq!(app.press(Key::Ctrl('z')), Some(Action::Suspend));
        assert_eq!(app.press(Key::Ctrl('l')), Some(Action::Redraw));
    }
    let mut app = app(&[]);
    app.press(Key::Char('?'));
    assert_eq!((app.press(Key::Char('q')), &app.dialog), (None, &Dialog::None), "it only closes the help");
    assert_eq!(app.press(Key::Char('q')), Some(Action::Quit));
}

#[test]
fn a_daemon_that_is_gone_leaves_what_is_known_and_comes_back() {
    let mut app = app(&[1]);
    let start = app.sample.as_ref().unwrap().at;
    let later = |seconds| start + Duration::from_secs(seconds);
    app.take(sample(later(2), Stats { messages_in: 20, ..Stats::default() }, &[1]));
    assert_eq!(app.rates.map(|rates| rates.messages_in), Some(100));
    app.lose("there is no socket\nstart it", later(4));
    app.lose("there is no socket\nstart it", later(6));
    assert_eq!(app.lost, Some(("there is no socket".into(), later(4))));
    assert!(app.sample.is_some() && app.rates.is_none());
    // Another daemon, whose counters begin anew.
    app.take(sample(later(8), Stats { messages_in: 3, ..Stats::default() }, &[]));
    assert!(app.lost.is_none() && app.rates.is_none());
    assert_eq!(app.messages_in.last(2), [0, 100], "there was no rate meanwhile");
}
