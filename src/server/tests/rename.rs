//! RENAME of large channels, and by rank.

use super::*;
use crate::proto::limits::{RENAME_AT_ONCE, RENAME_MEMBERS};
use crate::proto::modes::{OWNER, Prefixes};

#[test]
fn who_moves_with_a_large_channel_is_sent_its_members_in_slices() {
    let mut bench = Bench::new(|_| {});
    let members = RENAME_AT_ONCE as u32 + 10;
    for slot in 0..members {
        let client = bench.user(slot);
        bench.say(client, "JOIN #a");
        bench.out.clear();
    }
    bench.say(ClientId { slot: 0, generation: 1 }, "RENAME #a #b :reason");
    let first: Vec<_> = (0..members).map(|slot| bench.out.lines(slot)).collect();
    assert!(first.iter().all(|&lines| lines == 2), "PART and JOIN at once, and no more: {first:?}");
    let mut heard = vec![String::new(); members as usize];
    while bench.server.deadline() == Some(0) {
        bench.out.clear();
        bench.input(Input::Tick);
        let some = (0..members).filter(|&slot| bench.out.lines(slot) > 0).count();
        assert!(some <= SLICES_PER_TURN, "{some} at a time");
        for (slot, heard) in (0..).zip(&mut heard) {
            for bytes in bench.out.spans(slot) {
                heard.push_str(std::str::from_utf8(bytes).unwrap());
            }
        }
    }
    for (slot, heard) in heard.iter().enumerate() {
        assert_eq!(heard.matches(" 366 ").count(), 1, "{slot}: {heard}");
        assert!(heard.contains(&format!("n{}", members - 1)), "{slot}: {heard}");
    }
}

#[test]
fn only_the_highest_rank_gives_a_channel_another_name() {
    let mut bench = Bench::new(|config| config.channels.prefixes = Prefixes::of("qaohv").unwrap());
    let (op, owner) = (bench.user(0), bench.user(1));
    for client in [op, owner] {
        bench.say(client, "JOIN #a");
    }
    bench.server.channel_mut(0).set_prefix(1, OWNER, true);
    bench.out.clear();
    bench.say(op, "RENAME #a #b");
    assert_eq!(bench.got(0), [":chat.localhost 482 n0 #a :You're not a channel operator"]);
    bench.say(owner, "RENAME #a #b");
    assert!(bench.got(0).contains(&":n0!~u@127.0.0.1 JOIN #b".to_owned()));
}

#[test]
fn a_channel_from_which_too_many_would_have_to_move_keeps_its_name() {
    let mut bench = Bench::new(|_| {});
    let members = RENAME_MEMBERS as u32 + 1;
    crowd(&mut bench, members);
    let founder = ClientId { slot: 0, generation: 1 };
    bench.say(founder, "RENAME #crowd #other");
    assert_eq!(
        bench.got(0),
        [
            ":chat.localhost FAIL RENAME CANNOT_RENAME #crowd #other :Too many members have clients that do not know RENAME"
        ]
    );
    bench.say(founder, "RENAME #crowd #Crowd");
    assert_eq!(bench.server.channel(0).name.as_ref(), "#Crowd", "no client shows that as another channel");
    bench.pass(61_000);
    bench.say(ClientId { slot: members - 1, generation: members }, "CAP REQ draft/channel-rename");
    bench.out.clear();
    bench.say(founder, "RENAME #Crowd #other");
    assert!(bench.got(0).contains(&":n0!~u@127.0.0.1 JOIN #other".to_owned()));
}
